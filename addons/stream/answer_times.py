"""When the attempts of one request are due: connection, first word, silence, whole answer, keep-alive. Without I/O."""

import math
from enum import Enum, auto

from addons.stream.port import Timers


class Due(Enum):
    """What has to be done at a moment; the first that holds."""

    SETTLE = auto()
    """An answer without an end mark, of which all was said, is taken for complete."""
    TOTAL = auto()
    FIRST_TOKEN = auto()
    IDLE = auto()
    KEEPALIVE = auto()
    NOTHING = auto()


class AnswerTimes:
    """The times of one request in seconds, by the clock of the layers; judged by the timers of its attempt."""

    __slots__ = ("attempt_began", "began", "connect_by", "last_heard", "last_said", "settles_at")

    def __init__(self, now: float) -> None:
        self.began = now
        self.attempt_began = 0.0
        self.connect_by = math.inf
        """When the connection that is being made must stand."""
        self.last_heard = 0.0
        """Of the provider."""
        self.last_said = 0.0
        """To the client."""
        self.settles_at: float | None = None

    # -- what happens ---------------------------------------------------------------------------------------------
    def attempt_begins(self, now: float) -> None:
        self.attempt_began = self.last_heard = self.last_said = now
        self.settles_at = None

    def held(self, since: float, now: float) -> None:
        """A person has held the request since then, and so neither side."""
        self.last_heard = now
        self.began += now - since
        self.attempt_began += now - since

    # -- what is due ----------------------------------------------------------------------------------------------
    def due_at(self, timers: Timers, *, committed: bool, speaks: bool, early_keepalive: bool) -> float:
        """The earliest moment at which `due` could be anything but NOTHING.

        `committed`: the client has the head of an answer; `speaks`: the provider has begun to answer, piece by piece;
        `early_keepalive`: the client's connection is kept alive before the first word, too.
        """
        at = min(self.began + timers.total_s, self.connect_by)
        if committed:
            at = min(at, self.last_said + timers.keepalive_s, self.last_heard + timers.idle_s)
        else:
            at = min(at, self.last_heard + timers.idle_s if speaks else self.attempt_began + timers.first_token_s)
            if early_keepalive:
                at = min(at, self.last_said + timers.keepalive_s)
        return at if self.settles_at is None else min(at, self.settles_at)

    def due(self, now: float, timers: Timers, *, speaks: bool, silent_until_whole: bool, keeps_alive: bool) -> Due:
        """What is due. `silent_until_whole`: the client sees nothing before the whole answer, so silence is none of the
        provider's; `keeps_alive`: the client's connection is to be kept alive now."""
        if self.settles_at is not None and now >= self.settles_at:
            return Due.SETTLE
        if now >= self.began + timers.total_s:
            return Due.TOTAL
        if not speaks and now >= self.attempt_began + timers.first_token_s:
            return Due.FIRST_TOKEN
        if speaks and not silent_until_whole and now >= self.last_heard + timers.idle_s:
            return Due.IDLE
        if keeps_alive and now >= self.last_said + timers.keepalive_s:
            return Due.KEEPALIVE
        return Due.NOTHING
