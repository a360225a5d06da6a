"""The time limit of a client connection on which nothing happens, as mitmproxy's watchdog has it (`tcp_timeout`)."""

from collections.abc import Callable
from typing import Final

NEVER: Final = float("inf")


class Inactivity:
    """A Timed: its deadline is so many seconds after the last activity, and never while a hook runs."""

    __slots__ = ("_clock", "_hooks", "_timeout_s", "client_id", "deadline", "ending")

    def __init__(self, client_id: str, timeout_s: float, clock: Callable[[], float]) -> None:
        self.client_id = client_id
        self.ending = False
        """The gateway stops; that is nothing to this one."""
        self._timeout_s = timeout_s
        self._clock = clock
        self._hooks = 0
        self.deadline = clock() + timeout_s

    def touched(self, now: float) -> None:
        """Something came, or was sent."""
        if not self._hooks:
            self.deadline = now + self._timeout_s

    def hook_begun(self) -> None:
        self._hooks += 1
        self.deadline = NEVER

    def hook_ended(self) -> None:
        """The end of the last one counts as activity."""
        self._hooks -= 1
        self.touched(self._clock())

    @property
    def is_over(self) -> bool:
        """Whether a tick means the end of the connection; something may have happened since the tick was due."""
        return not self.deadline > self._clock()
