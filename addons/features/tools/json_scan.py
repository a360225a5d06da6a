"""The scanner that finds where a JSON value ends, piece by piece, also one that is written nearly right. Pure.

It takes single quotes, bare words and raw line ends. What can stand outside of the strings of no JSON (`<` and "`")
ends a value that was never closed: a tag or a fence follows.
"""

import re
from collections.abc import Callable
from typing import Final

DEPTH_LIMIT: Final = 200
_WORD_CHARS: Final = 200
"""Of a string or a bare word that is told to who watches."""
_NEXT: Final = re.compile(r"""[^\s"'{}\[\],:<`]++|["'{}\[\],:<`]""")
_ENDS: Final = {'"': re.compile(r'["\\]'), "'": re.compile(r"['\\]")}

type Watch = Callable[[int, str, str, bool], None]
"""Told of each word: how deep it stands, the mark before it (`{`, `[`, `,` or `:`), the word, whether it has quotes."""


class JsonScan:
    """The scanner of one object or list: `feed` it from the opening bracket on, until it is `over`."""

    __slots__ = ("_bare", "_before", "_depth", "_escaped", "_last", "_quote", "_watch", "_word", "over", "whole")

    def __init__(self, watch: Watch | None = None) -> None:
        self.over = False
        """The value has ended, as JSON does or where it cannot go on."""
        self.whole = False
        """All its brackets were closed."""
        self._depth = 0
        self._quote = ""
        self._escaped = False
        self._last = ""
        """The last mark outside of strings, `w` for a word."""
        self._before = ""
        self._bare = False
        self._word = ""
        self._watch = watch

    @property
    def in_string(self) -> bool:
        """What came so far ends within a string."""
        return bool(self._quote)

    def feed(self, text: str, at: int, end: int) -> int:
        """Reads `text` from `at` up to `end`; gives where it stopped: behind the value, or at `end`."""
        while at < end and not self.over:
            if self._quote:
                at = self._in_string(text, at, end)
                continue
            found = _NEXT.search(text, at, end)
            goes_on = found is not None and found.start() == at and self._is_word(found[0])
            if self._bare and not goes_on:
                self._bare = False
                self._tell_word(quoted=False)
            if found is None or self.over:
                return end if found is None else found.start()
            at = self._outside(found[0], found.start(), found.end())
        return at

    def _is_word(self, mark: str) -> bool:
        """Whether what was found is of a bare word: a quote of that kind is one where no value may begin."""
        return mark[0] not in "\"'{}[],:<`" or (mark == "'" and self._last not in "{[,:")

    def _in_string(self, text: str, at: int, end: int) -> int:
        if self._escaped:
            self._escaped = False
            self._take(text[at])
            return at + 1
        found = _ENDS[self._quote].search(text, at, end)
        stop = end if found is None else found.start()
        self._take(text[at : min(stop, at + _WORD_CHARS)])
        if found is None:
            return end
        if found[0] == "\\":
            self._escaped = True
        else:
            self._quote = ""
            self._tell_word(quoted=True)
        return found.end()

    def _outside(self, mark: str, at: int, behind: int) -> int:
        if self._is_word(mark):
            if not self._bare:
                self._before, self._last, self._bare, self._word = self._last, "w", True, ""
            self._take(mark[:_WORD_CHARS])
            return behind
        if mark in "\"'":
            self._before, self._last, self._quote, self._word = self._last, "w", mark, ""
            return behind
        if mark in "<`":
            self.over = True
            return at
        self._last = mark
        if mark in "{[":
            self._depth += 1
            self.over = self._depth > DEPTH_LIMIT
        elif mark in "}]":
            self._depth -= 1
            self.over = self.whole = self._depth <= 0
        return behind

    def _take(self, piece: str) -> None:
        if self._watch is not None and len(self._word) < _WORD_CHARS:
            self._word += piece

    def _tell_word(self, *, quoted: bool) -> None:
        if self._watch is not None:
            self._watch(self._depth, self._before, self._word, quoted)
            self._word = ""
