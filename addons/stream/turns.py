"""What a peer sends, a little at a time: who sends a lot, or many small things, lets others have their turn between."""

import asyncio
from typing import Final

from mitmproxy.connection import Connection
from mitmproxy.proxy.server import ConnectionHandler

TURN_BYTES: Final = 16 * 1024
"""What is read of a connection at once. However it is made up, to handle it takes some ten milliseconds."""


class TurnReader:
    """Reads for a connection. asyncio's own reader gives at once what has come already, so that nobody else has a turn
    while a flood is read."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def read(self, n: int = -1) -> bytes:
        """At most TURN_BYTES; b"" at the end of the connection."""
        if self._reader._buffer:  # type: ignore[attr-defined]
            await asyncio.sleep(0)
        return await self._reader.read(TURN_BYTES if n < 0 else min(n, TURN_BYTES))


def take_turns(handler: ConnectionHandler) -> None:
    """Has the handler read all its connections so, the client's and the providers'."""
    plain = handler.handle_connection

    async def handle_connection(connection: Connection) -> None:
        found = handler.transports[connection]
        if isinstance(found.reader, asyncio.StreamReader):
            found.reader = TurnReader(found.reader)  # type: ignore[assignment]
        await plain(connection)

    handler.handle_connection = handle_connection  # type: ignore[method-assign]
