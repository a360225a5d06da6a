"""How a client's HTTP/1 connection ends, without I/O: refusals that nobody else tells, lingering, its deadline."""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from typing import Final

from mitmproxy.connection import Connection
from mitmproxy.net.http import http1

from addons.errors import GatewayError
from addons.stream.connection_limits import Peer
from addons.stream.deps import RefusedHead, StreamDeps, Timed
from addons.stream.refusal import add_missing, closing
from addons.stream.request_head import fields_in, method_and_path

BEGINNING_BYTES: Final = 1024
"""What is kept of a head that is refused, to tell what was asked for."""
LINGER_BYTES: Final = 1024 * 1024
LINGER_S: Final = 1.0
"""How much of a refused request is still read past, and for how long."""
NEVER: Final = float("inf")


class Closing(Enum):
    """How much of the connection is to end, once all output is written."""

    OPEN = auto()
    HALF = auto()
    """Our side of it: the client may still read, and what it still sends is dropped."""
    CLOSED = auto()
    ABORTED = auto()
    """All of it at once: what waits is lost, since the client does not read it."""


class Stage(Enum):
    """What the connection is at."""

    HEAD = auto()
    """A request may begin, or its head has begun."""
    BODY = auto()
    DROP = auto()
    """The rest of a body that was refused is dropped, until the answer says so."""
    WAIT = auto()
    """The request is whole, its answer is not."""
    LINGER = auto()
    OVER = auto()


class ConnectionEnd:
    """What is written to one client connection, until when it is waited for, and its end."""

    __slots__ = (
        "_client",
        "_deps",
        "_linger_bytes",
        "_out",
        "_owner",
        "_peer",
        "_state",
        "closing",
        "deadline",
        "ending",
    )

    def __init__(self, deps: StreamDeps, client: Connection, owner: Timed | None = None) -> None:
        self.closing = Closing.OPEN
        self.deadline = NEVER
        self.ending = False
        """The gateway stops: the next tick ends a connection that only lingers."""
        self._deps = deps
        self._client = client
        self._owner = owner
        self._peer: Peer = client.peername or ()
        self._state = Stage.HEAD
        self._out: list[bytes] = []
        self._linger_bytes = 0

    @abstractmethod
    def _forget(self) -> None:
        """Nothing more is read of what has come."""

    @property
    def client_id(self) -> str:
        return self._client.id

    def take_output(self) -> bytes:
        """What is to be written now; empty where nothing is."""
        out = self._out
        if not out:
            return b""
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return data

    def _tell(self, status: int, message: str, code: str, head: Sequence[bytes]) -> None:
        """Answers what nobody else will, by the lines of its head; it is told here, since no hook will."""
        method, path = method_and_path(head[0][:BEGINNING_BYTES] if head else b"")
        error = GatewayError(status, message, code=code)
        fields: Iterable[tuple[bytes, bytes]] = fields_in(head)
        answer = closing(self._deps.refuse, path, error, fields)
        add_missing(answer, self._deps.extra_headers(fields))
        self._deps.refused(RefusedHead(answer.headers["x-request-id"], self._peer, method, path, error))
        self._out.append(http1.assemble_response(answer))
        self._hang_up()

    def _hang_up(self) -> None:
        """Ends our side of the connection; what the client still sends is dropped within bounds."""
        self._forget()
        self._state, self.closing = Stage.LINGER, Closing.HALF
        self._linger_bytes = LINGER_BYTES
        self._watch(LINGER_S)
        self._deps.tracker.idle(self._peer)

    def _close(self) -> None:
        self._forget()
        self._unwatch()
        self._state, self.closing = Stage.OVER, Closing.CLOSED

    def _watch(self, seconds: float) -> None:
        self.deadline = self._deps.clock() + seconds
        self._deps.deadlines.add(self._owner or self)

    def _unwatch(self) -> None:
        if self.deadline != NEVER:
            self.deadline = NEVER
            self._deps.deadlines.discard(self._owner or self)
