"""Reads kept bytes again with the adapters of today: for the views, for replays, for checks."""

from collections.abc import Mapping
from dataclasses import replace

from addons.dialects.registry import parsed_as
from addons.errors import GatewayError
from addons.exchange.context import AnyProvider
from addons.inspect.annotation import Annotation
from providers.contract.chat import ChatRequest, Message
from providers.contract.provider import Decoder


def decoder_for(note: Annotation, providers: Mapping[str, AnyProvider]) -> Decoder | None:
    """A fresh decoder for the answer an annotation tells of; None when its provider is not configured any more."""
    provider = providers.get(note.provider)
    return provider.decoder(chat_of(note), None) if provider is not None else None


def chat_of(note: Annotation) -> ChatRequest:
    """The chat an annotation tells of; a bare one when the client's request cannot be read any more."""
    body = note.client_request.encode("utf-8", "surrogateescape")
    try:
        return replace(parsed_as(note.dialect, body)[1].chat, model=note.model)
    except GatewayError:
        return ChatRequest(note.model, (Message("user", ""),), stream=note.stream)
