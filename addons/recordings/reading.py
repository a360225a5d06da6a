"""Reads kept bytes again with the adapters of today: for the views, for replays, for checks."""

from collections.abc import Mapping
from dataclasses import replace

from addons.dialects.registry import parsed_as
from addons.errors import GatewayError
from addons.inspect.annotation import Annotation
from providers.contract.chat import Message
from providers.contract.operation import Decoder
from providers.contract.provider import AnyProvider
from providers.contract.requests import ChatRequest, ModelRequest
from providers.contract.session import Session


def decoder_for(note: Annotation, providers: Mapping[str, AnyProvider]) -> Decoder | None:
    """A fresh decoder for the answer an annotation tells of; None when its provider does not serve such any more."""
    provider = providers.get(note.provider)
    serving = provider.serving(request_of(note)) if provider is not None else None
    if serving is None:
        return None
    return serving.operation.turn(serving.request, Session(note.provider, "recorded")).decoder()


def request_of(note: Annotation) -> ModelRequest:
    """The request an annotation tells of; a bare chat when the client's request cannot be read any more."""
    body = note.client_request.encode("utf-8", "surrogateescape")
    try:
        return replace(parsed_as(note.dialect, body)[1].request, model=note.model)
    except GatewayError:
        return ChatRequest(note.model, (Message("user", ""),), stream=note.stream)
