"""The client version that a site's page names, read when the site calls the one that was sent outdated.

Many requests are refused together, those that waited for their turn a little later: the page is read once for all that
had come in by then.
"""

import re
from typing import Literal

from providers.contract.browser import is_older
from providers.contract.call import Call
from providers.contract.steps import Moment, Steps

type PageFinding = Literal["newer", "same", "unknown"]
"""What the page names: another version than was sent, the same, or none that can be read."""


class PageVersion:
    """The version to send. `usual` is that of a session that brings none of its own."""

    def __init__(self, usual: str) -> None:
        self._usual = usual
        self._named = ""
        """By the page, as last read."""
        self._before = ""
        """Named before that."""
        self._read_ms = 0
        self._found: PageFinding = "unknown"

    def of(self, own: str) -> str:
        """The version a session sends: its own ("" for none), unless the page was read to be newer."""
        return _newer(own, self._named) or self._usual

    def learn(self, page: Call, pattern: re.Pattern[bytes], own: str, asked: Moment) -> Steps[PageFinding]:
        """Reads the page, whose version is the pattern's last group, for a call that was made at `asked`.

        Where the newest version is refused too, of a request that had come in before it was read: "unknown" why, or
        "same" where it had been sent before.
        """
        if (asked.came_ms or asked.epoch_ms) >= self._read_ms:
            answer = yield page
            named = pattern.search(answer.body) if answer.status == 200 else None
            self._before, self._read_ms = self._named, answer.at_ms
            if named is None:
                self._found = "unknown"
            else:
                self._named = named[pattern.groups].decode()
                self._found = self._compared(own)
            return self._found
        if asked.epoch_ms >= self._read_ms or self._found == "unknown":
            return "same" if self._found == "same" else "unknown"
        return self._compared(own)

    def _compared(self, own: str) -> PageFinding:
        """What the page names, beside what the session sent before that was known."""
        return "same" if self._named == (_newer(own, self._before) or self._usual) else "newer"


def _newer(own: str, named: str) -> str:
    return named if named and (not own or is_older(own, named)) else own
