"""When the pieces of a body came or went, and how long they were: kept for each stream, looked at or not."""

from array import array
from collections.abc import Sequence
from typing import Final

PIECES_LIMIT: Final = 20_000
"""Pieces that are remembered."""


class TimedPieces:
    """The first pieces of a body: seconds since the attempt began, and lengths in bytes. 16 bytes a piece."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers = array("d")
        """Seconds and lengths in turn."""

    def __len__(self) -> int:
        return len(self._numbers) // 2

    def add(self, at_s: float, length: int) -> None:
        numbers = self._numbers
        if len(numbers) < 2 * PIECES_LIMIT:
            numbers.append(at_s)
            numbers.append(length)

    def pieces(self, begin: int = 0, end: int = PIECES_LIMIT) -> Sequence[tuple[float, int]]:
        """Those from one number to before another."""
        numbers = self._numbers[2 * begin : 2 * end]
        return list(zip(numbers[::2], map(int, numbers[1::2]), strict=True))
