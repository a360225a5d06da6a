"""Read port of a request under way, for the live view (addons/inspect/live.py)."""

from collections.abc import Callable
from typing import Protocol

from addons.exchange.attempt import Attempt
from addons.exchange.context import Context
from addons.exchange.stage import Stage
from providers.contract.requests import ModelRequest


class Underway(Protocol):
    """The progress of one request under way; an Exchange has it."""

    began: float
    """By the monotonic clock, in seconds."""
    model: str | None
    """The model asked for, in the client's words, once the body was read."""
    attempt: Attempt | None
    """The attempt that is at the provider now."""
    context: Context
    request: ModelRequest | None
    """What a model is asked, once the body was read."""

    def watch(self, moved: Callable[[], None] | None) -> None:
        """Has `moved` called when it has come further, until its provider is asked."""
        ...

    @property
    def stage(self) -> Stage: ...

    @property
    def tries(self) -> int:
        """Attempts so far."""
        ...

    @property
    def about(self) -> tuple[str, str, str] | None:
        """Model, provider and account that are being asked, or were asked last."""
        ...

    @property
    def client_request(self) -> str:
        """The body as the client sent it, up to the cap."""
        ...
