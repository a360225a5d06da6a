"""Drives a request's machine by itself, as h11 is driven: events in, commands out; no layers, no sockets, own time."""

from collections.abc import Callable
from typing import Final

from mitmproxy import http
from mitmproxy.connection import Client, Server
from mitmproxy.proxy.commands import StartHook

from addons.dialects.registry import refusal
from addons.errors import GatewayError
from addons.stream.client_events import END, Data, Head, Left
from addons.stream.commands import Ask, BreakOff, Command, Finish, GiveWay, Hold, Leave, SendData, SendHead
from addons.stream.deps import AttemptFailedHook, ClientLimits, StreamDeps
from addons.stream.machine import RequestMachine
from addons.stream.machine_events import TICKED, FromProvider, MachineEvent
from addons.stream.port import Fault
from addons.upstream.events import Answered, Body, Broken, Connected, Ended, NoConnection, UpstreamEvent
from addons.upstream.upload import Upload
from tests.support.drive import FakeAttempt, FakePort, WatchSet
from tests.support.machine_rules import Rules

MADE: Final = b"body"
"""What the plan makes of the beginning of a request's body."""
BODY_LIMIT: Final = 1000
SLOWLY: Final = b"~"


class PiecewiseAttempt(FakeAttempt):
    """Reads what stands between `~` in a piece one by one. `[LOST]` ends a stream whose rest its site may have."""

    lost = False
    rest = b""
    """What `more` gives, once."""

    def __init__(self, **timers: float) -> None:
        super().__init__(9000, **timers)
        self.read: list[bytes] = []
        """All that was read."""
        self.has_secrets = True

    def wire_request(self, request: http.Request) -> http.Request | None:  # type: ignore[override]
        if not self.has_secrets:
            self.fault(Fault.INTERNAL, "no secrets")
            return None
        return super().wire_request(request)

    def data(self, chunk: bytes) -> bytes:
        first, *self.later = chunk.split(SLOWLY)
        return self._read(first)

    def read_on(self) -> bytes:
        return self._read(self.later.pop(0))

    def _read(self, piece: bytes) -> bytes:
        self.read.append(piece)
        self.lost = self.lost or b"[LOST]" in piece
        out = super().data(piece)
        if self.lost and b"[LOST]" in piece:
            self.fault(Fault.CLOSED, "lost")
        return out

    def is_lost(self, fault: Fault, detail: str, wake: Callable[[], object]) -> bool:
        if not self.lost:
            return False
        self.state, self.lost = type(self.state).OPEN, False
        return True

    def more(self) -> bytes:
        rest, self.rest = self.rest, b""
        return self.data(rest) if rest else b""


class Enough:
    """Reads a body: enough is all up to the first `|`; it is to be read whole where `!` comes first. What has `?` in
    it must not go on, nor is it whole."""

    broken = False
    upload: Upload | None = None
    """What passes the rest on."""
    has_ended = has_refused = False

    def __init__(self) -> None:
        self.passed = bytearray()
        """The rest, as far as it may go on."""

    def feed(self, data: bytes) -> bool | None:
        return False if b"!" in data else True if b"|" in data else None

    def goes_on(self, upload: Upload) -> None:
        self.upload = upload

    def rest(self, data: bytes) -> None:
        if b"?" in data:
            self.has_refused = True
            raise GatewayError(400, "model: stands behind the file")
        self.passed += data

    def end(self) -> None:
        if self.broken:
            self.has_refused = True
            raise GatewayError(400, "no whole form")
        self.has_ended = True


class Side:
    """The client's side: how much waits for it is the test's word."""

    def __init__(self, *, h2: bool) -> None:
        self.client = Client(peername=("127.0.0.1", 1234), sockname=("127.0.0.1", 8080), timestamp_start=1.0)
        self.server = Server(address=("127.0.0.1", 1))
        self.speaks_h2 = h2
        self.below = self.in_stream = 0

    def unsent(self) -> int:
        return self.below + self.in_stream

    def connection_waits(self) -> bool:
        return self.below > 0


class Outlet:
    """A connection to a provider, as an upload writes to it."""

    def __init__(self, *, is_read: bool = True) -> None:
        self.written = bytearray()
        self.waiting = 0
        self.is_read = is_read
        """The provider takes what is written at once."""
        self.is_open = True

    def write(self, data: bytes) -> None:
        assert self.is_open, "an upload writes to a connection that is closed"
        self.written += data
        if not self.is_read:
            self.waiting += len(data)

    def unsent(self) -> int:
        return self.waiting


class MachineDrive:
    """One machine. Hooks have run at once, but for those whose names `hold` has: these wait for `hook_done`.

    `feed` gives the commands up to where nothing more is to be done; every rule of machine_rules.py is checked.
    """

    def __init__(
        self,
        *attempts: FakeAttempt,
        h2: bool = False,
        at_head: http.Response | None = None,
        plan: bool = True,
        heads_are_heard: bool = True,
        uploading: Enough | None = None,
        limits: ClientLimits | None = None,
    ) -> None:
        self.now = 1000.0
        self.hold: set[str] = set()
        self.held: StartHook | GiveWay | None = None
        self.hooks: list[str] = []
        self.port = FakePort(list(attempts), uploading=uploading)
        self.side = Side(h2=h2)
        self.outlets = [Outlet()]
        """Of each connection that was made for an upload, the last one last."""
        self.is_read = True
        """Providers take at once what is written to them."""
        self.ask: Ask | None = None
        """The last."""
        self.head: http.Response | None = None
        self.sent = b""
        self.rules = Rules()
        self.at_hook: Callable[[StartHook], None] = lambda hook: None
        self._at_head, self._plan = at_head, plan
        self.deps = StreamDeps(
            lambda flow: self.port,
            WatchSet(),
            refusal,
            limits or ClientLimits(body_bytes=BODY_LIMIT),
            clock=lambda: self.now,
            heads_are_heard=lambda: heads_are_heard,
        )
        self.machine = RequestMachine(self.side, self.deps, lambda: None)

    @property
    def outlet(self) -> Outlet:
        return self.outlets[-1]

    # -- events ---------------------------------------------------------------------------------------------------
    def feed(self, event: MachineEvent) -> list[Command]:
        if isinstance(event, Left):
            self.rules.left = True
        if isinstance(event, FromProvider) and event.number == self.rules.asked:
            for said in event.said:
                if self.rules.listens:
                    self._heard(said)
        return self._go_on(self.machine.feed(event))

    def hook_done(self) -> list[Command]:
        """The held hook has run."""
        assert self.held is not None
        self.held = None
        return self._go_on(self.machine.hook_done())

    def head_comes(self, *, ends: bool = False, **fields: str) -> list[Command]:
        request = http.Request.make("POST", "http://localhost/v1/chat/completions", b"", {})
        request.headers.clear()
        request.headers.update({name.replace("_", "-"): value for name, value in fields.items()})
        return self.feed(Head(request, ends))

    def post(self, body: bytes = b"{}") -> list[Command]:
        found = self.head_comes(content_length=str(len(body)))
        return found + self.feed(Data(body)) + self.feed(END)

    def says(self, *said: UpstreamEvent) -> list[Command]:
        """The provider of the last Ask."""
        return self.feed(FromProvider(self.rules.asked, said))

    def connects(self) -> list[Command]:
        return self.says(Connected(Server(address=("127.0.0.1", 9000))))

    def answers(self, *pieces: bytes, status: int = 200) -> list[Command]:
        """Connection, head and so much of the body come in one read."""
        said: list[UpstreamEvent] = [Connected(Server(address=("127.0.0.1", 9000))), answered(status)]
        return self.says(*said, *([Body(list(pieces))] if pieces else []))

    def body(self, *pieces: bytes) -> list[Command]:
        return self.says(Body(list(pieces)))

    def tick(self, seconds: float) -> list[Command]:
        """Time goes on, and the machine is told where its deadline has been reached."""
        self.now += seconds
        return self.feed(TICKED) if self.machine.deadline <= self.now else []

    def stops(self) -> list[Command]:
        """The gateway stops."""
        self.machine.ending = True
        return self.feed(TICKED)

    def kill(self) -> None:
        """A person drops the flow."""
        self.machine.flow.kill()

    # -- commands -------------------------------------------------------------------------------------------------
    def _go_on(self, commands: list[Command]) -> list[Command]:
        found: list[Command] = []
        while True:
            found += commands
            self.rules.look_at(commands)
            for command in commands:
                self._carry_out(command)
            if not commands or not isinstance(hook := commands[-1], StartHook | GiveWay):
                return found
            name = _word(hook)
            self.hooks.append(name)
            if isinstance(hook, StartHook):
                self._run(hook)
            if name in self.hold:
                self.held = hook
                return found
            commands = self.machine.hook_done()

    def _carry_out(self, command: Command) -> None:
        if isinstance(command, Ask):
            self.ask = command
        elif isinstance(command, Leave | Finish):
            self._closes()
        elif isinstance(command, SendHead) and command.response.status_code != 100:
            self.head = command.response
        elif isinstance(command, SendData):
            self.sent += command.data

    def _heard(self, said: UpstreamEvent) -> None:
        self.rules.heard(said)
        if isinstance(said, Connected) and self.ask is not None and self.ask.upload is not None:
            self.outlets.append(Outlet(is_read=self.is_read))
            self.ask.upload.opens(self.outlet)
        elif isinstance(said, Ended | Broken | NoConnection):
            self._closes()

    def _closes(self) -> None:
        if self.ask is not None and self.ask.upload is not None:
            self.ask.upload.closes()
            self.outlet.is_open = False

    def _run(self, hook: StartHook) -> None:
        (given,) = hook.args()
        if hook.name == "requestheaders":
            given.response = self._at_head
        if (hook.name == "request" and self._plan and self._at_head is None) or isinstance(hook, AttemptFailedHook):
            self._next(given)
        self.at_hook(hook)

    def _next(self, flow: http.HTTPFlow) -> None:
        upload = self.ask.upload if self.ask is not None else None
        if self.port.attempts and not (upload is not None and upload.is_spent):
            self.port.attempt = self.port.attempts.pop(0)
            flow.response = None
            flow.request = http.Request.make("POST", "http://127.0.0.1/chat", MADE, [(b"host", b"127.0.0.1")])
        else:
            self.port.attempt = None
            self.port.answer = http.Response.make(502, b'{"error":{}}', {"content-type": "application/json"})


def answered(status: int = 200) -> Answered:
    return Answered(http.Response.make(status, b"", {"content-type": "text/event-stream"}))


def told(commands: list[Command]) -> str:
    """Commands as words: hooks by their names, what is sent as it is, all others by their class."""
    return " ".join(map(_word, commands))


def _word(command: Command) -> str:
    if isinstance(command, StartHook):
        return command.name
    if isinstance(command, GiveWay):
        return "give_way"
    if isinstance(command, SendHead):
        return f"head:{command.response.status_code}"
    if isinstance(command, SendData):
        return f"data:{command.data.decode()}" if len(command.data) < 30 else "data"
    if isinstance(command, BreakOff):
        return f"break:{command.why.name.lower()}"
    if isinstance(command, Hold):
        return "hold" if command.held else "go_on"
    return type(command).__name__
