"""Names and ids of tools as the Messages form takes them, `[a-zA-Z0-9_-]` alone; the same one for the same throughout a
request, and back again."""

import re
from collections import Counter
from typing import Final

_ODD: Final = re.compile(r"[^a-zA-Z0-9_-]")
NAME_CHARS: Final = 128
ID_CHARS: Final = 256


class PlainNames:
    """A table of names of others and their plain ones, no two the same."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._plain: dict[str, str] = {}
        self._theirs: dict[str, str] = {}
        self._numbers: Counter[str] = Counter()
        """How many names have come to the same plain one: the next is numbered on."""

    def plain(self, name: str) -> str:
        """The plain name, often the very same."""
        if (known := self._plain.get(name)) is not None:
            return known
        found = base = _ODD.sub("_", name)[: self._limit] or "_"
        while found in self._theirs:
            self._numbers[base] += 1
            found = f"{base[: self._limit - 12]}_{self._numbers[base] + 1}"
        self._plain[name], self._theirs[found] = found, name
        return found

    def theirs(self, plain: str) -> str:
        """The name that was given, of a plain one; one that nobody gave as it is."""
        return self._theirs.get(plain, plain)
