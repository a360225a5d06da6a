"""The port over which calls of steps go out, its failures, and the bounded body that its implementations read."""

from collections.abc import Callable
from typing import Final, Protocol

from mitmproxy.connection import Server

from addons.transport.inflate import InflateError, inflater
from addons.upstream.port import Target
from providers.contract.call import Call
from providers.contract.steps import Answer

CONNECT_S: Final = 5.0
"""How long it may take until there is a connection."""
STEP_S: Final = 15.0
"""How long a call may take to send, and between two pieces of its answer."""
SILENCES: Final = 4
LEAST_BYTES_S: Final = 8 * 1024
"""How long the body of an answer may take, in silences that it may have, and how fast it has to come beyond that: one
that comes byte by byte is never silent."""
BODY_LIMIT_BYTES: Final = 8 * 1024 * 1024
"""Of an answer's body, unpacked."""

type Met = Callable[[Server], None]
"""Told of the connection that carries a call, as flows show it."""
type Arrived = Callable[[int], None]
"""Told how long each piece of an answer's body is, unpacked, when it has come."""


def is_too_slow(took_s: float, came_bytes: int, silent_s: float = STEP_S) -> bool:
    """Whether a body that has begun to come so long ago should have been here by now; `silent_s`: of its call."""
    return took_s > SILENCES * silent_s + came_bytes / LEAST_BYTES_S


class NotConnected(Exception):
    """There was no connection, and nothing was sent. `why` in the words of who dialled; `in_time`: no time limit."""

    def __init__(self, why: str, *, in_time: bool = True) -> None:
        super().__init__(why)
        self.why = why
        self.in_time = in_time


class NotInTime(Exception):
    """The call could not be sent, or its answer stopped coming, for STEP_S; or it came too slowly in all."""


class BrokenAnswer(Exception):
    """The answer is not whole, no HTTP, or not what it says of itself. `kind` is one word of it."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class TooLarge(BrokenAnswer):
    """The answer's body is larger than what is taken."""

    def __init__(self) -> None:
        super().__init__("DecodingError")


class Carrier(Protocol):
    """The way of calls to their targets."""

    async def carry(
        self,
        call: Call,
        target: Target,
        arrived: Arrived | None = None,
        met: Met | None = None,
        most_bytes: int = BODY_LIMIT_BYTES,
    ) -> Answer:
        """The answer to a call whose secrets are in it (`at_ms` is for the caller to set); redirects are answers.

        `most_bytes` of its body are taken; a larger one is TooLarge.

        Raises NotConnected, NotInTime, BrokenAnswer.
        """
        ...


class BoundedBody:
    """The body of an answer as it comes, unpacked. Raises BrokenAnswer where it cannot be, or is too large."""

    def __init__(self, coding: str, arrived: Arrived | None, most_bytes: int = BODY_LIMIT_BYTES) -> None:
        """`coding`: what Content-Encoding says."""
        self._most_bytes = most_bytes
        try:
            self._plain = inflater(coding)
        except InflateError as e:
            raise BrokenAnswer("DecodingError") from e
        self._arrived = arrived
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        try:
            piece = self._plain.feed(data)
        except InflateError as e:
            raise BrokenAnswer("DecodingError") from e
        self._body += piece
        if self._arrived is not None:
            self._arrived(len(piece))
        if len(self._body) > self._most_bytes:
            raise TooLarge

    def whole(self) -> bytes:
        """The body, at its end."""
        try:
            self._plain.close()
        except InflateError as e:
            raise BrokenAnswer("DecodingError") from e
        return bytes(self._body)
