"""One request and all that a provider says to it: what came of that."""

from dataclasses import dataclass

from addons.upstream.events import ENDED, Answered, Body, Broken, Connected, UpstreamEvent
from tests.support.upstream import Asked, Wires


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a conversation, without where it was cut."""

    status: int
    body: bytes
    end: str
    again: bool
    """The connection serves another request."""


def _told(wires: Wires, asked: Asked) -> Told:
    status, body, end = 0, b"", ""
    order: list[type[UpstreamEvent]] = []
    for event in asked.told:
        assert not end, "nothing is told behind the end"
        order.append(type(event))
        if isinstance(event, Answered):
            assert not status
            status = event.response.status_code
        elif isinstance(event, Body):
            assert status
            assert all(event.pieces)
            body += b"".join(event.pieces)
        elif event is ENDED:
            end = "ended"
        elif isinstance(event, Broken):
            end = "closed" if event.closed else "broken"
    assert order[0] is Connected
    assert asked.call.over is bool(end)
    return Told(status, body, end, not wires.made[0].closed and wires.asks().call.connection is asked.call.connection)


def says(pieces: list[bytes], *, closes: bool) -> Told:
    wires = Wires()
    asked = wires.asks()
    wires.made[0].opens()
    for piece in pieces:
        if not wires.made[0].closed:
            wires.made[0].says(piece)
    if closes and not wires.made[0].closed:
        wires.made[0].ends()
        wires.made[0].closed = True
    return _told(wires, asked)
