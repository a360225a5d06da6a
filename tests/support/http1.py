"""HTTP/1.1 as bytes: what the tests of the stream layer send, and what they look for in what was sent."""

from typing import Final

OK: Final = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
REFUSED: Final = b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy"
END: Final = b"0\r\n\r\n"
"""The last chunk."""


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def body_of(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[2]


def status_of(raw: bytes) -> int:
    return int(raw.split(b" ", 2)[1])
