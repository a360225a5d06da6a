"""Reading and checking a client's request head before it becomes a flow. A refusal repeats nothing that was sent."""

import re
import secrets
from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

from mitmproxy import http
from mitmproxy.net.http import http1
from mitmproxy.net.http.validate import validate_headers

from addons.framing.lines import HTTP1

HEAD_BYTES: Final = 64 * 1024
PATH_LIMIT: Final = 100
_REQUEST_LINE: Final = re.compile(rb"([A-Z]{1,20}) (/[^ ?\r\n]*)")
_PLAIN_LINE: Final = re.compile(rb"[!-~]+ [!-~]+ [!-~]+")
_NOT_IN_FIELDS: Final = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\n[ \t]")
"""Control characters, and a line that goes on with the field before it (RFC 9112, 5.2): whoever stands before the
gateway may see other lines there."""
_METHOD: Final = re.compile(r"[A-Za-z_-]{1,24}")
_TOLD: Final = (
    "invalid header name",
    "invalid content-length header",
    "multiple content-length headers",
    "multiple transfer-encoding headers",
    "unknown transfer-encoding header",
    "invalid transfer-encoding header",
    "unexpected HTTP transfer-encoding",
    "message with both transfer-encoding and content-length headers",
    "Bad HTTP request line",
    "Invalid header line",
)
"""How mitmproxy's reasons begin; behind that they repeat what was sent."""


class HeadRefused(Exception):
    """The head is refused with `status`; the message is for the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def new_request_id() -> str:
    """The id of a request in the log and in its answer's x-request-id."""
    return f"req_{secrets.token_hex(16)}"


def method_and_path(begins: bytes) -> tuple[str, str]:
    """Method and path in the first bytes of a head that is no request, if they are there; no other word of it."""
    found = _REQUEST_LINE.match(begins)
    return (found[1].decode("latin-1"), found[2][:PATH_LIMIT].decode("latin-1")) if found else ("", "")


def fields_in(lines: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """The header fields in the lines of a head that is no request; what else they are is left out, and so is a field
    that goes on in another line: others may see the two as one."""
    folded = (b" ", b"\t")
    fields = [
        line.partition(b":")
        for line, after in zip_longest(lines[1:], lines[2:], fillvalue=b"")
        if not (line.startswith(folded) or after.startswith(folded))
    ]
    return [(name.strip(), value.strip()) for name, colon, value in fields if colon]


def read_head(lines: list[bytes]) -> tuple[http.Request, int | None]:
    """An HTTP/1 head, and the size of the body as mitmproxy tells it. Raises HeadRefused."""
    if not _PLAIN_LINE.fullmatch(lines[0]):  # mitmproxy splits it at any white space
        raise HeadRefused(400, "the request's head is malformed: Bad HTTP request line")
    if _NOT_IN_FIELDS.search(b"\n".join(lines)):
        raise HeadRefused(400, "the request's head is malformed: Invalid header line")
    try:
        request = http1.read_request_head(lines)
    except ValueError as e:
        raise HeadRefused(400, f"the request's head is malformed{_why(e)}") from None
    if request.http_version not in HTTP1:
        raise HeadRefused(400, "this version of HTTP is not spoken here: send HTTP/1.1 or HTTP/1.0, or HTTP/2 over TLS")
    check_head(request)
    try:
        size = http1.expected_http_body_size(request)
    except ValueError as e:
        raise HeadRefused(400, f"the request's head is malformed{_why(e)}") from None
    if size is None and request.headers["transfer-encoding"].lower() != "chunked":  # gzip, chunked: nobody undoes it
        raise HeadRefused(400, "the request's head is malformed: unknown transfer-encoding header")
    return request, size


def check_head(request: http.Request) -> None:
    """Raises HeadRefused for what HTTP does not allow, and for what would make a tunnel of the gateway."""
    if request.method == "CONNECT":
        raise HeadRefused(400, "this is a gateway, not a proxy: there is no CONNECT here, send the path alone (/v1/…)")
    if not _METHOD.fullmatch(request.method):
        raise HeadRefused(400, "the request's head is malformed: the method is none")
    try:
        validate_headers(request)
    except ValueError as e:
        raise HeadRefused(400, f"the request's head is malformed{_why(e)}") from None


def _why(error: ValueError) -> str:
    text = str(error)
    return next((f": {told}" for told in _TOLD if text.startswith(told)), "")
