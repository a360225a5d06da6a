"""Content-Encoding, undone piece by piece and bounded: gzip, deflate (both kinds), br and zstd.

We ask the sites for identity; some edges compress all the same. A bomb ends in InflateError, never in memory.
"""

import zlib
from collections.abc import Callable
from typing import Final, Protocol

import brotli
import zstandard

LIMIT_BYTES: Final = 64 * 1024 * 1024
RATIO_LIMIT: Final = 100
RATIO_FLOOR_BYTES: Final = 1024 * 1024
"""Below this much output no ratio is judged: short texts of one letter compress well."""
_STEP_BYTES: Final = 256 * 1024


class InflateError(ValueError):
    """The body is not what its Content-Encoding says, or it inflates beyond the limits."""


class Inflater(Protocol):
    def feed(self, data: bytes) -> bytes:
        """What `data` inflates to. Raises InflateError."""
        ...

    def close(self) -> None:
        """The body ended. Raises InflateError when the compressed data is cut off."""
        ...


class Identity:
    def feed(self, data: bytes) -> bytes:
        return data

    def close(self) -> None:
        return None


class _Bounded:
    """Counts what went in and came out, and stops a bomb while it is still small."""

    def __init__(self) -> None:
        self._bytes_in = 0
        self._bytes_out = 0

    def _took(self, size: int) -> None:
        self._bytes_in += size

    def _gave(self, size: int) -> None:
        self._bytes_out += size
        if self._bytes_out > LIMIT_BYTES:
            raise InflateError(f"the body inflates to more than {LIMIT_BYTES // (1024 * 1024)} MB")
        if self._bytes_out > RATIO_FLOOR_BYTES and self._bytes_out > RATIO_LIMIT * self._bytes_in:
            raise InflateError(f"the body inflates to more than {RATIO_LIMIT} times its size")


class _Zlib(_Bounded):
    """gzip (several members too) and deflate, with or without its zlib header (RFC 9110 8.4.1.2)."""

    def __init__(self, *, gzip: bool) -> None:
        super().__init__()
        self._gzip = gzip
        self._held = b""
        self._stream: zlib._Decompress | None = zlib.decompressobj(wbits=31) if gzip else None

    def feed(self, data: bytes) -> bytes:
        self._took(len(data))
        if self._stream is None:
            data = self._held + data
            if len(data) < 2:
                self._held = data
                return b""
            has_header = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
            self._stream = zlib.decompressobj(wbits=15 if has_header else -15)
        out: list[bytes] = []
        try:
            while data:
                piece = self._stream.decompress(data, _STEP_BYTES)
                self._gave(len(piece))
                out.append(piece)
                data = self._stream.unconsumed_tail
                if self._stream.eof:
                    data = self._stream.unused_data if self._gzip else b""
                    if data:
                        self._stream = zlib.decompressobj(wbits=31)
        except zlib.error as e:
            raise InflateError(f"the body is not valid compressed data: {e}") from e
        return b"".join(out)

    def close(self) -> None:
        if self._stream is None or not self._stream.eof:
            raise InflateError("the compressed body is cut off")


class _Brotli(_Bounded):
    def __init__(self) -> None:
        super().__init__()
        self._stream = brotli.Decompressor()

    def feed(self, data: bytes) -> bytes:
        self._took(len(data))
        out: list[bytes] = []
        try:
            piece = self._stream.process(data, output_buffer_limit=_STEP_BYTES)
            while True:
                self._gave(len(piece))
                out.append(piece)
                if self._stream.can_accept_more_data():
                    return b"".join(out)
                piece = self._stream.process(b"", output_buffer_limit=_STEP_BYTES)
        except brotli.error as e:
            raise InflateError(f"the body is not valid brotli: {e}") from e

    def close(self) -> None:
        if not self._stream.is_finished():
            raise InflateError("the compressed body is cut off")


class _Zstd(_Bounded):
    def __init__(self) -> None:
        super().__init__()
        # The window bounds memory (8 MB is what RFC 9659 asks of HTTP senders); input in small steps bounds one output.
        self._new = zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024).decompressobj
        self._stream = self._new()
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        self._took(len(data))
        out: list[bytes] = []
        try:
            for at in range(0, len(data), 1024):
                rest = data[at : at + 1024]
                while rest:
                    if self._stream.eof:
                        self._stream = self._new()
                    piece = self._stream.decompress(rest)
                    self._begun = True
                    self._gave(len(piece))
                    out.append(piece)
                    rest = self._stream.unused_data
        except zstandard.ZstdError as e:
            raise InflateError(f"the body is not valid zstd: {e}") from e
        return b"".join(out)

    def close(self) -> None:
        if not self._begun or not self._stream.eof:
            raise InflateError("the compressed body is cut off")


_INFLATERS: Final[dict[str, Callable[[], Inflater]]] = {
    "": Identity,
    "identity": Identity,
    "gzip": lambda: _Zlib(gzip=True),
    "x-gzip": lambda: _Zlib(gzip=True),
    "deflate": lambda: _Zlib(gzip=False),
    "br": _Brotli,
    "zstd": _Zstd,
}


def inflater(content_encoding: str) -> Inflater:
    """The inflater for a Content-Encoding header. Raises InflateError for one we do not know (or a chain of them)."""
    name = content_encoding.strip().lower()
    if name not in _INFLATERS:
        raise InflateError(f"the body has the unknown Content-Encoding {name[:40]!r}")
    return _INFLATERS[name]()
