"""The form of an answer's body, as its first character tells it, whatever was asked for and whatever its head says."""

from enum import Enum, auto
from typing import Final

_LEAD: Final = b" \t\r\n\xef\xbb\xbf"
_STREAM_STARTS: Final = b"edir:"
"""How a line of an event stream begins: event, data, id, retry, a comment."""


class BodyForm(Enum):
    """The form of a body."""

    UNKNOWN = auto()
    """Nothing but blanks has come."""
    STREAM = auto()
    """Server-sent events."""
    WHOLE = auto()
    """One JSON object."""
    PAGE = auto()
    """Anything else: a page, words."""


def without_lead(data: bytes) -> bytes:
    """The body's first bytes without a byte order mark and the blank lines that keep a waiting connection alive."""
    return data.lstrip(_LEAD)


def form_of(data: bytes) -> BodyForm:
    """The form of a body that begins so, its lead taken off."""
    if not data:
        return BodyForm.UNKNOWN
    if data[:1] == b"{":
        return BodyForm.WHOLE
    return BodyForm.STREAM if data[:1] in _STREAM_STARTS else BodyForm.PAGE
