"""What the head of an HTTP/1 answer says of its body, and of the connection behind it."""

from dataclasses import dataclass
from typing import Final

from mitmproxy import http
from mitmproxy.net.http import http1

from addons.framing.fields import value_of
from addons.framing.persistence import is_last


def _asking(method: bytes) -> http.Request:
    """A request, made without the looking up of its host's name that `make` does: that loads codecs at the start."""
    return http.Request("", 0, method, b"http", b"", b"/", b"HTTP/1.1", (), None, None, 0.0, None)


_HEAD: Final = _asking(b"HEAD")
_OTHER: Final = _asking(b"GET")
"""Of a request, the size of its answer's body depends on the method alone."""


@dataclass(frozen=True, slots=True)
class AnswerFraming:
    """How an answer goes on behind its head."""

    length: int | None
    """Of the body in bytes, as the head says; None where it does not."""
    is_chunked: bool
    closes: bool
    """The connection ends with this answer."""


def framing_of(response: http.Response, *, to_head: bool) -> AnswerFraming:
    """The framing that an HTTP/1 answer's head says; `to_head`: it answers a HEAD request."""
    headers = response.headers
    length, coding = value_of(headers.fields, b"content-length"), value_of(headers.fields, b"transfer-encoding")
    size = int(length) if length is not None and length.isdigit() else None
    coding = coding.lower() if coding is not None else None
    return AnswerFraming(
        size,
        coding is not None and b"chunked" in coding,
        response.status_code == 101  # nobody here speaks what it switches to
        or is_last(response.http_version, headers)
        or _ends_with_connection(response, to_head, size, coding),
    )


def _ends_with_connection(response: http.Response, to_head: bool, size: int | None, coding: bytes | None) -> bool:
    """Nothing but the end of the connection tells where the body ends."""
    if coding == b"chunked" or (coding is None and size is not None):
        return False  # nearly always
    try:
        return bool(http1.expected_http_body_size(_HEAD if to_head else _OTHER, response) == -1)
    except ValueError:
        return False  # another addon's headers, which are sent as they are
