"""A client's connection in the clear, served by asyncio alone: HTTP/1 (client_http1.py), one machine a request, hooks.

mitmproxy's layers do the same for TLS and HTTP/2; what both have in common is without I/O. Here bytes are moved and
hooks run, and nothing is decided. A connection that begins with TLS is handed on to mitmproxy with what has come.

All bytes that one read of a socket causes to be written go out in one piece. A hook that needs no wait runs at once,
within the read that caused it: most requests never leave that.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import Flag, auto
from typing import Final, cast

from mitmproxy.connection import ConnectionState, Server
from mitmproxy.options import Options
from mitmproxy.proxy.commands import StartHook
from mitmproxy.proxy.mode_specs import ReverseMode

from addons.driver.client_life import SERVER_LOG, ClientLife, LifeDeps
from addons.driver.port import Accepted
from addons.driver.request import OwnRequest
from addons.layers.connections import has_left
from addons.layers.handed_off import begins_with_tls
from addons.layers.own_client import OwnClient
from addons.stream.client_events import Head
from addons.stream.client_http1 import ClientHttp1
from addons.stream.connection_end import Closing
from addons.stream.deps import StreamDeps, Timed
from addons.stream.inactivity import Inactivity
from addons.stream.machine_events import TICKED, MachineEvent

log = logging.getLogger("glassgate")

READ_BYTES: Final = 16 * 1024
"""What is read of a connection before others have their turn. However it is made up, it is handled in some 10 ms."""

type RunHook = Callable[[StartHook], Coroutine[object, object, None]]


@dataclass(frozen=True, slots=True)
class OwnHouse:
    """What the own connections of a process share. Called with an accepted one, it makes its protocol."""

    deps: Callable[[], StreamDeps]
    """As a connection that is made now is to have them."""
    run_hook: RunHook
    life: LifeDeps
    options: Options
    read_buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(READ_BYTES)))
    """All connections read into this one, and what came is copied before another reads."""

    def __call__(self, accepted: Accepted) -> "OwnConnection":
        return OwnConnection(self, accepted)


class Held(Flag):
    """Why a client is not read."""

    BY_BODY = auto()
    """Nobody can take more of its request."""
    BY_ANSWER = auto()
    """It has not read what it was sent."""
    BY_TURN = auto()
    """It sent several requests at once, and others have their turn before the next one."""
    IN_ADVANCE = auto()
    """It sent a lot of its next request before the end of this one was noted."""


class OwnConnection(asyncio.BufferedProtocol, OwnClient):
    """One connection."""

    __slots__ = (
        "_choked",
        "_deps",
        "_first",
        "_held",
        "_house",
        "_idle",
        "_is_busy",
        "_is_half_closed",
        "_is_lost",
        "_life",
        "_loop",
        "_pending",
        "_request",
        "_transport",
        "client",
        "http",
        "server",
    )

    speaks_h2: Final = False

    def __init__(self, house: OwnHouse, accepted: Accepted) -> None:
        self._house = house
        self._life = ClientLife(house.life, accepted)
        self.server = Server(address=cast(ReverseMode, accepted.instance.mode).address)
        self._deps = house.deps()
        self._loop = asyncio.get_running_loop()
        self._request: OwnRequest | None = None
        self._pending: deque[tuple[OwnRequest, MachineEvent | None]] = deque()
        """What came while the connection was at work; without an event: its hook has run, or its turn has come."""
        self._is_busy = False
        self._first: bytes | None = b""
        """What has come, until it is known that it is no TLS."""
        self._held = Held(0)
        self._choked: OwnRequest | None = None
        """Whose provider is not read, until the client has read."""
        self._is_half_closed = self._is_lost = False

    # -- asyncio --------------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._life.begin(self._transport, self, self._opened)

    def _opened(self) -> None:
        """mitmproxy's addons know of the client, and let it in."""
        self.http = ClientHttp1(self._deps, self.client)
        self._idle = Inactivity(self.client.id, self._house.options.tcp_timeout, self._deps.clock)
        self._deps.deadlines.add(self._idle)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._house.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self._house.read_buffer[:nbytes])
        if self._first is not None:
            data = self._first + data
            tls = begins_with_tls(data)
            self._first = data if tls is None else None
            if tls is None:
                return
            if tls:
                self._deps.deadlines.discard(self._idle)
                self._life.hand_off(data)
                return
        self.http.receive(data)
        self._turn()
        if self.http.is_far_ahead:
            self._hold(Held.IN_ADVANCE)

    def eof_received(self) -> bool:
        self._ends(ConnectionState.CAN_WRITE)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._life.lost()
        if self._is_open:
            self._ends(ConnectionState.CLOSED)
            self._unchoke()
            self._deps.deadlines.discard(self._idle)
        self._life.end()

    @property
    def _is_open(self) -> bool:
        """The client was let in."""
        return hasattr(self, "http")

    def _ends(self, state: ConnectionState) -> None:
        """The client has ended its side; of the connection this is left."""
        self.client.state &= state
        if self._first:
            self.http.receive(self._first)
            self._first = None
        self.http.closed(is_gone=self._is_lost)
        self._turn()

    def pause_writing(self) -> None:
        """The client does not keep up: it holds its provider up, and is not heard until it has read."""
        self._hold(Held.BY_ANSWER)
        self._choke()

    def resume_writing(self) -> None:
        self._unchoke()
        self._go_on(Held.BY_ANSWER)
        if self._is_open:
            self._turn()

    def _choke(self) -> None:
        if self._request is not None and self._choked is None:
            self._choked = self._request
            self._choked.provider.hold()

    def _unchoke(self) -> None:
        choked, self._choked = self._choked, None
        if choked is not None:
            choked.provider.go_on()

    # -- events -----------------------------------------------------------------------------------------------------
    def tell(self, request: OwnRequest, event: MachineEvent) -> bool:
        """Hands the event to the request's machine, now or as soon as it can; False where the connection is gone."""
        if self._is_lost:
            return False
        self._pending.append((request, event))
        self._turn()
        return True

    def hook_ran(self, request: OwnRequest, task: asyncio.Task[None]) -> None:
        """A hook that took its time has run."""
        self._idle.hook_ended()
        if task.cancelled() or task.exception() is not None:
            error = None if task.cancelled() else task.exception()
            log.error("a hook failed; its connection is ended, the others go on", exc_info=error)
            self._fail()
            return
        self._pending.append((request, None))
        self._turn()

    def turn_came(self, request: OwnRequest) -> None:
        """All others have had a turn since the request gave way."""
        self._pending.append((request, None))
        self._turn()

    def tick(self, watched: Timed) -> None:
        """A deadline has been reached: of the request, of its head, or of a connection on which nothing happens."""
        if isinstance(watched, OwnRequest):
            self.tell(watched, TICKED)
        elif watched is self.http:
            self.http.tick(self.unsent())
            self._turn()
        elif watched is self._idle and self._idle.is_over:
            SERVER_LOG.info(
                "Closing connection due to inactivity: %s", self.client, extra={"client": self.client.peername}
            )
            self.abort()

    def _turn(self) -> None:
        """Does all that can be done now, then writes what came of it."""
        if self._is_busy:
            return
        self._is_busy = True
        self._idle.touched(self._deps.clock())
        try:
            self._work()
        except Exception:
            log.exception("a connection failed; it is ended, the others go on")
            self._fail()
        finally:
            self._is_busy = False
        self._write()

    def _work(self) -> None:
        while True:
            if self._pending:
                request, event = self._pending.popleft()
                if event is None:
                    request.hook_done()
                else:
                    request.feed(event)
            elif self._request is None and self._held:
                return  # what was sent in advance waits: else answers pile up that the client does not read
            elif (told := self.http.next_event()) is None:
                return
            else:
                if type(told) is Head:
                    self._request = OwnRequest(self, self._deps, self._loop)
                if self._request is not None:
                    self._request.feed(told)
            if self._request is not None and self._request.is_over:
                self._request = None
                self._unchoke()
                if not self.http.is_between_requests:
                    self._held &= ~Held.IN_ADVANCE
                    self._give_way()

    def _give_way(self) -> None:
        """One request a turn, however many came at once; meanwhile no more are read, so that few wait."""
        self._hold(Held.BY_TURN)
        self._loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._held &= ~Held.BY_TURN
        self._turn()
        self._read_on()

    def _fail(self) -> None:
        """Ends the connection, and what is under way on it."""
        self._transport.abort()
        self._pending.clear()
        request = self._request
        if request is None:
            return
        try:
            request.give_up()
        except Exception:
            log.exception("a request that failed could not be told of")
            request.give_up()
        if request.is_over:
            self._request = None
            self._unchoke()

    def _write(self) -> None:
        data = self.http.take_output()
        if data:
            self._transport.write(data)
        closing = self.http.closing
        if closing is Closing.ABORTED and not self._is_lost:
            self.stalled()
        if closing is Closing.OPEN or self._transport.is_closing():
            return
        if closing is Closing.CLOSED:
            self.client.state = ConnectionState.CLOSED
            self._transport.close()
            if self.unsent():
                self._life.closes()
        elif not self._is_half_closed:
            self._is_half_closed = True
            self.client.state &= ~ConnectionState.CAN_WRITE
            self._transport.write_eof()

    # -- what requests want -----------------------------------------------------------------------------------------
    def run_hook(self, hook: StartHook) -> Coroutine[object, object, None]:
        return self._house.run_hook(hook)

    def hook_waits(self) -> None:
        """A hook takes its time."""
        self._idle.hook_begun()

    def unsent(self) -> int:
        """Bytes that wait until the client reads."""
        return self._transport.get_write_buffer_size()

    def connection_waits(self) -> bool:
        return self.unsent() > 0

    def hold(self) -> None:
        """Reads nothing more of the client until `go_on`."""
        self._hold(Held.BY_BODY)

    def go_on(self) -> None:
        self._go_on(Held.BY_BODY)

    def _hold(self, by: "Held") -> None:
        self._held |= by
        self._transport.pause_reading()

    def _go_on(self, by: "Held") -> None:
        self._held &= ~by
        self._read_on()

    def _read_on(self) -> None:
        if not self._held:
            self._transport.resume_reading()

    def end_if_left(self) -> None:
        """Ends a held connection whose client has left."""
        if not self._transport.is_reading() and has_left(self._transport.get_extra_info("socket")):
            self.abort()

    def stalled(self) -> None:
        """The client stopped reading its answer."""
        log.info("a client stopped reading its answer; its connection was ended")
        self.abort()

    def abort(self) -> None:
        """Ends the connection at once; what waits is lost."""
        self._transport.abort()
