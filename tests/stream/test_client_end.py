"""The client's end of a stream: what it speaks, and since when it takes nothing of what it is sent."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from mitmproxy import http
from mitmproxy.proxy.layers.http._http1 import Http1Server
from mitmproxy.proxy.layers.http._http2 import Http2Server

from addons.stream.client_end import H2_UNSENT_LIMIT_BYTES, ClientEnd
from addons.stream.deps import ClientLimits

STALL_S = 120.0


class House:
    """One stream of a client whose connection a test fills and empties."""

    def __init__(self, server: object = None, *, alpn: bytes | None = None) -> None:
        self.now = 1000.0
        self.below = 0
        client = SimpleNamespace(id="c1", alpn=alpn)
        parent = SimpleNamespace(connections={} if server is None else {id(client): server})
        parent.connections = _ByIdentity(client, server)
        stream = SimpleNamespace(stream_id=1)
        stream.context = SimpleNamespace(client=client, layers=[object(), parent, stream])
        wire = SimpleNamespace(unsent=lambda client_id: self.below if client_id == "c1" else 0)
        deps = SimpleNamespace(transport=wire, clock=lambda: self.now, limits=ClientLimits(stall_s=STALL_S))
        self.end = ClientEnd(cast(Any, stream), cast(Any, deps))


class _ByIdentity:
    def __init__(self, client: object, server: object) -> None:
        self._client, self._server = client, server

    def get(self, client: object) -> object:
        return self._server if client is self._client else None


def http1(version: str) -> Any:
    server = object.__new__(Http1Server)
    server.request = http.Request.make("GET", "http://x/")
    server.request.http_version = version
    return server


def http2(*held: bytes, other: bytes = b"") -> Any:
    server = object.__new__(Http2Server)
    buffers = {1: [SimpleNamespace(data=data) for data in held], 3: [SimpleNamespace(data=other)]}
    server.h2_conn = cast(Any, SimpleNamespace(stream_buffers=buffers))
    return server


@pytest.mark.parametrize(
    ("server", "alpn", "fields"),
    [
        (http1("HTTP/1.1"), b"http/1.1", {"transfer-encoding": "chunked"}),
        (http1("HTTP/1.1"), None, {"transfer-encoding": "chunked"}),
        (http1("HTTP/1.0"), None, {"connection": "close"}),
        (http2(), b"h2", {}),
        (None, None, {"transfer-encoding": "chunked"}),
    ],
)
def test_a_stream_of_unknown_length_is_framed_as_the_client_speaks(
    server: object, alpn: bytes | None, fields: dict[str, str]
) -> None:
    head = http.Response.make(200)
    head.headers.clear()
    end = House(server, alpn=alpn).end
    end.frame_by_chunks(head)
    assert dict(head.headers) == fields
    assert end.speaks_h2 is (alpn == b"h2")


def test_what_waits_is_counted_below_http_and_of_this_stream_in_h2() -> None:
    house = House(http2(b"abc", b"de", other=b"not ours"), alpn=b"h2")
    assert (house.end.unsent, house.end.connection_waits) == (5, False)
    house.below = 7
    assert (house.end.unsent, house.end.connection_waits) == (12, True)
    plain = House(http1("HTTP/1.1"))
    plain.below = 7
    assert plain.end.unsent == 7


@pytest.mark.parametrize(("alpn", "more", "choked"), [(b"h2", 0, False), (b"h2", 1, True), (None, 1, False)])
def test_an_h2_client_that_leaves_too_much_unread_is_choked(alpn: bytes | None, more: int, choked: bool) -> None:
    house = House(http2() if alpn else http1("HTTP/1.1"), alpn=alpn)
    house.below = H2_UNSENT_LIMIT_BYTES + more
    assert house.end.is_choked is choked


def test_a_client_is_given_up_so_long_after_it_last_took_something() -> None:
    house = House(http1("HTTP/1.1"))
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
