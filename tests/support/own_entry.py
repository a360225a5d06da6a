"""A client's connection of the own driver on a transport that is no socket: what tests give it, and what it writes."""

import asyncio
import socket
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final, cast

from mitmproxy.proxy import commands, events

from addons.driver.connection import READ_BYTES, OwnConnection, OwnHouse
from addons.driver.port import Accepted
from addons.layers.events import Tick
from addons.layers.own_client import OwnClient
from addons.stream.deps import Timed

HIGH_WATER: Final = 64 * 1024
"""When more waits for the client, asyncio calls `pause_writing`; `resume_writing` at a quarter of it."""
_END: Final = b""


class FakeTransport(asyncio.Transport):
    """Behaves as asyncio's of a socket does: reads a piece in a turn of the loop, none while it is paused.

    `wrote` is told of bytes that went out, `ended` of the end of our side: whether it was that side alone.
    """

    def __init__(
        self,
        protocol: asyncio.BufferedProtocol,
        peer: object,
        wrote: Callable[[bytes], None] = lambda data: None,
        ended: Callable[[bool], None] = lambda half: None,
    ) -> None:
        super().__init__()
        self._protocol: Any = protocol
        self._loop = asyncio.get_running_loop()
        self._names = {"peername": peer, "sockname": ("127.0.0.1", 8080)}
        self._wrote, self._ended = wrote, ended
        self._coming: deque[bytes] = deque()
        """What the client has sent and nobody has read, b"" at its end."""
        self._is_due = False
        self._is_reading = True
        self._is_writing = True
        self.unsent = b""
        self.reads = True
        """Whether the client reads."""
        self.is_over = False
        self.is_half_closed = False
        self.was_aborted = False
        self._has_left = False
        self._other: socket.socket | None = None

    # -- the client -----------------------------------------------------------------------------------------------
    def sends(self, data: bytes) -> None:
        for at in range(0, len(data), READ_BYTES):
            self._coming.append(data[at : at + READ_BYTES])
        self._come()

    def leaves(self) -> None:
        """The client ends its side; whoever closes a socket says no more either."""
        if not self._has_left:
            self._has_left = True
            if self._other is not None:
                self._other.close()
            self._coming.append(_END)
            self._come()

    def breaks(self) -> None:
        """The connection is reset."""
        self._lose(ConnectionResetError("reset"))

    def catches_up(self) -> None:
        """The client reads all that waits for it, and from now on at once."""
        self.reads = True
        data, self.unsent = self.unsent, b""
        if data:
            self._wrote(data)
        if not self._is_writing:
            self._is_writing = True
            self._protocol.resume_writing()
        if self.is_closing():
            self._lose(None)

    def _come(self) -> None:
        if not self._is_due and self._is_reading and self._coming and not self.is_over:
            self._is_due = True
            self._loop.call_soon(self._read)

    def _read(self) -> None:
        self._is_due = False
        if not self._is_reading or self.is_over or not self._coming:
            return
        data = self._coming.popleft()
        if data:
            self._protocol.get_buffer(-1)[: len(data)] = data
            self._protocol.buffer_updated(len(data))
        else:
            self._is_reading = False
            if not self._protocol.eof_received():
                self.close()
        self._come()

    # -- as asyncio has it ----------------------------------------------------------------------------------------
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "socket" and self._other is None:
            own, self._other = socket.socketpair()
            for one in (own, self._other):
                weakref.finalize(self, one.close)
            self._names[name] = own
            if self._has_left:
                self._other.close()
        return self._names.get(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        found: asyncio.BaseProtocol = self._protocol
        return found

    def is_reading(self) -> bool:
        return self._is_reading and not self.is_closing()

    def pause_reading(self) -> None:
        self._is_reading = False

    def resume_reading(self) -> None:
        if not self.is_closing():
            self._is_reading = True
            self._come()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.is_over:
            return
        if self.reads:
            self._wrote(bytes(data))
            return
        self.unsent += bytes(data)
        if self._is_writing and len(self.unsent) > HIGH_WATER:
            self._is_writing = False
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return len(self.unsent)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self.is_half_closed and not self.is_over:
            self.is_half_closed = True
            self._ended(True)

    _closes = False

    def is_closing(self) -> bool:
        return self._closes

    def close(self) -> None:
        if not self._closes:
            self._closes = True
            if not self.unsent:
                self._lose(None)

    def abort(self) -> None:
        self.was_aborted = self.was_aborted or not self.is_over
        self.unsent = b""
        self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        self._closes = True
        self._is_reading = False
        if not self.is_over:
            self.is_over = True
            self._ended(False)
            self._loop.call_soon(self._lost, error)

    def _lost(self, error: Exception | None) -> None:
        protocol, self._protocol = self._protocol, None
        protocol.connection_lost(error)


class OwnEntry(OwnClient):
    """An own connection in the place of mitmproxy's layers: takes their events, and what it does are their commands."""

    def __init__(self, drive: Any, house: OwnHouse) -> None:
        self.drive = drive
        self.is_listed = False
        """As mitmproxy's list has it."""
        self._held: dict[commands.Command, asyncio.Future[None]] = {}
        instance: Any = SimpleNamespace(mode=drive.client.proxy_mode, manager=SimpleNamespace(connections=self))
        accepted = Accepted(instance, cast(Any, drive.client.peername), lambda: None)
        self.connection = OwnConnection(replace(house, run_hook=self._run_hook), accepted)
        self.transport = FakeTransport(self.connection, accepted.peer, self._wrote, self._ended)

    def begin(self) -> None:
        self.connection.connection_made(self.transport)

    def handle_event(self, event: events.Event) -> tuple[()]:
        if isinstance(event, events.DataReceived):
            self.transport.sends(event.data)
        elif isinstance(event, events.ConnectionClosed):
            self.transport.leaves()
        elif isinstance(event, events.HookCompleted):
            self._held.pop(event.command).set_result(None)
        elif isinstance(event, Tick):
            self.connection.tick(event.watched)
        return ()

    async def _run_hook(self, hook: commands.StartHook) -> None:
        if await self.drive.hooked(hook):
            held = self._held[hook] = asyncio.get_running_loop().create_future()
            await held

    # -- as it stands in the list of handlers -----------------------------------------------------------------------
    def tick(self, watched: Timed) -> None:
        self.connection.tick(watched)

    def abort(self) -> None:
        self.connection.abort()

    def __getattr__(self, name: str) -> Any:
        """For its calls to providers it is the client's end."""
        return getattr(self.drive, name)

    # -- as that list -----------------------------------------------------------------------------------------------
    def __setitem__(self, client_id: str, own: OwnConnection) -> None:
        self.is_listed = True
        self.client = self.drive.client = own.client
        self.drive.register(self)

    def pop(self, client_id: str, default: None) -> None:
        """A visit stays in the list, as one over layers does."""
        self.is_listed = False

    # -- what the transport does ----------------------------------------------------------------------------------
    def _wrote(self, data: bytes) -> None:
        self.drive._do(commands.SendData(self.drive.client, data))

    def _ended(self, half: bool) -> None:
        kind = commands.CloseTcpConnection if half else commands.CloseConnection
        self.drive._do(kind(self.drive.client, *([True] if half else [])))
