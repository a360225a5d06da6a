"""Inflaters of Content-Encoding, incremental and bounded: gzip, deflate (both kinds), br and zstd.

We ask the sites for identity; some edges compress all the same. A bomb ends in InflateError, never in memory: what one
call of a library gives is bounded too, so that whoever takes the pieces can stop, or let others have their turn.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import brotli
import zstandard

_STEP_BYTES: Final = 256 * 1024
"""The size of a piece."""
_ZSTD_STEP_BYTES: Final = 256
"""Input of zstd at a time: a block of 4 bytes may be 128 KB of one letter, and no limit can be given for the output."""
_MEMBERS_FREE: Final = 1000
_MEMBER_BYTES: Final = 64
"""Bodies may be put together of several compressed ones, but beyond the first ones these must hold something."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of an inflated body, in bytes and as a ratio."""

    most_bytes: int = 64 * 1024 * 1024
    ratio: int | None = 100
    """To what came in; None: any."""
    ratio_floor_bytes: int = 1024 * 1024
    """Below this much output no ratio is judged: short texts of one letter compress well."""


class InflateError(ValueError):
    """The body is not what its Content-Encoding says, or it inflates beyond the limits."""


class InflatedTooLarge(InflateError):
    """The body inflates beyond the limits."""


class Inflater(Protocol):
    """The decoder of one body's content coding."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The inflated data in pieces of some 256 KB (zstd: 8 MB in the worst case). Raises InflateError."""
        ...

    def feed(self, data: bytes) -> bytes:
        """The inflated data at once. Raises InflateError."""
        ...

    def close(self) -> None:
        """Ends the body. Raises InflateError when the compressed data is cut off."""
        ...


class IdentityInflater:
    """The inflater of a body without a content coding."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield data

    def feed(self, data: bytes) -> bytes:
        return data

    def close(self) -> None:
        return None


class _Bounded:
    """An inflater that counts what went in and came out, and stops a bomb while it is still small."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._bytes_in = 0
        self._bytes_out = 0
        self._members = 0

    def pieces(self, data: bytes) -> Iterator[bytes]:
        raise NotImplementedError

    def feed(self, data: bytes) -> bytes:
        return b"".join(self.pieces(data))

    def _took(self, size: int) -> None:
        self._bytes_in += size

    def _gave(self, size: int) -> None:
        bounds = self._bounds
        self._bytes_out += size
        if self._bytes_out > bounds.most_bytes:
            raise InflatedTooLarge(f"the body inflates to more than {bounds.most_bytes / (1024 * 1024):g} MB")
        if bounds.ratio is None or self._bytes_out <= bounds.ratio_floor_bytes:
            return
        if self._bytes_out > bounds.ratio * self._bytes_in:
            raise InflatedTooLarge(f"the body inflates to more than {bounds.ratio} times its size")

    def _next_member(self) -> None:
        """Each costs time, and an empty one adds nothing to what is counted."""
        self._members += 1
        if self._members > _MEMBERS_FREE + self._bytes_out // _MEMBER_BYTES:
            raise InflateError("the body is put together of too many compressed ones")


class _Zlib(_Bounded):
    """gzip (several members too) and deflate, with or without its zlib header (RFC 9110 8.4.1.2)."""

    def __init__(self, bounds: Bounds, *, gzip: bool) -> None:
        super().__init__(bounds)
        self._gzip = gzip
        self._held = b""
        self._stream: zlib._Decompress | None = zlib.decompressobj(wbits=31) if gzip else None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self._took(len(data))
        if self._stream is None:
            data = self._held + data
            if len(data) < 2:
                self._held = data
                return
            has_header = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
            self._stream = zlib.decompressobj(wbits=15 if has_header else -15)
        try:
            full = False
            while data or full:
                if self._gzip and self._stream.eof:
                    self._next_member()
                    self._stream = zlib.decompressobj(wbits=31)
                piece = self._stream.decompress(data, _STEP_BYTES)
                full = len(piece) == _STEP_BYTES and not self._stream.eof  # then there may be more without more input
                self._gave(len(piece))
                if piece:
                    yield piece
                data = self._stream.unconsumed_tail
                if self._stream.eof:
                    data = self._stream.unused_data if self._gzip else b""
        except zlib.error as e:
            raise InflateError(f"the body is not valid compressed data: {e}") from e

    def close(self) -> None:
        if self._stream is None or not self._stream.eof:
            raise InflateError("the compressed body is cut off")


class _Brotli(_Bounded):
    def __init__(self, bounds: Bounds) -> None:
        super().__init__(bounds)
        self._stream = brotli.Decompressor()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self._took(len(data))
        try:
            piece = self._stream.process(data, output_buffer_limit=_STEP_BYTES)
            while True:
                self._gave(len(piece))
                if piece:
                    yield piece
                if self._stream.can_accept_more_data() and len(piece) < _STEP_BYTES:
                    return
                piece = self._stream.process(b"", output_buffer_limit=_STEP_BYTES)
        except brotli.error as e:
            raise InflateError(f"the body is not valid brotli: {e}") from e

    def close(self) -> None:
        if not self._stream.is_finished():
            raise InflateError("the compressed body is cut off")


class _Zstd(_Bounded):
    def __init__(self, bounds: Bounds) -> None:
        super().__init__(bounds)
        # The window bounds memory: 8 MB is what RFC 9659 asks of HTTP senders.
        self._new = zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024).decompressobj
        self._stream = self._new()
        self._begun = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        self._took(len(data))
        try:
            for at in range(0, len(data), _ZSTD_STEP_BYTES):
                rest = data[at : at + _ZSTD_STEP_BYTES]
                while rest:
                    if self._stream.eof:
                        self._next_member()
                        self._stream = self._new()
                    piece = self._stream.decompress(rest)
                    self._begun = True
                    self._gave(len(piece))
                    if piece:
                        yield piece
                    rest = self._stream.unused_data
        except zstandard.ZstdError as e:
            raise InflateError(f"the body is not valid zstd: {e}") from e

    def close(self) -> None:
        if not self._begun or not self._stream.eof:
            raise InflateError("the compressed body is cut off")


_INFLATERS: Final[dict[str, Callable[[Bounds], Inflater]]] = {
    "gzip": lambda bounds: _Zlib(bounds, gzip=True),
    "deflate": lambda bounds: _Zlib(bounds, gzip=False),
    "br": _Brotli,
    "zstd": _Zstd,
}
CODINGS: Final = tuple(_INFLATERS)
_OTHERS: Final[dict[str, Callable[[Bounds], Inflater]]] = {
    "": lambda bounds: IdentityInflater(),
    "identity": lambda bounds: IdentityInflater(),
    "x-gzip": _INFLATERS["gzip"],
}
_ANSWERS: Final = Bounds()


def inflater(content_encoding: str, bounds: Bounds = _ANSWERS) -> Inflater:
    """The inflater for a Content-Encoding header. Raises InflateError for one we do not know (or a chain of them)."""
    name = content_encoding.strip().lower()
    make = _INFLATERS.get(name) or _OTHERS.get(name)
    if make is None:
        raise InflateError(f"the body has the unknown Content-Encoding {name[:40]!r}")
    return make(bounds)
