"""The choice between two interleaved candidates of a Qwen answer.

The one with response_index 0 (seen since 2026-08). Where no index is given, the one whose frame first brings answer
text; its thinking is not known before, so of the thinking that comes earlier only one candidate's is taken too.
"""

from collections.abc import Mapping
from typing import Any, Final

_OTHERS_LIMIT: Final = 256


class AnswerCandidates:
    """The candidates: `register` each response.created, then ask of each frame whether its response_id counts."""

    def __init__(self) -> None:
        self._main: str | None = None
        self._first: str | None = None
        """The first that said anything, while nobody answered."""
        self._others: set[str] = set()
        self._open: set[str] = set()
        """Announced without an index, and not known to have ended."""

    @property
    def main(self) -> str | None:
        """The id of the candidate that is the answer; None while that is not known."""
        return self._main

    def register(self, created: Mapping[str, Any]) -> None:
        """Adds a candidate that begins."""
        response_id, index = created.get("response_id"), created.get("response_index")
        if not isinstance(response_id, str) or not response_id:
            return
        if index in (None, ""):
            if len(self._open) < _OTHERS_LIMIT:
                self._open.add(response_id)
            return
        if self._main is None and index in ("0", 0):
            self._main = response_id
        elif response_id != self._main and len(self._others) < _OTHERS_LIMIT:
            self._others.add(response_id)

    def counts(self, response_id: Any, answers: bool, speaks: bool) -> bool:
        """Whether a frame with this id belongs to the answer; what has none does.

        `answers`: it brings answer text; `speaks`: it brings anything at all.
        """
        if not isinstance(response_id, str) or not response_id:
            return True
        if response_id in self._others:
            return False
        if self._main is None and answers:
            self._main = response_id
        if self._main is None and speaks:
            self._first = self._first or response_id
        return (self._main or self._first) in (None, response_id)

    def leaves(self, response_id: Any) -> bool:
        """A candidate that counts has ended without an answer: whether another is left that may still give one."""
        if self._main is not None or not isinstance(response_id, str) or response_id not in self._open:
            return False
        self._open.discard(response_id)
        if not self._open:
            return False
        self._others.add(response_id)
        self._first = None if self._first == response_id else self._first
        return True

    def is_main(self, response_id: Any) -> bool:
        """Whether what has this id, or none, is the answer's, as far as it is known."""
        return self.counts(response_id, False, False)
