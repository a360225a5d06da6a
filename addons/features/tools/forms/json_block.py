"""Calls that are written as nothing but JSON: `{"name", "arguments"}`, lists of such objects, `{"tool_calls": […]}`.

An object is held only while its properties are those of a call and its name is that of a tool. Any other object is
data: it flows, and nothing within it is a call.
"""

from collections.abc import Sequence

from addons.features.tools.forms.block import SaidThere
from addons.features.tools.forms.json_calls import KNOWN, NAMES, calls_in
from addons.features.tools.json_scan import JsonScan
from addons.features.tools.judge import Judge

_KINDS = frozenset({"function", "tool_call", "function_call", "tool_use"})
_ROLES = frozenset({"assistant"})


class JsonBlock:
    """Reads an object, or a list of objects, from its opening bracket on."""

    def __init__(self, judge: Judge, opening: str) -> None:
        self.over = False
        self.is_text = False
        self._judge = judge
        self._level = 2 if opening == "[" else 1
        """So deep stand the properties of a call."""
        self._key: str | None = None
        self._source: list[str] = []
        self._size = 0
        self._scan = JsonScan(self._watch)

    def feed(self, text: str, at: int, end: int) -> int:
        stop = self._scan.feed(text, at, end)
        if not self.is_text:
            self._source.append(text[at:stop])
        self._size += stop - at
        self.over = self._scan.over
        return stop

    def calls(self, *, complete: bool) -> Sequence[SaidThere]:
        if self.is_text or self._scan.in_string or not (complete or self._scan.whole):
            return ()
        return [SaidThere(said, 0, self._size) for said in calls_in(self._judge.read_json("".join(self._source)))]

    def _watch(self, depth: int, before: str, word: str, quoted: bool) -> None:
        """Judges the words of a call's own properties, as they come."""
        if self.is_text:
            return
        if depth < self._level:
            self._is_data()
        elif depth == self._level:
            if before in "{,":
                self._key = word
                if word not in KNOWN:
                    self._is_data()
                    self._scan.over = not quoted  # a bare word: braces of something else than JSON
            elif before == ":" and not self._may_be(word):
                self._is_data()

    def _may_be(self, word: str) -> bool:
        """Whether a call may have this value."""
        if self._key in NAMES:
            return self._judge.tool(word) is not None
        if self._key == "type":
            return word in _KINDS
        return self._key != "role" or word in _ROLES

    def _is_data(self) -> None:
        self.is_text = True
        self._source.clear()
