"""The budget of log lines about what costs a stranger next to nothing: connections that end below HTTP."""

from dataclasses import dataclass
from typing import Final

LINES: Final = 20
WINDOW_S: Final = 10.0


@dataclass(slots=True)
class LogBudget:
    """At most `LINES` log lines in `WINDOW_S` seconds; those left out are counted."""

    _began: float = float("-inf")
    _lines: int = 0
    _left_out: int = 0

    def take(self, now: float) -> int | None:
        """The number of lines left out before this one; None where this one is to be left out too."""
        if now - self._began >= WINDOW_S:
            self._began, self._lines = now, 0
        if self._lines >= LINES:
            self._left_out += 1
            return None
        self._lines += 1
        left_out, self._left_out = self._left_out, 0
        return left_out
