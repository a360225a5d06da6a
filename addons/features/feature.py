"""The contract of a feature: a change of a request or its answer that the gateway makes for providers that cannot.
Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from addons.features.media.cache import UploadedFiles
from addons.features.settings import DEFAULTS, FeatureSettings
from providers.contract.chat import Message
from providers.contract.errors import ProviderError
from providers.contract.events import Event
from providers.contract.provider import AnyProvider, Model
from providers.contract.requests import ModelRequest
from providers.contract.session import Session
from providers.contract.steps import Moment, Work


@dataclass(frozen=True, slots=True)
class Served:
    """By whom a request is served, and when: what a feature judges by."""

    model: Model
    native: frozenset[str] | None
    """Fields the provider carries itself; None is all (an official API)."""
    moment: Moment
    """The time, and the randomness a feature may use."""
    provider: AnyProvider | None = None
    settings: FeatureSettings = DEFAULTS
    uploaded: UploadedFiles = field(default_factory=UploadedFiles)
    """The files that sites have already."""
    request_id: str = ""
    """Of the client's request, the same in each of its attempts; random, and out of nobody's hands."""
    again: bool = False
    """An answer did not pass its check, and the same account is asked for a better one: the last that will be."""


type FeatureSteps = Callable[[ModelRequest, Session, Moment], Work[ModelRequest]]
"""Calls to make at the account before the provider's own (an upload …): they give the request to go on with."""


class EventFilter(Protocol):
    """A filter between the decoder and the encoder of one answer. The outcome is the same however the answer is cut."""

    @property
    def done(self) -> bool:
        """Whether it has given a Finish of its own: the answer is complete, whatever the provider goes on to say."""
        ...

    @property
    def ended(self) -> bool:
        """Whether all that is wanted of the answer was said, and token counts at most are waited for, for a moment.

        It makes a Finish then, also of a Failure that comes behind.
        """
        ...

    def filter(self, events: Sequence[Event]) -> list[Event]:
        """The events as the client may have them."""
        ...


@dataclass(frozen=True, slots=True)
class Flaw:
    """The flaw of an answer that is whole."""

    messages: tuple[Message, ...]
    """What is said behind the client's own messages to ask the same account once more."""
    error: ProviderError
    """What the client is told when that brings nothing better."""


class Check(Protocol):
    """The check of one answer, of which the client sees nothing until it has passed. Each part comes by once."""

    def passes(self, events: Sequence[Event]) -> bool:
        """Whether the answer may go out from here on; `events` are its newest. Not asked again once it may."""
        ...

    def flaw(self, events: Sequence[Event]) -> Flaw | None:
        """The flaw of a whole answer that did not pass before its end; `events` are all of it, the Finish last."""
        ...


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of features for a request to one model."""

    request: ModelRequest
    """As the provider is to be asked."""
    claims: frozenset[str] = frozenset()
    """Names of the request's fields that are seen to: the provider need not carry them."""
    filters: tuple[EventFilter, ...] = ()
    """For its answer, in the order in which events pass them. Good for one answer."""
    steps: tuple[FeatureSteps, ...] = ()
    """To be run in this order, each with the request that the one before has left."""
    check: Check | None = None
    """Given where the answer is worth nothing unless it passes: it is held back until then. Good for one answer."""


class Feature(Protocol):
    """The contract of one feature."""

    def apply(self, request: ModelRequest, served: Served) -> Applied | None:
        """The changed request, or None where it has nothing to do."""
        ...
