"""The rest of a request's body, which is handed over while it goes out to a provider; without I/O.

The request's own content is the beginning of the body and goes out behind its head. How the body is framed, the head
says: by its length (RFC 9112, 6.2), or in chunks (7.1).
"""

from typing import Final, Protocol

FULL_BYTES: Final = 64 * 1024
"""More than that waits for the provider: nothing is to be handed over until `Taken` is told. asyncio's own mark."""
_LAST_CHUNK: Final = b"0\r\n\r\n"


class Outlet(Protocol):
    """What of a Link an upload needs."""

    def write(self, data: bytes) -> None: ...

    def unsent(self) -> int:
        """Bytes that wait until the provider reads."""
        ...


class Upload:
    """The body of one request that goes on. `chunked` as the request's head says."""

    __slots__ = ("_chunked", "_ended", "_held", "_held_bytes", "_outlet", "handed_bytes", "is_spent")

    def __init__(self, *, chunked: bool) -> None:
        self._chunked = chunked
        self._outlet: Outlet | None = None
        self._held: list[bytes] = []
        """Framed, until there is a connection; while it is not spent, another connection can have it."""
        self._held_bytes = 0
        self._ended = False
        self.handed_bytes = 0
        """Of the body, behind its beginning."""
        self.is_spent = False
        """Something of it went to a provider and is kept no more: the request cannot go out once more."""

    @property
    def has_ended(self) -> bool:
        """Whether the body is whole, and all of it was written."""
        return self._ended and self._outlet is not None

    @property
    def is_full(self) -> bool:
        """Whether the provider has to take something before more may be handed over."""
        return self.waiting_bytes > FULL_BYTES

    @property
    def waiting_bytes(self) -> int:
        """What was handed over and is not sent."""
        return self._held_bytes + (self._outlet.unsent() if self._outlet is not None else 0)

    def write(self, data: bytes) -> None:
        """Hands over more of the body."""
        if data and not self._ended:  # (an empty chunk would be its end)
            self.handed_bytes += len(data)
            self._out(self._framed(data))

    def end(self) -> None:
        """The body is whole."""
        if not self._ended:
            self._ended = True
            if self._chunked:
                self._out(_LAST_CHUNK)

    # -- for the connection ---------------------------------------------------------------------------------------
    def beginning(self, data: bytes) -> bytes:
        """The beginning of the body as it goes out behind the head."""
        return self._framed(data) if data else b""

    def opens(self, outlet: Outlet) -> None:
        """Head and beginning were written to `outlet`, and what was held is now."""
        self._outlet = outlet
        held, self._held, self._held_bytes = self._held, [], 0
        for piece in held:
            self._out(piece)

    def closes(self) -> None:
        """There is no connection (any more)."""
        self._outlet = None

    def _framed(self, data: bytes) -> bytes:
        return b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data

    def _out(self, framed: bytes) -> None:
        if self._outlet is not None:
            self.is_spent = True
            self._outlet.write(framed)
        elif not self.is_spent:  # (else nobody can have it any more)
            self._held.append(framed)
            self._held_bytes += len(framed)
