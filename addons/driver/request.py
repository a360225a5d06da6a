"""One client request on our own connection: its commands carried out, its hooks run. See own_connection.py."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Final, Protocol

from mitmproxy.proxy.commands import StartHook

from addons.stream.client_end import ClientSide
from addons.stream.client_http1 import ClientHttp1
from addons.stream.commands import (
    LEAVE,
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
from addons.stream.deps import StreamDeps
from addons.stream.machine import RequestMachine
from addons.stream.machine_events import WOKEN, FromProvider, MachineEvent
from addons.stream.provider_side import ProviderSide
from addons.stream.timed_request import TimedRequest

_MESSAGES: Final = {
    Why.BROKEN: "the answer breaks off",
    Why.KILLED: "killed",
    Why.NOT_READ: "the client does not read its answer",
}


class Connection(ClientSide, Protocol):
    """The connection of the request. It has no other meanwhile, and is the client as the machine has it."""

    http: ClientHttp1

    def tell(self, request: "OwnRequest", event: MachineEvent) -> bool:
        """Hands the event to the request's machine, now or as soon as it can; False where the connection is gone."""
        ...

    def run_hook(self, hook: StartHook) -> Coroutine[object, object, None]: ...

    def hook_waits(self) -> None:
        """A hook takes its time."""
        ...

    def hook_ran(self, request: "OwnRequest", task: asyncio.Task[None]) -> None:
        """A hook that took its time has run."""
        ...

    def turn_came(self, request: "OwnRequest") -> None:
        """Others have had their turn."""
        ...

    def hold(self) -> None:
        """Reads nothing more of the client until `go_on`."""
        ...

    def go_on(self) -> None: ...

    def end_if_left(self) -> None: ...

    def stalled(self) -> None:
        """The client stopped reading."""
        ...


class OwnRequest(TimedRequest):
    """One request."""

    __slots__ = ("_connection", "_deps", "_has_failed", "_loop", "client_id", "is_over", "machine", "provider")

    def __init__(self, connection: Connection, deps: StreamDeps, loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self._deps = deps
        self._loop = loop
        self.client_id = connection.client.id
        self.is_over = self._has_failed = False
        self.machine = RequestMachine(connection, deps, self._wake)  # with itself it would be tied to its machine
        self.provider = ProviderSide(deps.upstream, connection.client, self._tell)
        deps.deadlines.add(self)

    # -- from outside -----------------------------------------------------------------------------------------------
    def _wake(self) -> None:
        self._connection.tell(self, WOKEN)

    def _tell(self, event: FromProvider) -> bool:
        return self._connection.tell(self, event)

    # -- the machine ------------------------------------------------------------------------------------------------
    def feed(self, event: MachineEvent) -> None:
        self._do(self.machine.feed(event))

    def hook_done(self) -> None:
        """The hook has run that the machine waited for."""
        self.provider.go_on()
        self._do(self.machine.hook_done())

    def _do(self, wanted: Sequence[Command]) -> None:
        """Carries out commands, and those that follow from the last of them."""
        http = self._connection.http
        while wanted:
            following: Sequence[Command] = ()
            for command in wanted:
                kind = type(command)
                if kind is SendData:
                    http.send_data(command.data)  # type: ignore[union-attr]
                elif isinstance(command, StartHook):
                    following = self._run(command)
                elif isinstance(command, GiveWay):
                    self.provider.hold()
                    self._loop.call_soon(self._connection.turn_came, self)
                elif isinstance(command, Ask | Leave | Finish):
                    told = self.provider.carry_out(command)
                    if told is not None:
                        following = self.machine.feed(told)
                else:
                    self._do_one(command)
            wanted = following

    def _do_one(
        self, command: SendHead | SendData | SendEnd | BreakOff | Hold | ReadPast | LookIfLeft | Abort | Over
    ) -> None:
        connection = self._connection
        if isinstance(command, SendHead):
            connection.http.send_head(command.response)
        elif isinstance(command, SendEnd):
            connection.http.send_end()
        elif isinstance(command, Over):
            self._end()
        elif isinstance(command, BreakOff):
            connection.http.break_off(None, _MESSAGES[command.why])
        elif isinstance(command, Hold):
            (connection.hold if command.held else connection.go_on)()
        elif isinstance(command, ReadPast):
            connection.go_on()
        elif isinstance(command, LookIfLeft):
            connection.end_if_left()
        elif isinstance(command, Abort):
            connection.stalled()

    def _run(self, hook: StartHook) -> Sequence[Command]:
        """Runs a hook. What needs no wait is over at once; else the provider is not read meanwhile."""
        task = asyncio.Task(self._connection.run_hook(hook), loop=self._loop, eager_start=True)
        if task.done():
            task.result()
            return self.machine.hook_done()
        self.provider.hold()
        self._connection.hook_waits()
        task.add_done_callback(self._hook_ran)
        return ()

    def give_up(self) -> None:
        """Ends a request whose course failed; addons are told, and where that fails too, it just ends."""
        if not self._has_failed:
            self._has_failed = True
            self._do(self.machine.give_up())
            if self.machine.is_in_hook:
                return
        self.provider.carry_out(LEAVE)
        self._end()

    def _hook_ran(self, task: asyncio.Task[None]) -> None:
        self._connection.hook_ran(self, task)

    def _end(self) -> None:
        """The request is over; it goes with its last reference."""
        self.is_over = True
        self._deps.deadlines.discard(self)
        self.machine.let_go()
        self.provider.let_go()
