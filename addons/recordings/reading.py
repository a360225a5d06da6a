"""Reading kept bytes again with today's adapters: for views, replays, checks."""

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


def decoder_for(annotation: Annotation, providers: Mapping[str, AnyProvider]) -> Decoder | None:
    """A fresh decoder for the answer of an annotated flow; None when its provider is not configured any more."""
    provider = providers.get(annotation.provider)
    serving = provider.serving(request_of(annotation)) if provider is not None else None
    if serving is None:
        return None
    return serving.operation.turn(serving.request, Session(annotation.provider, "recorded")).decoder()


def request_of(annotation: Annotation) -> ModelRequest:
    """The request an annotation tells of; a bare chat when the client's request cannot be read any more."""
    body = annotation.client_request.encode("utf-8", "surrogateescape")
    try:
        return replace(parsed_as(annotation.dialect, body)[1].request, model=annotation.model)
    except GatewayError:
        return ChatRequest(annotation.model, (Message("user", ""),), stream=annotation.stream)
