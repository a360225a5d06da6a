"""A rough token count for where a provider gives none.

Model families cut text differently; this is an estimate by the shape of the text: a run of letters or digits costs one
token for each begun four characters, a CJK character, a mark or an emoji one, white space nothing. It is the same
however the text was cut into pieces.
"""

import re
from typing import Final

_WORD: Final = re.compile(r"[A-Za-zÀ-ɏͰ-ӿ0-9_]+|[^\sA-Za-zÀ-ɏͰ-ӿ0-9_]")
_WORD_CHAR: Final = re.compile(r"[A-Za-zÀ-ɏͰ-ӿ0-9_]")
_CHARS_PER_TOKEN: Final = 4


class TokenCounter:
    """Adds up tokens over pieces of text."""

    def __init__(self) -> None:
        self.tokens = 0
        self._open_run = 0
        """Length of the word run the last piece ended in; its next characters continue it."""

    def add(self, text: str) -> None:
        for found in _WORD.finditer(text):
            if not _WORD_CHAR.match(found[0]):
                self.tokens += 1
                continue
            before = self._open_run if found.start() == 0 else 0
            length = before + len(found[0])
            self.tokens += _cost(length) - _cost(before)
            if found.end() == len(text):
                self._open_run = length
                return
        if text:
            self._open_run = 0

    def room(self, text: str, most: int) -> int:
        """How many characters of `text` may still come before the count would exceed `most`. Changes nothing."""
        whole = self._copy()
        whole.add(text)
        if whole.tokens <= most:
            return len(text)
        probe = self._copy()
        for index, char in enumerate(text):
            probe.add(char)
            if probe.tokens > most:
                return index
        return len(text)

    def _copy(self) -> "TokenCounter":
        copy = TokenCounter()
        copy.tokens, copy._open_run = self.tokens, self._open_run
        return copy


def _cost(length: int) -> int:
    return -(-length // _CHARS_PER_TOKEN)


def count(text: str) -> int:
    """The estimate for one whole text."""
    counter = TokenCounter()
    counter.add(text)
    return counter.tokens
