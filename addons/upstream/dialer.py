"""Makes connections to providers: asyncio for the bytes, mitmproxy's own layers for TLS and for the tunnel of a proxy.

So every option of mitmproxy's about TLS to a server holds, every hook of a server's connection is called, and the
flow's server connection says what is so (address, certificate, cipher), as with mitmproxy's own. A connection in the
clear without a proxy has no layer at all.
"""

import asyncio
import errno
import logging
import os
import select
import time
from collections.abc import Callable, Coroutine
from typing import Final, cast

from mitmproxy import flow
from mitmproxy.connection import Client, ConnectionState, Server
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.layers.tls import TlsStartServerHook
from mitmproxy.proxy.server_hooks import (
    ServerConnectedHook,
    ServerConnectErrorHook,
    ServerConnectHook,
    ServerConnectionHookData,
    ServerDisconnectedHook,
)
from mitmproxy.utils import human
from OpenSSL import SSL

from addons.tasks import Background
from addons.upstream.layers import PlainWrite, layers_of
from addons.upstream.port import OUT_OF_FILES, Cancel, Receiver, Target
from addons.upstream.tls_records import TlsRecords
from addons.upstream.tls_sessions import TlsSessions

log = logging.getLogger("mitmproxy.proxy.server")

READ_BYTES: Final = 16 * 1024
"""What is read of a connection before others have their turn. However it is made up, it is handled in some 10 ms."""
HANDSHAKE_BYTES: Final = 256 * 1024
"""What TLS and the tunnel of a proxy may take until the connection stands."""
REST_BYTES: Final = 64 * 1024
"""What is read of a connection that broke while something was written."""

_NO_FILES: Final = frozenset({errno.EMFILE, errno.ENFILE})

CONNECTION_OPTIONS: Final = frozenset(
    {
        "ciphers_server",
        "client_certs",
        "connect_addr",
        "ssl_insecure",
        "ssl_verify_upstream_trusted_ca",
        "ssl_verify_upstream_trusted_confdir",
        "tls_ecdh_curve_server",
        "tls_version_server_max",
        "tls_version_server_min",
        "upstream_auth",
    }
)
"""mitmproxy's options that say how a connection is made."""

type RunHook = Callable[[commands.StartHook], Coroutine[object, object, None]]


async def run_hook(master: Master, hook: commands.StartHook) -> None:
    """Calls the addons, and waits while a person holds the flow."""
    await master.addons.handle_lifecycle(hook)
    (data,) = hook.args()
    if isinstance(data, flow.Flow) and data.intercepted:
        await data.wait_for_resume()


class Dialer:
    """The Connect of a process. `run_hook` calls the addons of a hook and waits for them."""

    def __init__(self, options: Options, run_hook: RunHook) -> None:
        self.options = options
        self.run_hook = run_hook
        self.sessions = TlsSessions()
        self.tasks = Background()
        self.read_buffer = memoryview(bytearray(READ_BYTES))
        """All connections read into this one, and what came is copied before another reads."""

    def __call__(self, target: Target, client: Client, receiver: Receiver) -> Cancel:
        link = DialedLink(self, target, client, receiver)
        link.begin()
        return link.close


class DialedLink(asyncio.BufferedProtocol):
    """One connection: made, then a Link of plain bytes. What layers it needs stand between the socket and it."""

    __slots__ = (
        "_client",
        "_dialer",
        "_events",
        "_generation",
        "_handshake_left",
        "_is_feeding",
        "_is_hooked",
        "_is_open",
        "_is_over",
        "_knows_session",
        "_layers",
        "_opening",
        "_receiver",
        "_records",
        "_socket_server",
        "_target",
        "_tls",
        "_transport",
        "server",
    )

    def __init__(self, dialer: Dialer, target: Target, client: Client, receiver: Receiver) -> None:
        self._dialer = dialer
        self._target = target
        self._client = client
        self._receiver = receiver
        self.server = Server(address=(target.address or target.host, target.port))
        self._layers = (
            layers_of(target, client, self.server, dialer.options, self) if target.tls or target.via else None
        )
        """The outermost of the layers; a connection in the clear without a proxy needs none."""
        self._socket_server = self.server
        """The server of the TCP connection: the provider, or the proxy before it."""
        self._transport: asyncio.Transport | None = None
        self._opening: asyncio.Task[None] | None = None
        self._tls: SSL.Connection | None = None
        self._generation = dialer.sessions.generation
        self._records: TlsRecords | None = None
        """From the first TLS on."""
        self._knows_session = False
        self._handshake_left = HANDSHAKE_BYTES
        self._is_hooked = False
        """mitmproxy's addons know of the connection."""
        self._is_open = False
        self._is_over = False
        """Nothing more is told."""
        self._events: list[events.Event] = []
        self._is_feeding = False

    # -- making it ------------------------------------------------------------------------------------------------
    def begin(self) -> None:
        if self._layers is None:
            self._spawn(self._open_plain())
        else:
            self._feed(events.Start())

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        self._opening = asyncio.create_task(self._guarded(work))
        self._dialer.tasks.watch(self._opening)

    async def _guarded(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception:
            self._fail()

    def _fail(self) -> None:
        """To be called while a fault of ours, or of somebody's addon, is handled."""
        log.exception("a connection to a provider failed")
        self._events.clear()
        if self._is_open:
            self.ended()
        else:
            self.established("the gateway failed; its log says why")

    async def _open_plain(self) -> None:
        self.established(await self._open_socket(self.server))

    async def _open_for(self, command: commands.OpenConnection) -> None:
        self._socket_server = command.connection
        why = await self._open_socket(self._socket_server)
        self._feed(events.OpenConnectionCompleted(command, why))

    async def _open_socket(self, server: Server) -> str | None:
        """Opens the TCP connection, with mitmproxy's hooks around. Gives why it cannot be."""
        data = ServerConnectionHookData(server=server, client=self._client)
        await self._dialer.run_hook(ServerConnectHook(data))
        if killed := server.error:
            self._log(f"server connection to {_address(server)} killed before connect: {killed}")
            await self._dialer.run_hook(ServerConnectErrorHook(data))
            return f"Connection killed: {killed}"
        assert server.address
        try:
            server.timestamp_start = time.time()
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: self, *server.address, local_addr=server.sockname)
        except (OSError, UnicodeError, asyncio.CancelledError) as e:
            why = OUT_OF_FILES if _is_out_of_files(e) else str(e) or "connection cancelled"
            self._log(f"error establishing server connection: {why}")
            server.error = why
            await self._dialer.run_hook(ServerConnectErrorHook(data))
            return why
        server.timestamp_tcp_setup = time.time()
        self._log(f"server connect {_address(server)}")
        self._is_hooked = True
        await self._dialer.run_hook(ServerConnectedHook(data))
        self.resume()
        return None

    def established(self, why_not: str | None) -> None:
        """The connection stands, with all its layers, or cannot be."""
        self._opening = None
        if self._is_over:
            self._abort()
        elif why_not is None:
            self._is_open = True
            self._receiver.opened(self)
        else:
            self._is_over = True
            self._abort()
            asyncio.get_running_loop().call_soon(self._receiver.failed, why_not)

    # -- a Link ---------------------------------------------------------------------------------------------------
    def write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._layers is None:
            self._transport.write(data)
        else:
            self._feed(PlainWrite(data))

    def unsent(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def has_unread(self) -> bool:
        if self._transport is None or self._transport.is_closing():
            return True
        if self._records is not None and not self._records.are_whole:
            return True
        looking = select.poll()
        looking.register(self._transport.get_extra_info("socket"), select.POLLIN)
        return bool(looking.poll(0))

    def pause(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        self._is_over = True
        if self._opening is not None:
            self._opening.cancel()
        self._abort()

    def _abort(self) -> None:
        self._remember_session()
        if self._transport is not None:
            self._transport.abort()

    # -- the socket -----------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        server = self._socket_server
        server.state = ConnectionState.OPEN
        server.peername = transport.get_extra_info("peername")
        server.sockname = transport.get_extra_info("sockname")
        self.pause()  # until its addons have looked at it: what is told before the connection stands would be lost
        if self._is_over:
            self._abort()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._dialer.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._received(bytes(self._dialer.read_buffer[:nbytes]))

    def _received(self, data: bytes) -> None:
        if self._layers is None:
            if not self._is_over:
                self._receiver.received(data)
        else:
            if not self._is_open:
                self._handshake_left -= len(data)
                if self._handshake_left < 0:
                    self.established("too much was sent before the connection stood")
                    return
            if self._records is not None:
                self._records.pass_by(data)
            self._feed(events.DataReceived(self._socket_server, data))

    def resume_writing(self) -> None:
        if self._is_open and not self._is_over:
            self._receiver.taken()

    def eof_received(self) -> bool:
        self._closed_by_provider()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._read_rest()
        self._closed_by_provider()
        server = self._socket_server
        self.server.state = server.state = ConnectionState.CLOSED
        self.server.timestamp_end = server.timestamp_end = time.time()
        if not self._is_hooked:
            return
        self._log(f"server disconnect {_address(server)}")
        data = ServerConnectionHookData(server=server, client=self._client)
        self._dialer.tasks.spawn(self._dialer.run_hook(ServerDisconnectedHook(data)), "server_disconnected")

    def _read_rest(self) -> None:
        """Reads what had come before the connection broke: who wants no more of a body may answer and go, and writing
        on is what finds that out."""
        if self._transport is None or not self._is_open:
            return
        socket = self._transport.get_extra_info("socket")
        for _ in range(REST_BYTES // READ_BYTES):
            try:
                data = b"" if self._is_over else os.read(socket.fileno(), READ_BYTES)
            except OSError:
                return
            if not data:
                return
            self._received(data)

    def _closed_by_provider(self) -> None:
        self._remember_session()
        if self._layers is not None:
            self._socket_server.state &= ~ConnectionState.CAN_READ
            self._feed(events.ConnectionClosed(self._socket_server))
        elif self._is_open:
            self.ended()

    # -- what the innermost layer tells -----------------------------------------------------------------------------
    def told(self, data: bytes) -> None:
        if not self._is_over:
            if not self._knows_session:
                self._remember_session()
                self._knows_session = True
            self._receiver.received(data)

    def ended(self) -> None:
        """No more comes."""
        if not self._is_over:
            self._is_over = True
            self._abort()
            self._receiver.closed()

    # -- layers ---------------------------------------------------------------------------------------------------
    def _feed(self, event: events.Event) -> None:
        """Events in, commands out; those that a command causes come afterwards."""
        self._events.append(event)
        if self._is_feeding:
            return
        self._is_feeding = True
        try:
            while self._events:
                assert self._layers is not None
                for command in self._layers.handle_event(self._events.pop(0)):
                    self._do(command)
        except Exception:
            self._is_feeding = False
            self._fail()
        finally:
            self._is_feeding = False

    def _do(self, command: commands.Command) -> None:
        if isinstance(command, commands.SendData):
            if self._transport is not None and not self._transport.is_closing():
                self._transport.write(command.data)
        elif isinstance(command, commands.OpenConnection):
            self._spawn(self._open_for(command))
        elif isinstance(command, commands.StartHook):
            self._spawn(self._run_hook(command))
        elif isinstance(command, commands.CloseConnection):
            if self._transport is not None:
                self._transport.abort()
        elif isinstance(command, commands.Log):
            self._log(command.message, command.level)
        else:
            raise RuntimeError(f"a layer of a provider's connection wants {command}")

    async def _run_hook(self, command: commands.StartHook) -> None:
        await self._dialer.run_hook(command)
        if isinstance(command, TlsStartServerHook) and self._records is None:
            self._records = TlsRecords()  # nothing was sent so far, so none has come
        if isinstance(command, TlsStartServerHook) and command.data.conn is self.server:
            self._tls = command.data.ssl_conn
            if self._tls is not None:
                self._dialer.sessions.resume(self._target, self._tls)
        if command.blocking:
            self._feed(events.HookCompleted(command))

    def _remember_session(self) -> None:
        if self._tls is not None and self._is_open:
            self._dialer.sessions.remember(self._target, self._tls, self._generation)

    def _log(self, message: str, level: int = logging.INFO) -> None:
        log.log(level, message, extra={"client": self._client.peername})


def _is_out_of_files(error: BaseException) -> bool:
    """Whether it lies at this process; that is tried, since the look-up of a name tells of the name alone."""
    if not isinstance(error, OSError) or isinstance(error, ConnectionError | TimeoutError):
        return False
    if error.errno in _NO_FILES:
        return True
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as e:
        return e.errno in _NO_FILES
    return False


def _address(server: Server) -> str:
    """As mitmproxy's log has it: the name, and the address it was found at."""
    named = human.format_address(server.address)
    if server.peername and server.address and server.address[0] != server.peername[0]:
        return f"{named} ({human.format_address(server.peername)})"
    return named
