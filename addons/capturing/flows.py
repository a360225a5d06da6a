"""From mitmproxy's flows to ObservedExchanges: which bodies are kept, and when a page is what is asked for."""

import re
from typing import Final

from mitmproxy import http

from addons.cleaning.fields import by_name
from addons.transport.inflate import InflateError, inflater
from providers.contract.call import origin_of
from providers.contract.session import ObservedExchange

BODY_LIMIT_BYTES: Final = 1024 * 1024
_AUTH_PATH: Final = re.compile(r"auth|sign-?_?in|log-?_?in|token|session|passport|account|user|refresh", re.IGNORECASE)
_JSON: Final = re.compile(r"application/(?:[\w.+-]+\+)?json\b", re.IGNORECASE)


class BodyCopy:
    """A stream callback of mitmproxy that lets a body pass and keeps a copy of it, up to a limit in bytes."""

    def __init__(self, limit_bytes: int = BODY_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._kept = bytearray()
        self._over = False

    def __repr__(self) -> str:
        return "BodyCopy(…)"

    def __call__(self, data: bytes) -> bytes:
        if not self._over:
            self._kept += data
            self._over = len(self._kept) > self._limit
        if self._over:
            self._kept.clear()
        return data

    def content(self, encoding: str) -> bytes:
        """The body unpacked; empty when it was too large or is not what its Content-Encoding says."""
        try:
            unpacked = inflater(encoding).feed(bytes(self._kept))
        except InflateError:
            return b""
        return unpacked if len(unpacked) <= self._limit else b""


def origin(request: http.Request) -> str:
    """The origin the request really goes to, whatever its Host header says."""
    try:
        return origin_of(request.url)
    except (ValueError, KeyError):
        return ""


def shows_body(flow: http.HTTPFlow) -> bool:
    """Whether the answer's body may hold a session: JSON of bearable size, of a path that is about signing in."""
    assert flow.response is not None
    length = flow.response.headers.get("content-length", "0")
    small = length.isdigit() and int(length) <= BODY_LIMIT_BYTES
    is_json = _JSON.match(flow.response.headers.get("content-type", "")) is not None
    return is_json and small and _AUTH_PATH.search(flow.request.path.partition("?")[0]) is not None


def observed_exchange(flow: http.HTTPFlow, body: bytes = b"") -> ObservedExchange:
    """The flow as an ObservedExchange."""
    assert flow.response is not None
    return ObservedExchange(
        method=flow.request.method,
        url=flow.request.url,
        headers=by_name(flow.request.headers.fields),
        status=flow.response.status_code,
        set_cookies=tuple(flow.response.headers.get_all("set-cookie")),
        body=body,
    )


def is_navigation(request: http.Request) -> bool:
    """Whether the browser asks for a page to show in a window (Fetch Metadata where it is sent)."""
    if request.method != "GET" or "text/html" not in request.headers.get("accept", "").lower():
        return False
    mode = str(request.headers.get("sec-fetch-mode", "navigate"))
    return mode == "navigate" and str(request.headers.get("sec-fetch-dest", "document")) == "document"
