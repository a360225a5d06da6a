"""Decompressing requests: which Content-Encodings are taken, and a body decoded in bounded steps. Pure.

RFC 9110, 8.4 and 15.5.16. Each coding of two is undone as a whole before the next, and neither may give more than a
body may have: a bomb ends where its size passes the limit, whatever it would grow to.
"""

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final

from addons.errors import GatewayError
from addons.transport.inflate import CODINGS, Bounds, InflatedTooLarge, InflateError, inflater

MOST_CODINGS: Final = 2
STEP_BYTES: Final = 256 * 1024
"""After so many bytes that were made, others may have their turn: some milliseconds at most."""
SLICE_BYTES: Final = 16 * 1024
"""After so many bytes that were read, too: each may be much work that makes nothing, in brotli a microsecond."""
_OLD: Final = {"x-gzip": "gzip"}
_ACCEPTED: Final = ", ".join(CODINGS)

OF_ONE: Final = 8
OF_ALL: Final = 16
"""Bodies of the largest size that the requests under way may have been inflated to: of one client key, and of all."""

type Undoing = Generator[None, None, bytes]
"""A body being undone; its plain bytes at the end. At each yield others may have their turn."""


def codings_of(content_encoding: str) -> tuple[str, ...]:
    """The codings to decode, the last one made first. Raises GatewayError(415)."""
    if not content_encoding:  # nearly always
        return ()
    parts = (part.strip() for part in content_encoding.lower().split(",", 8))
    names = [_OLD.get(name, name) for name in parts if name not in ("", "identity")]
    unknown = next((name for name in names if name not in CODINGS), None)
    if unknown is not None:
        raise _refused(f"the request body has the unknown Content-Encoding {unknown[:40]!r}")
    if len(names) > MOST_CODINGS:
        raise _refused(f"the request body is compressed {len(names)} times, one in the other")
    return tuple(reversed(names))


@dataclass(slots=True)
class InflationBudget:
    """The budget of inflated bytes of the requests under way: some kilobytes that were sent may stand for megabytes
    each."""

    total: int = 0
    of: Counter[str] = field(default_factory=Counter)
    """By the name of the client key."""

    def reserve(self, key: str, count: int, largest: int) -> None:
        """Counts `count` bytes more, where one body may have `largest`. Raises GatewayError(429)."""
        if self.total + count > OF_ALL * largest or self.of[key] + count > OF_ONE * largest:
            message = "too many big requests are compressed and under way at once; send fewer at a time, or plain ones"
            raise GatewayError(429, message, code="too_many_compressed", retry_after_s=1)
        self.total += count
        self.of[key] += count

    def release(self, key: str, count: int) -> None:
        self.total -= count
        self.of[key] -= count
        if self.of[key] <= 0:
            del self.of[key]


def decode_body(
    body: bytes, codings: tuple[str, ...], most_bytes: int, too_large: str, grows: Callable[[int], None]
) -> Undoing:
    """The plain body. Raises GatewayError: 400 for what is not so compressed, 413 with `too_large` beyond the limit.

    `grows` is told how many bytes more were made; what it raises ends the work.
    """
    for coding in codings:
        body = yield from _decode_one(body, coding, most_bytes, too_large, grows)
    return body


def _decode_one(body: bytes, coding: str, most_bytes: int, too_large: str, grows: Callable[[int], None]) -> Undoing:
    stream, plain = inflater(coding, Bounds(most_bytes, ratio=None)), bytearray()
    since = 0
    try:
        for at in range(0, len(body), SLICE_BYTES):
            for piece in stream.pieces(body[at : at + SLICE_BYTES]):
                grows(len(piece))
                plain += piece
                since += len(piece)
                if since >= STEP_BYTES:
                    since = 0
                    yield
            if at + SLICE_BYTES <= len(body):
                since = 0
                yield
        stream.close()
    except InflatedTooLarge:
        raise GatewayError(413, too_large, code="request_too_large") from None
    except InflateError as e:
        message = f"the request body is not what its Content-Encoding ({coding}) says: {e}"
        raise GatewayError(400, message, code="invalid_encoding") from None
    return bytes(plain)


def _refused(what: str) -> GatewayError:
    error = GatewayError(
        415, f"{what}; send it plain, or as {_ACCEPTED}, at most two of them.", code="unsupported_encoding"
    )
    error.extra_headers = (("accept-encoding", _ACCEPTED),)
    return error
