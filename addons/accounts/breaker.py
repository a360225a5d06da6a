"""A circuit breaker: a model of an account whose site keeps failing is left alone for a while, then tried once. Pure.

closed --failures--> open --time--> half open: one probe --ok--> closed, --failure--> open for twice as long
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

STATES: Final = ("closed", "half_open", "open")


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When it opens and for how long. The defaults are Envoy's figures, shortened for few requests.

    A site that is well again is found out within `open_max_s` of the next request.
    """

    failures: int = 5
    """So many failures in a row …"""
    ratio: float = 0.5
    min_requests: int = 10
    window_s: float = 60.0
    """… or this part of at least so many requests within the window."""
    open_s: float = 10.0
    open_max_s: float = 25.0


@dataclass(slots=True)
class Breaker:
    """`clock` is monotonic, in seconds."""

    rules: BreakerRules
    clock: Callable[[], float]
    _row: int = 0
    _results: deque[tuple[float, bool]] = field(default_factory=deque)
    _open_until: float | None = None
    _open_s: float = 0.0
    _probing: bool = False

    def wait_s(self) -> float:
        """0 when a request may go; else the seconds until one may (while a probe is out: at most the next look)."""
        if self._open_until is None:
            return 0.0
        left = self._open_until - self.clock()
        if left > 0:
            return left
        return 1.0 if self._probing else 0.0

    @property
    def closed(self) -> bool:
        return self._open_until is None

    @property
    def state(self) -> str:
        """One of STATES."""
        return "closed" if self._open_until is None else "open" if self._open_until > self.clock() else "half_open"

    def begin(self) -> None:
        """A request goes; through a breaker that is not closed it is the probe."""
        if self._open_until is not None:
            self._probing = True

    def dropped(self) -> None:
        """A request ended without telling anything of the site (the client left, the request itself was refused)."""
        self._probing = False

    def succeeded(self) -> None:
        self._row = 0
        self._open_until, self._open_s, self._probing = None, 0.0, False
        self._count(True)

    def failed(self) -> None:
        self._row += 1
        self._count(False)
        if self._open_until is not None:
            if self._probing or self._open_until <= self.clock():
                self.open()
        elif self._row >= self.rules.failures or self._mostly_failing():
            self.open()

    def open(self) -> None:
        """Opens it at once, or again for twice as long."""
        self._open_s = min(self._open_s * 2 or self.rules.open_s, self.rules.open_max_s)
        self._open_until, self._probing = self.clock() + self._open_s, False
        self._results.clear()

    def resume(self, left_s: float, open_s: float) -> None:
        """Open as it was in another process: for so long yet, of a whole length that the next one doubles."""
        self._open_s, self._open_until = min(open_s, self.rules.open_max_s), self.clock() + left_s

    def _count(self, ok: bool) -> None:
        now = self.clock()
        self._results.append((now, ok))
        while self._results and now - self._results[0][0] > self.rules.window_s:
            self._results.popleft()

    def _mostly_failing(self) -> bool:
        failures = sum(not ok for _, ok in self._results)
        return len(self._results) >= self.rules.min_requests and failures >= self.rules.ratio * len(self._results)
