"""The arguments of a call as they arrive: an object in JSON, passed on property by property. Pure.

What was passed on cannot be taken back, so it must be right at once: a string goes out letter by letter where the
schema says that this property is a string, any other value when it is whole and coerced. What is joined is one JSON
object, whatever the model wrote: raw line ends are escaped; a quote that no JSON can go on behind stands for itself;
where a property cannot be read at all, the rest is repaired as a whole.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from addons.features.broken_json import read_json
from addons.features.tools.arguments import coerced, takes_any_string
from addons.features.tools.json_scan import JsonScan
from providers.formats.jsontext import INVALID, dumps, loads

_HEAD_CHARS: Final = 300
"""Of a property's name with what is around it."""
BUFFER_CHARS: Final = 512 * 1024
"""Of one value that is held until it is whole."""
_HEAD: Final = re.compile(r'\s*+(?:,\s*+)?+"((?:[^"\\]|\\.)*+)"\s*+:\s*+(?=\S)', re.DOTALL)
_CLOSED: Final = re.compile(r"\s*+(?:,\s*+)?+\}")
_MAYBE_HEAD: Final = re.compile(r'\s*+(?:,\s*+)?+(?:\Z|")')
_RUN: Final = re.compile(r'[^"\\\x00-\x1f]++')
CLOSING_QUOTE: Final = re.compile(r'"\s{0,200}+(?:,\s{0,200}+["}]|\}\s{0,200}+[,}\]<`])')
"""A quote that ends a string in JSON: behind it goes the object on, or all that is around it."""
_MAYBE_QUOTE: Final = re.compile(r'"\s{0,200}+(?:[,}]\s{0,200}+)?+\Z')
_ESCAPE: Final = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_MAYBE_ESCAPE: Final = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_WORD_END: Final = re.compile(r"[,}]")
_CONTROLS: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

type _Mode = Literal["name", "string", "held string", "word", "brackets", "rest"]
"""What is read: a property's name, a string that goes out, or one of the values that are held."""


class ArgumentStream:
    """Reads the object from behind its `{`; `out` holds what may go out, joined it is the object's JSON."""

    def __init__(self, schema: Mapping[str, Any], read: Callable[[str], Any] = read_json) -> None:
        self.over = False
        self.out = ["{"]
        self._schema, self._read = schema, read
        properties = schema.get("properties")
        self._properties: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
        self._first = True
        self._name = ""
        self._carry = ""
        """Text that was fed and cannot be told yet: short."""
        self._mode: _Mode = "name"
        self._value: list[str] = []
        """Pieces of a value that is held until it is whole."""
        self._size = 0
        self._scan = JsonScan()

    @property
    def in_string(self) -> bool:
        """What came so far ends within a string."""
        return self._mode in ("string", "held string") and not self._carry.startswith('"')

    def feed(self, text: str, at: int, end: int) -> int:
        """Reads `text` from `at` up to `end`; gives where it stopped: behind the object, or at `end`."""
        carried = len(self._carry)
        text, self._carry = self._carry + text[at:end], ""
        here = 0
        while here < len(text) and not self.over:
            before = here, self._mode
            match self._mode:
                case "name":
                    here = self._read_name(text, here)
                case "string":
                    here = self._read_string(text, here, self.out)
                case _:
                    here = self._read_value(text, here)
            if (here, self._mode) == before and not self.over:
                self._carry = text[here:]
                return end
        return max(at, at + here - carried)  # (blanks that were carried stand behind nothing)

    def finish(self) -> None:
        """The text has ended before the object did: what is open is closed."""
        if self.over:
            return
        if self._mode == "string":
            self.out.append('"')
        elif self._mode != "name":
            self._end_value()
        if not self.over:
            self._close()

    def _read_name(self, text: str, at: int) -> int:
        """A property's name, with the colon and the first character of its value in view; or the object's end."""
        limit = at + _HEAD_CHARS
        if closed := _CLOSED.match(text, at, limit):
            self._close()
            return closed.end()
        head = _HEAD.match(text, at, limit)
        if head is None:
            if len(text) < limit and _MAYBE_HEAD.match(text, at):
                return at
            self._hold("rest", "{")
            return at
        name = loads(f'"{head[1]}"'.encode("utf-8", "surrogatepass"))
        self._name = name if isinstance(name, str) else head[1]
        begin = text[head.end()]
        if begin != '"':
            self._hold("brackets" if begin in "{[" else "word")
        elif takes_any_string(self._properties.get(self._name)):
            self._tell('"')
            self._mode = "string"
            return head.end() + 1
        else:
            self._hold("held string", '"')
            return head.end() + 1
        return head.end()

    def _hold(self, mode: _Mode, lead: str = "") -> None:
        self._mode, self._value, self._size, self._scan = mode, [lead], 0, JsonScan()
        if mode == "rest":
            self._scan.feed(lead, 0, 1)

    def _read_string(self, text: str, at: int, out: list[str]) -> int:
        """A piece of a string, as JSON has it, into `out`."""
        if run := _RUN.match(text, at):
            out.append(run[0])
            return run.end()
        char = text[at]
        if char == "\\":
            if found := _ESCAPE.match(text, at):
                out.append(found[0])
                return found.end()
            if _MAYBE_ESCAPE.match(text, at):
                return at
            # No escape of JSON: the sign stands for itself, but before a quote of the other kind or a line's end.
            out.append("" if text[at + 1] in "'\n" else "\\\\")
            return at + 1
        if char == '"':
            if CLOSING_QUOTE.match(text, at):
                out.append(char)
                self._mode = "name"
                return at + 1
            if _MAYBE_QUOTE.match(text, at):
                return at
            out.append('\\"')
            return at + 1
        out.append(_CONTROLS.get(char) or f"\\u{ord(char):04x}")
        return at + 1

    def _read_value(self, text: str, at: int) -> int:
        """A piece of a value that is held: a list or an object, a bare word, a string that may be none, or a broken
        rest."""
        mode, over = self._mode, False
        if mode == "held string":
            end = self._read_string(text, at, self._value)
            over = self._mode == "name"
        elif mode == "word":
            found = _WORD_END.search(text, at)
            end, over = (len(text), False) if found is None else (found.start(), True)
            self._value.append(text[at:end])
        else:
            end = self._scan.feed(text, at, len(text))
            over = self._scan.over
            self._value.append(text[at:end])
        self._size += end - at
        if self._size > BUFFER_CHARS:
            self._value, over = [], True
        if over:
            self._end_value()
        return end

    def _end_value(self) -> None:
        whole = "".join(self._value).strip() + ('"' if self._mode == "held string" else "")
        is_rest, self._mode, self._value = self._mode == "rest", "name", []
        if is_rest:
            found = self._read(whole)
            for self._name, value in found.items() if isinstance(found, dict) else ():
                self._tell_value(value)
            self._close()
        elif whole:
            self._tell_value(_value_of(whole, self._read))

    def _tell_value(self, value: Any) -> None:
        fitted = coerced({self._name: value}, self._schema, self._read)
        self._tell(dumps(fitted[self._name]).decode())

    def _tell(self, value: str) -> None:
        self.out.append(("" if self._first else ",") + dumps(self._name).decode() + ":" + value)
        self._first = False

    def _close(self) -> None:
        self.over = True
        self.out.append("}")


def _value_of(text: str, read: Callable[[str], Any]) -> Any:
    """A value by its JSON, repaired; a bare word that is none is a string."""
    found = loads(text.encode("utf-8", "surrogatepass"))
    if found is not INVALID:
        return found
    if text in ("True", "False", "None"):
        return {"True": True, "False": False}.get(text)
    found = read(text) if text[0] in "\"'{[" else None
    return text if found is None else found
