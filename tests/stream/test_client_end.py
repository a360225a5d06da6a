"""The client's end of a request: how its answer is framed, and since when it takes nothing of what it is sent."""

import pytest
from mitmproxy import http
from mitmproxy.connection import Client, Server

from addons.dialects.registry import refusal
from addons.stream.client_end import H2_UNSENT_LIMIT_BYTES, ClientEnd
from addons.stream.deps import ClientLimits, StreamDeps
from tests.support.drive import WatchSet

STALL_S = 120.0


class House:
    """One request of a client whose connection a test fills and empties."""

    def __init__(self, *, h2: bool = False) -> None:
        self.now = 1000.0
        self.below = self.in_stream = 0
        self.client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=1.0)
        self.server = Server(address=("127.0.0.1", 1))
        self.speaks_h2 = h2
        deps = StreamDeps(lambda flow: None, WatchSet(), refusal, ClientLimits(stall_s=STALL_S), clock=lambda: self.now)
        self.end = ClientEnd(self, deps)

    def unsent(self) -> int:
        return self.below + self.in_stream

    def connection_waits(self) -> bool:
        return self.below > 0


@pytest.mark.parametrize(
    ("h2", "version", "fields"),
    [
        (False, "HTTP/1.1", {"transfer-encoding": "chunked"}),
        (False, "HTTP/1.0", {"connection": "close"}),
        (True, "HTTP/2.0", {}),
    ],
)
def test_a_stream_of_unknown_length_is_framed_as_the_client_speaks(
    h2: bool, version: str, fields: dict[str, str]
) -> None:
    head = http.Response.make(200)
    head.headers.clear()
    end = House(h2=h2).end
    end.frame_by_chunks(head, version)
    assert dict(head.headers) == fields
    assert end.speaks_h2 is h2


@pytest.mark.parametrize(("h2", "below", "shares"), [(True, 0, True), (True, 1, False), (False, 0, False)])
def test_an_h2_stream_can_be_given_up_alone_while_its_connection_takes_what_it_is_sent(
    h2: bool, below: int, shares: bool
) -> None:
    house = House(h2=h2)
    house.below, house.in_stream = below, 7
    assert house.end.shares_its_connection is shares
    assert house.end.unsent == below + 7


@pytest.mark.parametrize(("h2", "more", "choked"), [(True, 0, False), (True, 1, True), (False, 1, False)])
def test_an_h2_client_that_leaves_too_much_unread_is_choked(h2: bool, more: int, choked: bool) -> None:
    house = House(h2=h2)
    house.below = H2_UNSENT_LIMIT_BYTES - 10
    assert house.end.is_choked_by(10 + more) is choked


def test_a_client_is_given_up_so_long_after_it_last_took_something() -> None:
    house = House()
    house.end.begins()
    house.end.handed_bytes, house.below = 100, 100
    house.now += 50
    assert house.end.gives_up_at(house.now) == 1000 + STALL_S
    house.below = 60
    assert house.end.gives_up_at(house.now) == 1050 + STALL_S
    house.now += 10
    assert house.end.gives_up_at(house.now) == 1050 + STALL_S, "nothing more was taken"
    house.end.handed_bytes, house.below = 200, 160
    assert house.end.gives_up_at(house.now) == 1050 + STALL_S, "what is handed over is not taken yet"
    house.below = 159
    assert house.end.gives_up_at(house.now) == 1060 + STALL_S
