"""Calls that are written in tags: GLM's trained form, Hermes', Qwen's, Anthropic's, DeepSeek's, whole or broken.

    <tool_call>NAME<arg_key>K</arg_key><arg_value>V</arg_value></tool_call>
    <tool_call>{"name", "arguments"}</tool_call>      <tool_call><function=NAME><parameter=K>V</parameter></function>…
    <invoke name="NAME"><parameter name="K">V</parameter></invoke>      <NAME K="V"/>      <NAME><K>V</K></NAME>

Closers may be missing; a name in the body goes before one in an attribute. The block is over where its outermost tag is
closed, or where anything stands that belongs to no call.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, Literal

from addons.features.tools.forms.block import SaidThere
from addons.features.tools.forms.json_calls import calls_in
from addons.features.tools.forms.tag_attributes import HEAD_CHARS, TAG_END, TagAttributes
from addons.features.tools.forms.tag_names import (
    ARGUMENT,
    ARGUMENTS,
    AROUND,
    CALL,
    KEY,
    NAME,
    NAME_CHARS,
    STRUCTURE,
    TAG,
    TAG_BEGUN,
    VALUE,
    plain,
)
from addons.features.tools.json_scan import JsonScan
from addons.features.tools.judge import Judge, Said

type _Mode = Literal["content", "attributes", "value", "json"]
_BLANKS: Final = re.compile(r"\s*+")
_WORD: Final = re.compile(r"[\w.:/\-]++")
_FENCE: Final = re.compile(r"```\w{0,20}+")
_DEPTH_LIMIT: Final = 20


class _Call:
    """A call as far as it was read."""

    def __init__(self, begin: int, tag: str) -> None:
        self.begin, self.tag = begin, tag
        self.name = ""
        self.values: dict[str, Any] = {}
        self.json: str | None = None
        self.key: str | None = None
        """GLM's: the name of the argument whose value follows."""


class TagBlock:
    """Reads a block in tags from the first `<` on; `glued`: from the name of a tool on, as GLM has it behind
    `<tool_call>`."""

    def __init__(self, judge: Judge, *, glued: bool = False) -> None:
        self.over = False
        self.is_text = False
        self._judge = judge
        self._mode: _Mode = "content"
        self._size = 0
        """Characters that were read."""
        self._base = 0
        """Where in the block the text that is fed begins."""
        self._open = ["tool_call"] if glued else []
        """Names of the tags around what is read."""
        self._call = _Call(0, "tool_call") if glued else None
        self._found: list[SaidThere] = []
        self._tag = ""
        self._raw_tag = ""
        self._tag_at = 0
        """The tag that is read: its plain name, its own, and where it began."""
        self._attributes = TagAttributes()
        self._closer = ""
        """The tag that ends the value, and the argument that it is of."""
        self._named = ""
        self._pieces: list[str] = []
        self._scan = JsonScan()

    def feed(self, text: str, at: int, end: int) -> int:
        self._base, begin = self._size - at, at
        while at < end and not self.over:
            before, mode = at, self._mode
            match mode:
                case "content":
                    at = self._content(text, at, end)
                case "attributes":
                    at = self._in_tag(text, at, end)
                case "value":
                    at = self._in_value(text, at, end)
                case "json":
                    at = self._in_json(text, at, end)
            if at == before and self._mode == mode and not self.over:
                break
        self.is_text = self.over and not self._found
        self._size += at - begin
        return at

    def calls(self, *, complete: bool) -> Sequence[SaidThere]:
        if not self.over and complete:
            if self._mode == "value" and self._closer in (KEY, VALUE):
                self._end_value(closed=False)
            if self._mode == "json" and not self._scan.in_string:
                self._end_json(self._size)
            if self._mode == "content":
                self._finish(self._size)
        return self._found

    # -- between tags ---------------------------------------------------------------------------------------------
    def _content(self, text: str, at: int, end: int) -> int:
        blanks = _BLANKS.match(text, at, end)
        if blanks is not None and blanks.end() > at:
            return blanks.end()
        match text[at]:
            case "<":
                return self._begin_tag(text, at, end)
            case "{" | "[" if self._open:
                self._mode, self._scan, self._pieces = "json", JsonScan(), []
                return at
            case "," | ";" if self._call is not None and self._call.json is not None:
                return at + 1
            case "(" if self._call is not None and self._call.name and self._call.json is None:
                return at + 1  # name({…})
            case ")" if self._call is not None and self._call.json is not None:
                return at + 1
            case "`":
                fence = _FENCE.match(text, at, end)
                if fence is None and end - at < len("```") and not text[at:end].strip("`"):
                    return at
                if fence is not None:
                    return at if fence.end() == end and end - at < HEAD_CHARS else fence.end()
        return self._word(text, at, end)

    def _word(self, text: str, at: int, end: int) -> int:
        """The name of a tool, as GLM writes it; any other word is none of a call's."""
        call, word = self._call, _WORD.match(text, at, end)
        if word is None or call is None or call.name or call.values or call.json is not None:
            return self._foreign(at)
        if word.end() == end and end - at <= NAME_CHARS:
            return at
        if self._judge.tool(word[0]) is None:
            return self._foreign(at)
        call.name = word[0]
        return word.end()

    def _foreign(self, at: int) -> int:
        """Something stands here that belongs to no call."""
        self._finish(self._base + at, closed=False)
        self.over = True
        return at

    # -- tags -----------------------------------------------------------------------------------------------------
    def _begin_tag(self, text: str, at: int, end: int) -> int:
        tag = TAG.match(text, at, end)
        if tag is None or tag.end() == end:
            return at if TAG_BEGUN.match(text, at, end) else self._foreign(at)
        closing, raw = bool(tag[1]), tag[2]
        name = plain(raw)
        if closing:
            return self._close_tag(text, at, tag.end(), end, raw if self._is_tool(raw) else name)
        if not self._belongs(name, raw):
            return self._foreign(at)
        self._tag, self._raw_tag, self._attributes, self._mode = name, raw, TagAttributes(), "attributes"
        self._tag_at = self._base + at
        return tag.end()

    def _is_tool(self, raw: str) -> bool:
        return self._judge.toolbox.find(raw) is not None

    def _belongs(self, name: str, raw: str) -> bool:
        """Whether a tag of that name may stand here."""
        if name in STRUCTURE or self._is_tool(raw):
            return True
        return self._is_argument(name)

    def _is_argument(self, name: str) -> bool:
        """Whether any tag that stands here is an argument by its name: directly within a call whose tool is known."""
        call, around = self._call, self._open[-1] if self._open else ""
        named = call is not None and call.name != "" and call.json is None
        return named and name not in STRUCTURE and (around in CALL or around in ARGUMENTS or self._is_tool(around))

    def _close_tag(self, text: str, at: int, behind: int, end: int, name: str) -> int:
        stop = TAG_END.match(text, behind, min(end, behind + HEAD_CHARS))
        if stop is None:
            if end - behind < HEAD_CHARS and text[behind:end].isspace():
                return at
            return self._foreign(at)
        if name in self._open:
            while self._open.pop() != name:
                pass
            if self._call is not None and (name in CALL or name in AROUND or name == self._call.tag):
                self._finish(self._base + stop.end())
            elif self._call is None and self._found and name in CALL:
                self._found[-1] = self._found[-1]._replace(end=self._base + stop.end())
            self.over = not self._open
        elif name not in STRUCTURE:
            return self._foreign(at)
        return stop.end()

    def _in_tag(self, text: str, at: int, end: int) -> int:
        """The attributes of a tag, up to its end."""
        attributes = self._attributes
        at = attributes.feed(text, at, end)
        if attributes.failed:
            return self._foreign(at)
        if attributes.over:
            self._mode = "content"
            self._begun(self._tag, self._raw_tag, at, closed=attributes.closed)
        return at

    def _begun(self, name: str, raw: str, at: int, *, closed: bool) -> None:
        """A tag was opened, and closed in itself where it says so."""
        call = self._call
        values = self._attributes.values
        said = values.get("name") or values.get("") or values.get("tool_name") or ""
        if (name in (KEY, VALUE) and call is not None) or (name in NAME and call is not None):
            self._begin_value(name, "", closed=closed)
        elif name in ARGUMENT and call is not None and said:
            self._begin_value(name, said, closed=closed)
        elif self._is_argument(name) and not self._is_tool(raw):
            self._begin_value(raw, raw, closed=closed)
        elif (name in ARGUMENTS and call is not None) or name in AROUND:
            if not closed:
                self._open.append(name)
        elif name in CALL or self._is_tool(raw):
            self._begin_call(name, raw, said, at, closed=closed)
        else:
            self._foreign(at)

    def _begin_call(self, name: str, raw: str, said: str, at: int, *, closed: bool) -> None:
        tool = raw if self._is_tool(raw) and name not in CALL else ""
        call = self._call
        if call is not None and (call.name or call.values or call.json is not None):
            self._finish(self._tag_at)
            call = None
        if call is None:
            call = self._call = _Call(self._tag_at, tool or name)
        call.name = tool or said
        if tool:
            call.values |= self._attributes.values
        elif "arguments" in self._attributes.values:
            call.json = self._attributes.values["arguments"]
        if len(self._open) >= _DEPTH_LIMIT:
            self._foreign(at)
        elif not closed:
            self._open.append(tool or name)
        else:
            self._finish(self._base + at)
            self.over = self.over or not self._open

    # -- values ---------------------------------------------------------------------------------------------------
    def _begin_value(self, closer: str, named: str, *, closed: bool) -> None:
        self._closer, self._named, self._pieces = closer, named, []
        if closed:
            self._end_value()
        else:
            self._mode = "value"

    def _in_value(self, text: str, at: int, end: int) -> int:
        """A value: up to its closing tag, or to one that shows that this is missing."""
        sign = text.find("<", at, end)
        if sign != at:
            stop = end if sign < 0 else sign
            self._pieces.append(text[at:stop])
            return stop
        tag = TAG.match(text, at, end)
        if tag is None or tag.end() == end:
            if TAG_BEGUN.match(text, at, end):
                return at
            self._pieces.append("<")
            return at + 1
        name = plain(tag[2])
        if tag[1] and self._closer in (name, tag[2]):
            stop_at = TAG_END.match(text, tag.end(), end)
            if stop_at is None and text[tag.end() : end].isspace():
                return at
            self._end_value()
            return stop_at.end() if stop_at is not None else tag.end()
        if self._ends_value(name, closing=bool(tag[1])):
            self._end_value(closed=False)
            return at
        self._pieces.append("<")
        return at + 1

    def _ends_value(self, name: str, *, closing: bool) -> bool:
        if self._closer in (KEY, VALUE):
            return name in (KEY, VALUE) or name in ("tool_call", "tool_calls")
        if closing:
            return name in CALL or name in AROUND or (self._call is not None and name == self._call.tag.casefold())
        return self._closer in ARGUMENT and name in ARGUMENT

    def _end_value(self, *, closed: bool = True) -> None:
        """The value has ended. Not `closed`: what follows shows it, and blanks before that are none of the value."""
        call, value = self._call, "".join(self._pieces)
        value = value if closed else value.rstrip()
        self._mode, self._pieces = "content", []
        if call is None:
            return
        if self._closer == KEY:
            call.key = value.strip()
        elif self._closer == VALUE:
            if call.key is not None:
                call.values[call.key] = value
            call.key = None
        elif self._closer in NAME:
            call.name = value.strip()
        else:
            call.values[self._named] = _without_frame(value)

    def _in_json(self, text: str, at: int, end: int) -> int:
        stop = self._scan.feed(text, at, end)
        self._pieces.append(text[at:stop])
        if self._scan.over:
            self._end_json(self._base + stop)
        return stop

    def _end_json(self, end: int) -> None:
        source = "".join(self._pieces)
        self._mode, self._pieces = "content", []
        call = self._call
        said = calls_in(self._judge.read_json(source), loose=True) if call is None or not self._in_arguments() else []
        said = [one for one in said if call is None or not call.name or self._judge.tool(one.name) is not None]
        if said:
            begin = call.begin if call is not None else end - len(source)
            if call is not None and call.json is not None:
                begin = end - len(source)
                self._finish(begin)
            self._found += [SaidThere(one, begin, end) for one in said]
            self._call = None
        elif call is not None and call.json is None:
            call.json = source
        elif call is not None:  # another object glued to the first: the same tool once more
            name, tag = call.name, call.tag
            self._finish(end - len(source))
            self._call = _Call(end - len(source), tag)
            self._call.name, self._call.json = name, source

    def _in_arguments(self) -> bool:
        return bool(self._open) and self._open[-1] in ARGUMENTS

    def _finish(self, end: int, *, closed: bool = True) -> None:
        """The call that was read, if it is one, ends there. Not `closed`: its name alone would be too little."""
        call, self._call = self._call, None
        if call is None or not call.name:
            return
        if not closed and call.json is None and not call.values:
            return
        arguments: Any = call.json if call.json is not None else call.values
        self._found.append(SaidThere(Said(call.name, arguments), call.begin, end))


def _without_frame(value: str) -> str:
    """A value without the line ends that part it from its tags."""
    return value.removeprefix("\n").removesuffix("\n")
