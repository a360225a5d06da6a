"""Stream chunks that carry a `message`: its next piece, or all of it so far. The texts tell which."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from providers.openai.content import pieces

_AGAIN_CHARS: Final = 4 * 1024 * 1024
"""So much of what came again may still turn out to be pieces; with more of it in memory at once nobody else lives."""
_TEXTS: Final = ("content", "reasoning_content", "reasoning")


class Snapshots:
    """Reader of one candidate's messages: `fresh` gives of each what was not said before."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._pieces: set[str] = set()
        """Texts that come in pieces: decided by the first one that does not begin with what was said."""
        self._again: Counter[str] = Counter()
        """How often the last text came again as it was: nothing new, or the same piece once more."""

    def fresh(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The message with the new part of its texts, and without other fields that are as they were."""
        found = dict(message)
        for name in _TEXTS:
            value = message.get(name)
            if isinstance(value, list | dict) and value:
                value = _as_text(value)
            if isinstance(value, str) and value:
                found[name] = self._new_part(name, value)
        return found

    def _new_part(self, name: str, value: str) -> str:
        if name in self._pieces:
            return value
        before = self._said.get(name, "")
        if value == before:
            self._again[name] += 1
            return ""
        again, self._again[name] = min(self._again[name], _AGAIN_CHARS // max(len(before), 1)), 0
        if value.startswith(before):
            self._said[name] = value
            return value[len(before) :]
        self._pieces.add(name)
        self._said[name] = ""
        return before * again + value


def _as_text(content: Any) -> str | None:
    """Content in parts as one text, where the parts are nothing else."""
    found = [piece.text for piece in pieces(content)]
    return "".join(found) if all(found) else None
