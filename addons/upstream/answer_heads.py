"""The heads of answers to one request: interim ones passed over, all of them bounded together, the final one checked.

What others might read in another way is refused: a status line that is none, control characters, codings that nobody
undoes. A field that goes on in another line is one line again (RFC 9112, 5.2).
"""

import re
from typing import Final

from mitmproxy import http
from mitmproxy.net.http import http1
from mitmproxy.net.http.validate import validate_headers

from addons.framing.fields import value_of
from addons.framing.lines import Bound, LineBuffer, TooLarge

HEADS: Final = Bound(64 * 1024, 200)
"""For the interim answers (1xx; RFC 9110, 15.2) and the final one together."""
INTERIM_LIMIT: Final = 100

_STATUS_LINE: Final = re.compile(rb"HTTP/[0-9]\.[0-9] ([1-9][0-9]{2})(?: |\Z)")
"""mitmproxy takes `+200`, `2_00` and `0` for a status, too, and any white space before it."""
_NOT_IN_FIELDS: Final = re.compile(rb"[\x00\x0b\x0c\r]")
"""What h11 does not let stand there either. (Sites send other control characters, in cookies.)"""
_CODINGS: Final = frozenset({b"chunked", b"identity"})
"""mitmproxy takes gzip and others for read where only the chunks are undone."""
_FOLD: Final = re.compile(rb"\n[ \t]+")


class AnswerHeads:
    """Those of one request."""

    __slots__ = ("_bytes_left", "_interim", "_lines_left")

    def __init__(self) -> None:
        self._bytes_left, self._lines_left = HEADS.bytes, HEADS.lines
        self._interim = 0

    def final(self, buf: LineBuffer) -> http.Response | None:
        """The head of the final answer, or None while it has not come. Raises TooLarge and ValueError."""
        while True:
            before = len(buf)
            lines = buf.take_lines(Bound(self._bytes_left, self._lines_left))
            if lines is None:
                return None
            if not lines:
                raise ValueError("a blank line where a head should be")
            if _NOT_IN_FIELDS.search(b"\n".join(lines)):
                raise ValueError("a control character in a head")
            if not _is_interim(lines[0]):
                return _response(lines)
            self._interim += 1
            self._bytes_left -= before - len(buf)
            self._lines_left -= len(lines)
            if self._interim > INTERIM_LIMIT:
                raise TooLarge(f"behind more than {INTERIM_LIMIT} interim answers")


def _is_interim(line: bytes) -> bool:
    """Whether a status line is one of 100-199; but switching protocols is an answer, and a wrong one. Raises
    ValueError where it is no status line."""
    found = _STATUS_LINE.match(line)
    if found is None:
        raise ValueError("no status line")
    return found[1][:1] == b"1" and found[1] != b"101"


def _response(lines: list[bytes]) -> http.Response:
    if any(line.startswith((b" ", b"\t")) for line in lines[2:]):
        lines = [lines[0], *_FOLD.sub(b" ", b"\n".join(lines[1:])).split(b"\n")]
    response = http1.read_response_head(lines)
    validate_headers(response)
    coding = value_of(response.headers.fields, b"transfer-encoding")
    if coding is not None and coding.lower() not in _CODINGS:
        raise ValueError("a transfer coding that is not undone")
    return response
