"""A client's HTTP/1 connection in a test's hands: what it says of requests is noted, and each whole one answered."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from mitmproxy import http
from mitmproxy.connection import Client, ConnectionState

from addons.errors import GatewayError
from addons.layers.deps import LayerDeps
from addons.stream.client_events import ClientEvent, Data, End, Head, Left, Refused
from addons.stream.client_http1 import ClientHttp1
from addons.stream.connection_end import Closing
from addons.stream.connection_limits import Peer
from addons.stream.deps import ClientLimits, NoConnectionTracker, RefusedHead, Timed


class NotedTracker(NoConnectionTracker):
    """Notes what is said of connections."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def spoke(self, peer: Peer) -> None:
        self.said.append("spoke")

    def busy(self, peer: Peer) -> None:
        self.said.append("busy")

    def idle(self, peer: Peer) -> None:
        self.said.append("idle")


def refuse(path: str, error: GatewayError, headers: Mapping[str, str], request_id: str) -> http.Response:
    """A refusal that is the same each time, but for its id, which has the same length."""
    head = {"content-type": "text/plain", "x-request-id": "req_0"}
    return http.Response.make(error.status, f"{error.code}: {error.message}", head)


def whole(body: bytes = b"hello", **headers: str) -> http.Response:
    """An answer with its length."""
    return http.Response.make(200, body, {name.replace("_", "-"): value for name, value in headers.items()})


def streamed(**headers: str) -> http.Response:
    """The head of an answer whose length nobody knows yet."""
    fields = ((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
    return http.Response(b"HTTP/1.1", 200, b"OK", http.Headers(fields), None, None, 0, None)


GET = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"
FIVE = POST + b"content-length: 5\r\n\r\n"
IN_CHUNKS = POST + b"transfer-encoding: chunked\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = {"transfer_encoding": "chunked"}


@dataclass
class Talk:
    """One connection. `answers` gives the answer to a request that is whole or refused; None leaves it to the test."""

    answers: Callable[[], tuple[http.Response, Iterable[bytes]] | None] = lambda: (whole(), [b"hello"])
    limits: ClientLimits = field(default_factory=ClientLimits)
    peer: str = "192.0.2.7"
    wants_tls: bool = False
    now: float = 1000.0
    told: list[RefusedHead] = field(default_factory=list)
    watch: set[Timed] = field(default_factory=set)
    said: list[ClientEvent] = field(default_factory=list)
    """The events, one after the other."""
    output: bytes = b""
    unsent: int = 0
    """So much waits until the client reads."""

    def __post_init__(self) -> None:
        self.client = Client(peername=(self.peer, 1), sockname=("127.0.0.1", 8080), timestamp_start=1.0)
        self.client.state = ConnectionState.OPEN
        self.tracker = NotedTracker()
        self.deps = LayerDeps(
            lambda flow: None,
            self.watch,
            refuse,
            self.limits,
            clock=lambda: self.now,
            refused=self.told.append,
            tracker=self.tracker,
            wants_tls=self.wants_tls,
        )
        self.http = ClientHttp1(self.deps, self.client)

    # -- what the driver does -------------------------------------------------------------------------------------
    def sends(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.http.receive(piece)
            self.ask()

    def leaves(self) -> None:
        self.http.closed()
        self.ask()

    def tick(self, seconds: float) -> None:
        self.now += seconds
        if self.watch:
            self.http.tick(self.unsent)
        self.write()

    def ask(self) -> None:
        while (event := self.http.next_event()) is not None:
            self.said.append(event)
            if isinstance(event, End | Refused) and (answer := self.answers()):
                self.answer(*answer)
        self.write()

    def answer(self, head: http.Response, pieces: Iterable[bytes] = ()) -> None:
        self.http.send_head(head)
        for piece in pieces:
            self.http.send_data(piece)
        self.http.send_end()
        self.write()

    def write(self) -> None:
        self.output += self.http.take_output()

    # -- what came of it ------------------------------------------------------------------------------------------
    def closing(self) -> Closing:
        return self.http.closing

    @property
    def course(self) -> list[str]:
        """The events in words, the pieces of a body as one."""
        told: list[str] = []
        data = b""
        for event in self.said:
            if isinstance(event, Data):
                data += event.data
                continue
            if data:
                told.append(f"data {data.hex() if len(data) > 99 else data!r}")
                data = b""
            told.append(_word_of(event))
        return told + ([f"data {data!r}"] if data else [])


def _word_of(event: ClientEvent) -> str:
    if isinstance(event, Head):
        return f"head {event.request.method} {event.request.path}{' ends' if event.ends else ''}"
    if isinstance(event, Refused):
        return f"refused {event.error.status} {event.error.message}"
    return f"left {event.why}" if isinstance(event, Left) else "end"


def silent() -> None:
    """Leaves the answer to the test."""


def talk_of(raw: bytes) -> Talk:
    talk = Talk(silent)
    talk.sends(raw)
    return talk
