"""Stream chunks that carry a `message`: its next piece, or all of it so far. The texts tell which."""

from collections.abc import Mapping
from typing import Any, Final

_TEXTS: Final = ("content", "reasoning_content", "reasoning")


class Snapshots:
    """`fresh` gives of each message what was not said before. One object for each candidate."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._pieces: set[str] = set()
        """Texts that come in pieces: decided by the first one that does not begin with what was said."""

    def fresh(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The message with the new part of its texts, and without other fields that are as they were."""
        found = dict(message)
        for name in _TEXTS:
            value = message.get(name)
            if isinstance(value, str) and value:
                found[name] = self._new_part(name, value)
        return found

    def _new_part(self, name: str, value: str) -> str:
        if name in self._pieces:
            return value
        before = self._said.get(name, "")
        if value.startswith(before):
            self._said[name] = value
            return value[len(before) :]
        self._pieces.add(name)
        self._said[name] = ""
        return value
