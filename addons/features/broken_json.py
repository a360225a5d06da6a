"""JSON as models write it: with single quotes, trailing commas, Python literals, no end. Pure.

What is JSON is read as it is; else a library repairs it, within bounds: its time grows with the square of depth and
with length times the number of strings.
"""

import json
import re
from typing import Any, Final

from providers.formats.jsontext import INVALID, loads

REPAIR_CHARS: Final = 64 * 1024
"""Longer broken text is not repaired."""
RAW_CHARS: Final = 512 * 1024
"""Longer text with raw line ends in its strings is not read."""
REPAIR_COST: Final = 4_000_000
"""Length times quotes of what is repaired: 0.2 seconds, where it is made to take long."""
REPAIR_DEPTH: Final = 40
"""Brackets that may be open at once in what is repaired."""
_BRACKETS: Final = re.compile(r"[{}\[\]]")


def read_json(text: str) -> Any:
    """The value that a text holds, repaired where it is broken; None where it holds none that could be told."""
    found = loads(text.encode("utf-8", "surrogatepass"))
    if found is not INVALID:
        return found
    if len(text) <= RAW_CHARS:
        try:
            return json.loads(text, strict=False)
        except (ValueError, RecursionError):
            pass
    if len(text) > REPAIR_CHARS or repair_cost(text) > REPAIR_COST or _depth(text) > REPAIR_DEPTH:
        return None
    import json_repair  # here, since it takes a while and most answers need none of it

    try:
        return json_repair.loads(text, skip_json_loads=True) or None
    except (ValueError, RecursionError):
        return None


class Mender:
    """Reads JSON, repaired where it is broken, within bounds for all that is read of one answer."""

    def __init__(self) -> None:
        self._room = 2 * REPAIR_COST

    def read(self, text: str) -> Any:
        """As `read_json`; None too where there is no room left for a repair."""
        found = loads(text.encode("utf-8", "surrogatepass"))
        if found is not INVALID:
            return found
        self._room -= repair_cost(text)
        return read_json(text) if self._room >= 0 else None


def repair_cost(text: str) -> int:
    """How long a repair may take, in characters times quotes."""
    return len(text) * (text.count('"') + text.count("'") + 1)


def _depth(text: str) -> int:
    """The most brackets that are open at once, those in strings too."""
    depth = most = 0
    for bracket in _BRACKETS.findall(text):
        depth += 1 if bracket in "{[" else -1
        most = max(most, depth)
    return most
