"""The contract of a block: a piece of text that may be calls, from its first sign on. Pure."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from addons.features.tools.judge import Said


class SaidThere(NamedTuple):
    """A call as a model said it, and where in its block that stands."""

    said: Said
    begin: int
    end: int


class Block(Protocol):
    """Reads a block piece by piece, from its first character on. The outcome is the same however it was cut."""

    over: bool
    """The block has ended: `feed` stopped behind it."""
    is_text: bool
    """It is no call, whatever follows: all of it may go out, up to where it is over."""

    def feed(self, text: str, at: int, end: int) -> int:
        """Reads `text` from `at` up to `end`; gives how far it came. What is left is fed once more, with more."""
        ...

    def calls(self, *, complete: bool) -> Sequence[SaidThere]:
        """The calls of the block, which is over or whose text has ended. Not `complete`: it was cut off there."""
        ...
