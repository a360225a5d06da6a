"""A client's writer that sends what one turn of its connection's layers writes in one piece: one system call.

An answer's head and its body are two writes, and the end of a stream comes after a hook: each would be a packet of its
own, and to send one is the dearest thing that a piece of a stream needs.
"""

import asyncio
from typing import Final

from mitmproxy.connection import Connection
from mitmproxy.proxy import events
from mitmproxy.proxy.server import ConnectionHandler

TURNS: Final = 8
"""Events may follow each other without a pause; what was written waits for no more of them."""


class GatheringWriter(asyncio.StreamWriter):
    """A StreamWriter that holds what is written between `begin` and the `end` of the last turn that has begun."""

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        protocol: asyncio.BaseProtocol,
        reader: asyncio.StreamReader,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(transport, protocol, reader, loop)
        self._held: list[bytes | bytearray | memoryview] = []
        self._under_way = 0
        self._ended = 0
        """Turns, since something is held."""

    def begin(self) -> None:
        """A turn begins; the one before may still wait for something."""
        self._under_way += 1

    def end(self) -> None:
        self._under_way -= 1
        if self._held:
            self._ended += 1
            if not self._under_way or self._ended >= TURNS:
                self.flush()

    def flush(self) -> None:
        held, self._ended = self._held, 0
        if held:
            self._held = []
            super().write(held[0] if len(held) == 1 else b"".join(held))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._under_way:
            self._held.append(data)
        else:
            super().write(data)

    def write_eof(self) -> None:
        self.flush()
        super().write_eof()

    def close(self) -> None:
        self.flush()
        super().close()


def gather_writes(handler: ConnectionHandler, client: Connection) -> None:
    """Has what an event causes to be written to the client sent in one piece."""
    writer = handler.transports[client].writer
    if not isinstance(writer, GatheringWriter):
        return
    plain = handler.server_event

    async def server_event(event: events.Event) -> None:
        writer.begin()
        try:
            await plain(event)
        finally:
            writer.end()

    handler.server_event = server_event  # type: ignore[method-assign]
