"""Turns of providers, their steps, and chats out of parsed requests, for tests that need no connection."""

from typing import Any

from addons.dialects.base import ParsedRequest
from providers.contract.operation import Operation, Serving, Turn
from providers.contract.provider import Provider
from providers.contract.requests import ChatRequest, ModelRequest
from providers.contract.session import Session
from providers.contract.steps import Steps

NOBODY = Session("recorded", "recorded")


def turn_of(provider: Provider[Any], request: ModelRequest, session: Session = NOBODY) -> Turn:
    """A turn of the operation that serves the request."""
    serving = provider.serving(request)
    assert serving is not None
    return serving.operation.turn(serving.request, session)


def steps_of[T](steps: Steps[T] | None) -> Steps[T]:
    """Steps that there must be."""
    assert steps is not None
    return steps


def taken(parsed: ParsedRequest, native: frozenset[str] | None) -> Serving[ModelRequest]:
    """The request as a provider takes it that carries these fields itself."""
    return Serving(Operation(native, _no_turn), parsed.request)


def _no_turn(request: ModelRequest, session: Session) -> Turn:
    raise AssertionError("nobody is asked")


def chat_in(parsed: ParsedRequest) -> ChatRequest:
    """The chat that a client asks for."""
    assert isinstance(parsed.request, ChatRequest)
    return parsed.request
