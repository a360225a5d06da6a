"""What a feature is: something the gateway does itself to a request or its answer, for providers that cannot. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from providers.contract.chat import ChatRequest
from providers.contract.events import Event
from providers.contract.provider import Model


class EventFilter(Protocol):
    """Stands between the decoder and the encoder of one answer. The outcome is the same however the answer is cut."""

    @property
    def done(self) -> bool:
        """A Finish of its own has been given: the answer is complete, whatever the provider goes on to say."""
        ...

    def filter(self, events: Sequence[Event]) -> list[Event]:
        """The events as the client may have them."""
        ...


@dataclass(frozen=True, slots=True)
class Applied:
    """What features make of a request to one model."""

    request: ChatRequest
    """As the provider is to be asked."""
    claims: frozenset[str] = frozenset()
    """Names of the request's fields that are seen to: the provider need not carry them."""
    filters: tuple[EventFilter, ...] = ()
    """For its answer, in the order in which events pass them. Good for one answer."""


class Feature(Protocol):
    def apply(self, request: ChatRequest, model: Model, native: frozenset[str] | None) -> Applied | None:
        """None where it has nothing to do. `native`: the fields the provider carries itself; None is all of them."""
        ...
