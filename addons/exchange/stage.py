"""How far a request is before its provider is asked, in words for people."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    READ = "asked"
    QUEUED = "waiting for a turn"
    """In line for an account: its own limits (accounts/limiter.py), or a rest that ends soon."""
    AFTER = "looking for another way"
    """An attempt has failed."""
    PAUSED = "pausing before another attempt"
    SESSION = "preparing its session"
    """One that is about to end is renewed now."""
    RENEWING = "preparing a new session"
    PREPARING = "preparing"
    """The provider's steps run: a chat is made, a page read."""
    READY = "waiting for the answer"
    """An attempt is made: it goes out at once, unless a person stops it."""


@dataclass(slots=True)
class Way:
    """The way of one request through its stages."""

    moved: Callable[[], None] | None = None
    """Called when `stage` has changed."""
    stage: Stage = Stage.READ
    trail: list[tuple[Stage, float]] | None = None
    """When it entered each, by `clock`, where somebody wants to know."""
    clock: Callable[[], float] = time.monotonic

    def go(self, stage: Stage) -> None:
        self.stage = stage
        if self.trail is not None:
            self.trail.append((stage, self.clock()))
        if self.moved is not None:
            self.moved()
