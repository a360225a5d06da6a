"""Which of two interleaved candidates is the answer: the one with response_index 0 (seen since 2026-08)."""

from collections.abc import Mapping
from typing import Any, Final

_OTHERS_LIMIT: Final = 256


class Candidates:
    """`note` each response.created, then ask of each frame whether its response_id counts."""

    def __init__(self) -> None:
        self._main: str | None = None
        self._others: set[str] = set()

    def note(self, created: Mapping[str, Any]) -> None:
        """A candidate begins. Without an index the first is the answer."""
        response_id, index = created.get("response_id"), created.get("response_index")
        if not isinstance(response_id, str) or not response_id:
            return
        if self._main is None and index in (None, "", "0", 0):
            self._main = response_id
        elif response_id != self._main and len(self._others) < _OTHERS_LIMIT:
            self._others.add(response_id)

    def counts(self, response_id: Any) -> bool:
        """Whether what has this id belongs to the answer. What has none does."""
        if not isinstance(response_id, str) or not response_id:
            return True
        return response_id not in self._others and self._main in (None, response_id)
