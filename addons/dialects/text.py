"""Text on its way to the client: always valid Unicode, JSON-escaped fast.

Some sites cut their text by UTF-16 units, so one emoji can arrive as two halves in two events.
"""

from pydantic_core import PydanticSerializationError, to_json

_HIGH_FIRST, _HIGH_LAST = "\ud800", "\udbff"


def joined(text: str) -> str:
    """`text` with surrogate pairs made whole and lone halves replaced by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class JsonText:
    """Escapes pieces of one text as JSON strings; a trailing half of a pair waits for the next piece."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    def escape(self, text: str) -> bytes:
        """The piece as a JSON string, quotes included."""
        if self._half:
            text = self._half + text
            self._half = ""
        try:
            return to_json(text)
        except PydanticSerializationError:
            pass
        if _HIGH_FIRST <= text[-1] <= _HIGH_LAST:
            self._half = text[-1]
            text = text[:-1]
        return to_json(joined(text))

    def rest(self) -> str:
        """U+FFFD when the text ended in half a pair, else nothing."""
        half, self._half = self._half, ""
        return "\ufffd" if half else ""
