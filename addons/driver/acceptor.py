"""The acceptor of client connections, in the place of asyncio's, which spins when no file descriptor is left.

One at a time, while there is room; a connection that says nothing in time is ended, whatever it was to become. What
waits for a client when mitmproxy is done with its connection is still sent, as long as the client reads.
"""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.master import Master
from mitmproxy.proxy.mode_servers import AsyncioServerInstance

from addons.driver.internals import listening_sockets
from addons.driver.port import Accepted, OwnDriver, PlainHttpDriver
from addons.layers.gathering import GatheringWriter
from addons.stream.connection_limits import ConnectionLimiter, Peer
from addons.stream.deps import ClientLimits
from addons.stream.refusal import Refuse, turn_away

log = logging.getLogger("glassgate")

AT_ONCE: Final = 16
"""Connections accepted before others get their turn."""
WAITING: Final = 1024
"""Connections that may wait to be accepted. asyncio has 100: of more that come at once some would be reset."""
PAUSE_S: Final = 0.2
QUIET_S: Final = 10.0
"""At most one line in the log about a full house in so many seconds."""
LOOK_S: Final = 0.5
"""How often it is looked whether a client still reads whose connection is over but for what waits for it."""
_NO_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Acceptor:
    """Takes over mitmproxy's listeners. `silence_s` gives how many seconds a new connection may say nothing, `stall_s`
    how many a client may read nothing; what the `driver` does not take is served by mitmproxy's handlers."""

    def __init__(
        self,
        master: Master,
        limiter: ConnectionLimiter,
        silence_s: Callable[[], float],
        refuse: Refuse,
        driver: OwnDriver | None = None,
        stall_s: Callable[[], float] = lambda: ClientLimits().stall_s,
    ) -> None:
        self._master = master
        self._driver = driver or PlainHttpDriver()
        self.limiter = limiter
        self._silence_s = silence_s
        self._stall_s = stall_s
        self._refuse = refuse
        self._tasks: set[asyncio.Task[None]] = set()
        self._silence_timers: dict[Peer, asyncio.TimerHandle] = {}
        self._said_at = float("-inf")
        self._open: set[_AcceptedConnection] = set()

    # -- the stream layer's side (ConnectionTracker) -------------------------------------------------------------------
    def spoke(self, peer: Peer) -> None:
        """The connection has said something that has its own time limit."""
        if timer := self._silence_timers.pop(peer, None):
            timer.cancel()

    def busy(self, peer: Peer) -> None:
        self.limiter.busy(peer)

    def idle(self, peer: Peer) -> None:
        self.limiter.idle(peer)

    def client_address(self, peer: Peer, fields: Iterable[tuple[bytes, bytes]]) -> str:
        return self.limiter.rules.client_address(peer, fields)

    def is_one_client(self, host: str) -> bool:
        return self.limiter.rules.is_one_client(host)

    def unsent(self) -> int:
        """Bytes that wait until clients read them, of all connections."""
        return sum(connection.unsent() for connection in self._open)

    # -- listeners ------------------------------------------------------------------------------------------------
    def start(self) -> None:
        proxyserver = cast(Proxyserver | None, self._master.addons.get("proxyserver"))
        if proxyserver is not None:
            proxyserver.servers.changed.connect(self.take_over)
            self.take_over()

    def take_over(self) -> None:
        """Accepts for every listener that asyncio still accepts for."""
        proxyserver = cast(Proxyserver, self._master.addons.get("proxyserver"))
        for instance in proxyserver.servers:
            if not isinstance(instance, AsyncioServerInstance):
                continue
            for listener in listening_sockets(instance):
                listener.listen(WAITING)
                self._accept_from(listener, instance)

    def _accept_from(self, listener: socket.socket, instance: AsyncioServerInstance[Any]) -> None:
        loop = asyncio.get_running_loop()
        if listener.fileno() >= 0:
            loop.add_reader(listener.fileno(), self._accept, listener, instance)

    def _accept(self, listener: socket.socket, instance: AsyncioServerInstance[Any]) -> None:
        for _ in range(AT_ONCE):
            try:
                found, peer = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as e:
                if e.errno in _NO_FILES:
                    self._pause(listener, instance)
                return
            found.setblocking(False)
            if not self.limiter.make_room(peer):
                self._log_full()
                turn_away(found, self._refuse)
                continue
            connection = _AcceptedConnection(found, peer)
            self._open.add(connection)
            self.limiter.add(peer, connection.end, connection.has_unread)
            task = asyncio.ensure_future(self._serve(connection, instance))
            self._tasks.add(task)
            task.add_done_callback(self._done)
            if len(self.limiter) >= self.limiter.rules.most:
                return  # who was sent away must be gone before the next one comes

    def _pause(self, listener: socket.socket, instance: AsyncioServerInstance[Any]) -> None:
        """Accepts nothing for PAUSE_S: upstream connections took the last file descriptor; later one may be free."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener.fileno())
        loop.call_later(PAUSE_S, self._accept_from, listener, instance)
        self._log_full()

    def _log_full(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._said_at >= QUIET_S:
            self._said_at = now
            log.warning(
                "new connections are turned away: %d are open, and no more may be (limits.connections_per_address in "
                "config.yaml, or the process's limit of open files: ulimit -n)",
                len(self.limiter),
            )

    async def _serve(self, connection: "_AcceptedConnection", instance: AsyncioServerInstance[Any]) -> None:
        """Has the connection served. The own driver's goes on by itself, and says when it is over."""
        try:
            if not connection.is_over:
                if self._driver.takes(instance):
                    accepted = Accepted(instance, connection.peer, partial(self._over, connection))
                    await self._connect(connection, self._driver.protocol(accepted))
                    return
                await self._serve_by_handler(connection, instance)
        except BaseException:
            self._forget(connection)
            raise
        self._over(connection)

    async def _serve_by_handler(self, connection: "_AcceptedConnection", instance: AsyncioServerInstance[Any]) -> None:
        """Serves the connection by mitmproxy's handler, to its end."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport = await self._connect(connection, protocol)
        # mitmproxy's addons take it for granted that a client has an address; one that was reset at once has none.
        if not connection.is_over and transport.get_extra_info("peername") is not None:
            await instance.handle_stream(reader, GatheringWriter(transport, protocol, reader, loop))

    async def _connect(self, connection: "_AcceptedConnection", protocol: asyncio.BaseProtocol) -> asyncio.Transport:
        """Puts the protocol on the connection, which may be over by then."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection.socket)
        connection.transport = transport
        if connection.is_over:
            transport.abort()
        else:
            self._silence_timers[connection.peer] = loop.call_later(self._silence_s(), connection.end)
        return transport

    def _over(self, connection: "_AcceptedConnection") -> None:
        """Nobody serves the connection any more. More often than once it is no matter."""
        if connection.unsent():
            cast(asyncio.Transport, connection.transport).close()
            self._look_at_last(connection, connection.unsent(), asyncio.get_running_loop().time())
        else:
            self._forget(connection)

    def _look_at_last(self, connection: "_AcceptedConnection", before: int, since: float) -> None:
        """What waits for the client is sent, as long as it takes some of that. `since`: when less than `before` was to
        be sent, so much was left."""
        loop, left = asyncio.get_running_loop(), connection.unsent()
        if left < before:
            since = loop.time()
        if not left:
            self._forget(connection)
        elif loop.time() - since < self._stall_s():
            loop.call_later(LOOK_S, self._look_at_last, connection, left, since)
        else:
            log.info("a client stopped reading its answer; its connection was ended")
            self._forget(connection)

    def _forget(self, connection: "_AcceptedConnection") -> None:
        """The connection is gone, or goes: its place is free."""
        if not connection.is_forgotten:
            connection.is_forgotten = True
            self._open.discard(connection)
            self.spoke(connection.peer)
            self.limiter.remove(connection.peer)
            connection.end()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a client's connection failed", exc_info=error)


@dataclass(slots=True, eq=False)
class _AcceptedConnection:
    """One accepted connection."""

    socket: socket.socket
    peer: Peer
    transport: asyncio.Transport | None = None
    is_over: bool = False
    is_forgotten: bool = False
    """Its place is another's."""

    def unsent(self) -> int:
        """Bytes that wait until the client reads; none of a connection that is over."""
        return self.transport.get_write_buffer_size() if self.transport is not None and not self.is_over else 0

    def has_unread(self) -> bool:
        """Whether bytes of the client wait to be read."""
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except OSError:
            return False

    def end(self) -> None:
        """Ends the connection at once; what waits to be sent is lost."""
        self.is_over = True
        if self.transport is not None:
            self.transport.abort()
        else:
            self.socket.close()
