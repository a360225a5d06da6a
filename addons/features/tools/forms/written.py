"""Calls that are written as in a program or in words: `name({…})` as a line of its own, `调用函数: name 参数: {…}`."""

import re
from collections.abc import Sequence
from typing import Final

from addons.features.tools.forms.block import SaidThere
from addons.features.tools.json_scan import JsonScan
from addons.features.tools.judge import Judge, Said

PHRASE: Final = "调用"
_HEAD_CHARS: Final = 300
_CALL: Final = re.compile(r"([\w.\-]++)\s*+\(\s*+\{")
_CALL_BEGUN: Final = re.compile(r"[\w.\-]++\s*+(?:\(\s*+)?+\Z")
_LEAD: Final = r"调用(?:函数|工具|[函工]\Z)?+\s*+[:：]?+\s*+[`\"“]?+"
_NAME: Final = r"[A-Za-z0-9_.\-]++"
_SAID: Final = re.compile(_LEAD + f"({_NAME})" + r"[`\"”]?+[\s,，;；。]*+(?:参数|arguments)?+\s*+[:：]?+\s*+\{")
_SAID_BEGUN: Final = re.compile(
    _LEAD
    + rf"(?:\Z|({_NAME})(?:\Z|"
    + r"[`\"”]?+[\s,，;；。]*+(?:参数|arguments|(?:参|a[rgumen]{0,6}t?)\Z)?+\s*+[:：]?+\s*+\Z))"
)
"""How the head of such a call may begin."""
_LINE_END: Final = re.compile(r"[ \t;]*+(?=[\n`])")
_MAYBE_LINE_END: Final = re.compile(r"[ \t;]*+\Z")


class WrittenBlock:
    """Reads a written call from the first letter of its name, or of the phrase, on."""

    def __init__(self, judge: Judge, *, as_phrase: bool) -> None:
        self.over = False
        self.is_text = False
        self._judge, self._as_phrase = judge, as_phrase
        self._name = ""
        self._scan = JsonScan()
        self._arguments: list[str] = []
        self._begun = False
        self._closed = as_phrase
        """Behind the arguments nothing more is needed."""
        self._has_bracket = False
        self._size = 0

    def feed(self, text: str, at: int, end: int) -> int:
        begin = at
        if not self._begun:
            at = self._read_head(text, at, end)
        if self._begun and not self._scan.over:
            stop = self._scan.feed(text, at, end)
            self._arguments.append(text[at:stop])
            at = stop
        if self._scan.over and not self._closed:
            at = self._read_end(text, at, end)
        self.over = self.over or (self._scan.over and self._closed)
        self._size += at - begin
        return at

    def calls(self, *, complete: bool) -> Sequence[SaidThere]:
        whole = self._begun and self._scan.whole and (self._closed or self._has_bracket)
        if self.is_text or not whole:
            return ()
        return (SaidThere(Said(self._name, "".join(self._arguments)), 0, self._size),)

    def _read_head(self, text: str, at: int, end: int) -> int:
        """The name, up to the bracket of the arguments; nothing is read of a head that is none."""
        limit = min(end, at + _HEAD_CHARS)
        found = _SAID.match(text, at, limit) if self._as_phrase else _CALL.match(text, at, limit)
        if found is not None and self._judge.tool(found[1]) is not None:
            self._name, self._begun = found[1], True
            return found.end() - 1
        begun = _SAID_BEGUN.match(text, at, limit) if self._as_phrase else _CALL_BEGUN.match(text, at, limit)
        if begun is None or limit < end or (self._as_phrase and self._is_other(begun, end)):
            self._give_up()
        return at

    def _is_other(self, begun: re.Match[str], end: int) -> bool:
        """Whether the name in the head of a phrase is whole, and no tool's."""
        return begun[1] is not None and begun.end(1) < end and self._judge.tool(begun[1]) is None

    def _read_end(self, text: str, at: int, end: int) -> int:
        """The closing bracket, and the end of its line."""
        if at < end and (text[at] != ")" or not self._scan.whole):
            self._give_up()
        elif at < end:
            self._has_bracket = True
            limit = min(end, at + _HEAD_CHARS)
            found = _LINE_END.match(text, at + 1, limit)
            if found is not None:
                self._closed = True
                return found.end()
            if limit < end or _MAYBE_LINE_END.match(text, at + 1, limit) is None:
                self._give_up()
        return at

    def _give_up(self) -> None:
        self.is_text = self.over = True
