"""A request's machine as a stream of mitmproxy's HTTP layer: its events in, mitmproxy's commands out."""

from collections.abc import Iterable
from typing import cast

from mitmproxy.connection import Client, Server
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import DropStream, HttpLayer, HttpStream, SendHttp
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._http2 import Http2Server

from addons.layers.deps import LayerDeps
from addons.layers.events import Commands, RequestHeld, RequestRefused, Tick, ToStream, YieldControlHook
from addons.stream.client_events import END, Data, Head, Left, Refused
from addons.stream.commands import (
    Abort,
    Ask,
    BreakOff,
    Command,
    Finish,
    GiveWay,
    Hold,
    Leave,
    LookIfLeft,
    Over,
    ReadPast,
    SendData,
    SendEnd,
    SendHead,
    Why,
)
from addons.stream.machine import RequestMachine
from addons.stream.machine_events import TICKED, WOKEN, FromProvider, MachineEvent, Woken
from addons.stream.provider_side import ProviderSide
from addons.stream.timed_request import TimedRequest

_BROKEN_OFF = {
    Why.BROKEN: ("the answer breaks off", ErrorCode.GENERIC_SERVER_ERROR),
    Why.KILLED: ("killed", ErrorCode.KILL),
    Why.NOT_READ: ("the client does not read its answer", ErrorCode.CANCEL),
}


class GatewayStream(TimedRequest, HttpStream):
    """The layer of one client request. It never pauses: what waits for a hook waits in the machine."""

    def __init__(self, context: Context, stream_id: int, deps: LayerDeps) -> None:
        super().__init__(context, stream_id)
        self.client_state = self.server_state = _unused  # (its own would tie the stream to itself)
        self.deps = deps
        self.machine = RequestMachine(_LayerClient(self), deps, self._wake)
        self.provider = ProviderSide(deps.upstream, context.client, self._hand)
        deps.deadlines.add(self)

    @property
    def client_id(self) -> str:
        return self.context.client.id

    # -- from outside of the layers ---------------------------------------------------------------------------------
    def _wake(self) -> None:
        self._hand(WOKEN)

    def _hand(self, event: FromProvider | Woken) -> bool:
        return self.deps.transport.hand(self.client_id, ToStream(self, event, self.provider))

    # -- events in ------------------------------------------------------------------------------------------------
    def handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, ToStream):
            yield from self._do(self.machine.feed(event.event))
        elif isinstance(event, events.HookCompleted):
            self.provider.go_on()
            yield from self._do(self.machine.hook_done())
        elif (found := _event_of(event)) is not None:
            yield from self._do(self.machine.feed(found))

    # -- commands out -----------------------------------------------------------------------------------------------
    def _do(self, wanted: Iterable[Command]) -> Commands:
        for wish in wanted:
            command = YieldControlHook(self) if isinstance(wish, GiveWay) else wish
            if isinstance(command, commands.StartHook):
                self.provider.hold()  # what comes meanwhile would be kept
                command.blocking = self  # type: ignore[assignment]  # for this stream alone: it is told of its end
                yield command
            elif isinstance(command, Ask | Leave | Finish):
                told = self.provider.carry_out(command)
                if told is not None:
                    yield from self._do(self.machine.feed(told))
            elif isinstance(command, Over):
                self.deps.deadlines.discard(self)
                yield DropStream(self.stream_id)
            elif isinstance(command, Abort):
                self.deps.transport.abort(self.client_id)
            elif isinstance(command, ReadPast):
                self.deps.transport.go_on(self.client_id)
            elif isinstance(command, LookIfLeft):
                self.deps.transport.end_if_left(self.client_id)
            else:
                yield SendHttp(_for_client(self.stream_id, command), self.context.client)

    def let_go(self) -> None:
        """Unties the stream, which is over: it goes with its last reference then, and no collection has to find it."""
        self.machine.let_go()
        self.provider.let_go()
        self.context.layers.remove(self)


def _unused(event: events.Event) -> Commands:
    """The state of a stream whose machine has it."""
    yield from ()


def _event_of(event: events.Event) -> MachineEvent | None:
    """The machine's event of mitmproxy's; None for one that it need not know."""
    if isinstance(event, RequestData):
        return Data(event.data)
    if isinstance(event, RequestHeaders):
        return Head(event.request, event.end_stream)
    if isinstance(event, RequestEndOfMessage):
        return END
    if isinstance(event, Tick):
        return TICKED
    if isinstance(event, RequestRefused):
        return Refused(event.error)
    return Left(event.message) if isinstance(event, RequestProtocolError) else None


def _for_client(stream_id: int, command: SendHead | SendData | SendEnd | BreakOff | Hold) -> HttpEvent:
    if isinstance(command, SendData):
        return ResponseData(stream_id, command.data)
    if isinstance(command, SendHead):
        return ResponseHeaders(stream_id, command.response, end_stream=command.ends)
    if isinstance(command, SendEnd):
        return ResponseEndOfMessage(stream_id)
    if isinstance(command, Hold):
        return RequestHeld(stream_id, held=command.held)
    message, code = _BROKEN_OFF[command.why]
    return ResponseProtocolError(stream_id, message, code)


class _LayerClient:
    """The ClientSide of a stream."""

    def __init__(self, stream: GatewayStream) -> None:
        layers = stream.context.layers
        self._stream_id, self._transport = stream.stream_id, stream.deps.transport
        self._connections = cast(HttpLayer, layers[layers.index(stream) - 1]).connections
        self.client: Client = stream.context.client
        self.server: Server = stream.context.server
        self.speaks_h2 = self.client.alpn == b"h2"

    def connection_waits(self) -> bool:
        return self._transport.unsent(self.client.id) > 0

    def unsent(self) -> int:
        waiting = self._transport.unsent(self.client.id)
        if isinstance(server := self._connections.get(self.client), Http2Server):
            held = server.h2_conn.stream_buffers.get(self._stream_id, ())
            waiting += sum(len(piece.data) for piece in held)
        return waiting
