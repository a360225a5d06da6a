"""The chunked coding of a body (RFC 9112, 7.1), every part of it bounded, and what can be read of a body at a time.

h11 bounds neither a chunk's extension nor the trailers, and mitmproxy cannot pass trailers on: they are read past.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

import h11
from h11._readers import ContentLengthReader, Http10Reader

from addons.framing.lines import Bound, LineBuffer, TooLarge

CHUNK_LINE_BYTES: Final = 4096
"""For the line before a chunk: its size, and extensions, which nobody uses."""
TRAILERS: Final = Bound(16 * 1024, 100)
FRAMING_BYTES: Final = 64 * 1024
"""So much beside the sizes is always read in chunk lines; of a longer body it may make up one half."""
PIECES: Final = 32
"""Chunks of one packet that are passed on as they were sent; the rest of it is one piece."""

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n\x00]*)?\r\n")
_TRAILER: Final = re.compile(rb"[!#-'*+.^_`|~0-9A-Za-z-]+:[^\x00-\x08\x0a-\x1f\x7f]*")


class ChunkedBodyReader:
    """A body reader as h11 has them: called with the buffer, it gives Data, EndOfMessage, or None: wait for more.

    Raises h11.ProtocolError, whose words repeat nothing that was sent.
    """

    __slots__ = (
        "_data_bytes",
        "_footer",
        "_framing_bytes",
        "_in_trailers",
        "_left",
        "_wants_fields",
        "ends_oddly",
    )

    def __init__(self, *, wants_fields: bool = False) -> None:
        """`wants_fields`: trailers that are none are a fault; else they are read past whatever they are."""
        self._wants_fields = wants_fields
        self.ends_oddly = False
        """Trailers were none."""
        self._left = 0
        self._footer = 0
        self._in_trailers = False
        self._data_bytes = 0
        self._framing_bytes = 0

    def __call__(self, buf: LineBuffer) -> h11.Data | h11.EndOfMessage | None:
        if self._in_trailers:
            return self._end(buf)
        if self._footer and not self._skip_footer(buf):
            return None
        if not self._left:
            line = self._line(buf)
            if line is None:
                return None
            self._left = self._size(line)
            if not self._left:
                self._in_trailers = True
                return self._end(buf)
        data = buf.maybe_extract_at_most(self._left)
        if data is None:
            return None
        self._left -= len(data)
        self._data_bytes += len(data)
        if not self._left:
            self._footer = 2
        return h11.Data(data=bytes(data))

    def whole_chunks(self, buf: LineBuffer) -> list[bytes]:
        """The data of the chunks that stand whole at the start of `buf`: the usual case, in one go.

        What is anything else (the rest of a chunk, its end, a fault) is left to the call.
        """
        pieces: list[bytes] = []
        if self._left or self._footer or self._in_trailers:
            return pieces
        data, at = buf.data, 0
        while found := _SIZE.match(data, at, at + CHUNK_LINE_BYTES):
            begin, size = found.end(), int(found[1], 16)
            end = begin + size
            framing = self._framing_bytes + begin - at - len(found[1]) - len("\r\n")
            if not size or data[end : end + 2] != b"\r\n" or framing > FRAMING_BYTES + self._data_bytes:
                break
            pieces.append(bytes(data[begin:end]))
            self._framing_bytes = framing
            self._data_bytes += size
            at = end + 2
        if at:
            buf.drop(at)
        return pieces

    def read_eof(self) -> NoReturn:
        raise h11.RemoteProtocolError("peer closed connection without sending complete message body (chunked)")

    def _skip_footer(self, buf: LineBuffer) -> bool:
        """The line end behind a chunk's data; False while it has not come."""
        found = buf.maybe_extract_at_most(self._footer)
        if found is None:
            return False
        if found != b"\r\n"[-self._footer :][: len(found)]:
            raise h11.RemoteProtocolError("a chunk is longer than its size says")
        self._footer -= len(found)
        return not self._footer

    @staticmethod
    def _line(buf: LineBuffer) -> bytes | None:
        try:
            return buf.take_line(CHUNK_LINE_BYTES)
        except TooLarge as e:
            raise h11.RemoteProtocolError(f"the line of a chunk is {e}") from None

    def _size(self, line: bytes) -> int:
        found = _SIZE.match(line)  # (a line ends at its first line end, so nothing is left behind)
        if found is None:
            raise h11.RemoteProtocolError("the line of a chunk is malformed")
        self._framing_bytes += len(line) - len(found[1]) - len("\r\n")  # some sites send chunks of one byte
        if self._framing_bytes > FRAMING_BYTES + self._data_bytes:
            raise h11.RemoteProtocolError("the body is more framing than content")
        return int(found[1], 16)

    def _end(self, buf: LineBuffer) -> h11.EndOfMessage | None:
        try:
            lines = buf.take_lines(TRAILERS)
        except TooLarge as e:
            raise h11.RemoteProtocolError(f"the trailers are {e}") from None
        if lines is None:
            return None
        self.ends_oddly = not all(map(_TRAILER.fullmatch, lines))
        if self._wants_fields and self.ends_oddly:
            raise h11.RemoteProtocolError("the trailers are malformed")
        return h11.EndOfMessage()


type BodyReader = Callable[[LineBuffer], h11.Data | h11.EndOfMessage | None]


@dataclass(frozen=True, slots=True)
class Read:
    """The result of one read of a body: its pieces, whether it ended; a `fault` stands behind the pieces."""

    pieces: list[bytes]
    ended: bool = False
    fault: str = ""


type FramedReader = ChunkedBodyReader | ContentLengthReader | Http10Reader


def reader_of(size: int | None, *, wants_fields: bool = False) -> FramedReader:
    """The h11 reader of a body, by mitmproxy's `expected_http_body_size`: None for chunks, -1 for all until the end."""
    if size is None:
        return ChunkedBodyReader(wants_fields=wants_fields)
    return Http10Reader() if size < 0 else ContentLengthReader(size)


def read_on(reader: BodyReader, buf: LineBuffer) -> Read:
    """All of a body that `buf` holds, in a few pieces: a flood of tiny chunks must not cost an event each."""
    pieces = reader.whole_chunks(buf) if isinstance(reader, ChunkedBodyReader) else []
    if pieces and not buf:
        return Read(_few(pieces))
    while True:
        try:
            found = reader(buf)
        except h11.ProtocolError as e:
            return Read(_few(pieces), fault=str(e))
        if isinstance(found, h11.Data):
            pieces.append(bytes(found.data))
        else:
            return Read(_few(pieces), ended=found is not None)


def _few(pieces: list[bytes]) -> list[bytes]:
    return [*pieces[:PIECES], b"".join(pieces[PIECES:])] if len(pieces) > PIECES else pieces
