"""What goes to the client is always valid Unicode and valid JSON, and is escaped fast.

Some sites cut their text by UTF-16 units, so one emoji can arrive as two halves in two events; and some APIs answer
with halves or infinities in fields of their own, which no strict client reads.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from pydantic_core import PydanticSerializationError, to_json

_HIGH_FIRST, _HIGH_LAST = "\ud800", "\udbff"
_DEPTH_LIMIT: Final = 100


def joined(text: str) -> str:
    """`text` with surrogate pairs made whole and lone halves replaced by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def lines_of(text: str) -> list[str]:
    """The lines of a text/event-stream: LF, CRLF or CR end them (HTML, 9.2.5), and no U+2028 of its JSON."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


class SurrogateJoiner:
    """Makes the pieces of one text valid; a trailing half of a pair waits for the next piece."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """The piece, valid."""
        if self._half:
            text = self._half + text
            self._half = ""
        if text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            if _HIGH_FIRST <= text[-1] <= _HIGH_LAST:
                self._half = text[-1]
                text = text[:-1]
            return joined(text)
        return text

    def rest(self) -> str:
        """U+FFFD when the text ended in half a pair, else nothing."""
        half, self._half = self._half, ""
        return "\ufffd" if half else ""


class JsonText(SurrogateJoiner):
    """Escapes pieces of one text as JSON strings."""

    __slots__ = ()

    def escape(self, text: str) -> bytes:
        """The piece as a JSON string, quotes included."""
        if not self._half:
            try:
                return to_json(text)
            except PydanticSerializationError:
                pass  # it holds halves: the slow way
        return to_json(self.feed(text))


def json_bytes(value: Any) -> bytes:
    """`value` as JSON that every client reads: halves joined or replaced, null for a number JSON has no form for."""
    try:
        return to_json(value, inf_nan_mode="null")
    except PydanticSerializationError:
        return to_json(_cleaned(value, 0), inf_nan_mode="null")


def _cleaned(value: Any, depth: int) -> Any:
    match value:
        case str():
            return joined(value)
        case float():
            return value if math.isfinite(value) else None
        case Mapping() | list() | tuple() if depth >= _DEPTH_LIMIT:
            return None
        case Mapping():
            return {joined(str(name)): _cleaned(item, depth + 1) for name, item in value.items()}
        case list() | tuple():
            return [_cleaned(item, depth + 1) for item in value]
    return value
