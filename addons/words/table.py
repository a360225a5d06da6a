"""An aligned table for a terminal: a head, rows, and columns as wide as what stands in them. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from addons.words.shown import shown

_GAP: Final = "  "
_NUMBER: Final = re.compile(r"[$+-]?[0-9][0-9., ]{0,40}[%A-Za-z]{0,3}")
_NOTHING: Final = frozenset({"", "-"})


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines: the head (none where it is empty), then a row each, printable, without spaces at their ends.

    Columns of numbers stand to the right; of any other column the last one is not padded. A row may be shorter than
    the head. Without rows there are no lines: a head over nothing says nothing.
    """
    if not rows:
        return []
    cells = [[shown(cell) for cell in row] for row in rows]
    lines = [[shown(cell) for cell in head], *cells] if head else cells
    count = max(map(len, lines))
    columns = [[line[number] if number < len(line) else "" for line in lines] for number in range(count)]
    body = [column[1:] if head else column for column in columns]
    padded = [_padded(column, right=_is_of_numbers(below)) for column, below in zip(columns, body, strict=True)]
    return [_GAP.join(line).rstrip(" ") for line in zip(*padded, strict=True)]


def width(text: str) -> int:
    """The columns of a terminal that printable text takes: two for wide characters, none for marks on others."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _padded(column: Sequence[str], *, right: bool) -> list[str]:
    most = max(map(width, column))
    return [_aligned(cell, " " * (most - width(cell)), right=right) for cell in column]


def _aligned(cell: str, space: str, *, right: bool) -> str:
    return space + cell if right else cell + space


def _is_of_numbers(column: Sequence[str]) -> bool:
    written = [cell for cell in column if cell not in _NOTHING]
    return bool(written) and all(_NUMBER.fullmatch(cell) for cell in written)
