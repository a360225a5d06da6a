"""The budget of HTTP/2 frames that bring no request forward, counted before anything is done for them.

PING, SETTINGS, PRIORITY, WINDOW_UPDATE, frames of unknown kinds, DATA of next to nothing, and RST_STREAM for streams
that were only opened to be reset (CVE-2023-44487): each costs us more than the client. Heads are counted by what they
are when they are unpacked, a unit for each KB. Bodies have bounds of their own; how many streams are open at once is
bounded by hyper-h2.
"""

import itertools
from collections.abc import Iterable
from typing import Final

PREFACE_BYTES: Final = 24
HEAD_BYTES: Final = 9
"""RFC 9113, 4.1: three bytes of length, type, flags, four bytes of stream."""
_DATA, _HEADERS, _RST_STREAM, _CONTINUATION = 0, 1, 3, 9
_OF_HEADS: Final = frozenset({_HEADERS, _CONTINUATION})
SMALL_BYTES: Final = 64
"""DATA of less is counted."""
RESET_COST: Final = 5
FIELD_BYTES: Final = 32
"""RFC 7541, 4.1: what a field counts beside its letters."""

BURST: Final = 1000
A_SECOND: Final = 100
PER_PIECE: Final = 4
"""What each piece of an answer allows in return: clients acknowledge what they read."""


class BudgetSpent(Exception):
    """The client sent more than it may."""


class FrameBudget:
    """A token bucket: `pay` for what a client sends, in order, cut anywhere; `earn` for what it was sent. Seconds."""

    def __init__(self, now: float) -> None:
        self._left = float(BURST)
        self._at = now
        self._skip = PREFACE_BYTES
        """Bytes until the next frame begins."""
        self._head = b""
        """The beginning of a frame's head whose rest has not come."""

    def earn(self) -> None:
        self._left = min(BURST, self._left + PER_PIECE)

    def pay(self, data: bytes, now: float) -> list[bytes]:
        """Charges for the bytes; returns them in pieces with one head of a request each at most. Raises BudgetSpent."""
        self._left = min(BURST, self._left + (now - self._at) * A_SECOND)
        self._at = now
        before, size = len(self._head), len(self._head) + len(data)
        found, at, ends = self._head + data, self._skip, [before]
        while at + HEAD_BYTES <= size:
            kind, length = found[at + 3], int.from_bytes(found[at : at + 3])
            self._charge(_cost(kind, length))
            at += HEAD_BYTES + length
            if kind in _OF_HEADS and at < size:
                ends.append(at)
        self._head = found[at:]
        self._skip = max(0, at - size)
        return [found[start:end] for start, end in itertools.pairwise([*ends, size]) if end > start]

    def pay_head(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Charges for a head by its unpacked size: HPACK makes one byte of a field. Raises BudgetSpent."""
        self._charge(sum(len(name) + len(value) + FIELD_BYTES for name, value in fields) // 1024)

    def _charge(self, cost: int) -> None:
        self._left -= cost
        if self._left < 0:
            raise BudgetSpent


def _cost(kind: int, size: int) -> int:
    if kind == _DATA:
        return 1 if size < SMALL_BYTES else 0
    if kind == _RST_STREAM:
        return RESET_COST
    return 0 if kind in _OF_HEADS else 1
