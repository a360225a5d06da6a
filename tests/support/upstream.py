"""Connections to providers in a test's hands: `Wires` is the Connect of a pool, and each Wire one connection."""

from dataclasses import dataclass, field
from typing import Final

from mitmproxy import http
from mitmproxy.connection import Client, Server

from addons.upstream.events import UpstreamEvent
from addons.upstream.http1 import UpstreamCall
from addons.upstream.pool import UpstreamPool
from addons.upstream.port import Cancel, Receiver, Target
from addons.upstream.upload import Upload

TARGET: Final = Target("127.0.0.1", 1, tls=False)
CLIENT: Final = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2))


@dataclass(eq=False)
class Wire:
    """A Link. `opens`, `fails`, `says` and `ends` are what the provider does."""

    target: Target
    receiver: Receiver
    sent: bytes = b""
    closed: bool = False
    paused: bool = False
    waiting: int = 0
    unread: bool = False

    def __post_init__(self) -> None:
        self.server = Server(address=(self.target.host, self.target.port))

    def opens(self) -> None:
        self.receiver.opened(self)

    def fails(self, why: str) -> None:
        self.receiver.failed(why)

    def says(self, data: bytes) -> None:
        self.receiver.received(data)

    def ends(self) -> None:
        self.receiver.closed()

    def write(self, data: bytes) -> None:
        self.sent += data

    def unsent(self) -> int:
        return self.waiting

    def has_unread(self) -> bool:
        return self.unread

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def close(self) -> None:
        self.closed = True


@dataclass
class Wires:
    """The connections that a pool has asked for, in order, and what its calls were told."""

    made: list[Wire] = field(default_factory=list)
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.pool = UpstreamPool(self, lambda: self.now)

    def __call__(self, target: Target, client: Client, receiver: Receiver) -> Cancel:
        wire = Wire(target, receiver)
        self.made.append(wire)
        return wire.close

    def asks(self, target: Target = TARGET, body: bytes = b"", upload: Upload | None = None, **fields: str) -> "Asked":
        return Asked(self.pool, target, body, fields, upload)


class Asked:
    """A call, and what was told of it."""

    def __init__(
        self, pool: UpstreamPool, target: Target, body: bytes, fields: dict[str, str], upload: Upload | None = None
    ) -> None:
        self.told: list[UpstreamEvent] = []
        headers = http.Headers([(name.encode(), value.encode()) for name, value in {"host": "x", **fields}.items()])
        request = http.Request.make("POST", "http://127.0.0.1:1/chat", body, headers)
        self.call = pool.call(target, request, CLIENT, self._hear, upload)

    def _hear(self, call: UpstreamCall, said: tuple[UpstreamEvent, ...]) -> None:
        self.told += said
