"""Reading a connection in bounded pieces, so that a peer that sends a lot lets others have their turn between."""

import asyncio
from typing import Final

from mitmproxy.connection import Connection
from mitmproxy.proxy.server import ConnectionHandler

READ_BYTES: Final = 16 * 1024
"""What is read of a connection at once. However it is made up, to handle it takes some ten milliseconds."""


class FairReader:
    """A StreamReader that yields to the event loop between reads; asyncio's own gives at once what has come already,
    so that nobody else has a turn while a flood is read."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._may_read = asyncio.Event()
        self._may_read.set()

    @property
    def is_held(self) -> bool:
        return not self._may_read.is_set()

    def hold(self) -> None:
        """Reads nothing more until `go_on`; then the peer can send no more than the buffers take. A read that waits
        already still gives what comes next. Meanwhile nobody hears that the peer has left."""
        self._may_read.clear()

    def go_on(self) -> None:
        self._may_read.set()

    async def read(self, n: int = -1) -> bytes:
        """At most READ_BYTES; b"" at the end of the connection."""
        if not self._may_read.is_set():
            await self._may_read.wait()
        if self._reader._buffer:  # type: ignore[attr-defined]
            await asyncio.sleep(0)
        return await self._reader.read(READ_BYTES if n < 0 else min(n, READ_BYTES))


def read_fairly(handler: ConnectionHandler) -> None:
    """Gives all connections of the handler, the client's and the providers', a FairReader."""
    plain = handler.handle_connection

    async def handle_connection(connection: Connection) -> None:
        found = handler.transports[connection]
        if isinstance(found.reader, asyncio.StreamReader):
            found.reader = FairReader(found.reader)  # type: ignore[assignment]
        await plain(connection)

    handler.handle_connection = handle_connection  # type: ignore[method-assign]
