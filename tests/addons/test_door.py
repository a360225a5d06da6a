"""The stream layer's door, event by event: what is refused there, how soon, and what is kept of it."""

import base64
import json
import logging
from collections.abc import Iterator

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest
from mitmproxy import http
from mitmproxy.connection import ConnectionState

from addons.cleaning.cleaner import Cleaner
from addons.cleaning.index import Known
from addons.front_door import hide_keys, knock_of
from addons.relay import Fault
from addons.stream import http1, provider_http1
from addons.stream.bodies import OF_ONE
from tests.support.drive import Drive, FakeRelay

KEY = "opaque0123456789opaque0123456789"
"""Of a form that no pattern knows."""
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
OK = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
DONE = b"6\r\n[DONE]\r\n"
END = b"0\r\n\r\n"


def refusal() -> http.Response:
    return http.Response.make(401, b'{"error":{"code":"invalid_api_key"}}', {"content-type": "application/json"})


def status_of(raw: bytes) -> int:
    return int(raw.split(b" ", 2)[1])


def error_of(raw: bytes) -> dict[str, str]:
    error: dict[str, str] = json.loads(raw.partition(b"\r\n\r\n")[2])["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


def cuts(data: bytes, step: int = 1) -> Iterator[tuple[bytes, bytes]]:
    return ((data[:at], data[at:]) for at in range(1, len(data), step))


# -- refused at the head ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("framing", [b"content-length: 900\r\n", CHUNKED, b"content-length: 999999999\r\n"])
def test_who_is_refused_at_the_head_is_answered_before_the_body(framing: bytes) -> None:
    drive = Drive([], at_head=refusal())
    drive.client_sends(POST + framing + b"\r\n")
    assert status_of(drive.to_client) == 401
    assert b"connection: close" in drive.to_client
    assert drive.client in drive.half_closed, "our side has ended"
    assert drive.client not in drive.closed, "the client may still read"
    assert drive.log == ["requestheaders", "responseheaders", "response"]
    assert not drive.layer.streams, "nothing waits for the body"


def test_of_a_refused_request_only_so_much_is_read_past() -> None:
    drive = Drive([], at_head=refusal())
    drive.client_sends(POST + b"content-length: 999999999\r\n\r\n")
    sent = 0
    while drive.client not in drive.closed:
        drive.client_sends(b"x" * 65536)
        sent += 65536
    assert sent <= http1.LINGER_BYTES + 65536
    assert drive.watch == set()


def test_a_refused_client_that_stays_is_closed_in_a_moment() -> None:
    drive = Drive([], at_head=refusal())
    drive.client_sends(POST + CHUNKED + b"\r\n")
    drive.tick(http1.LINGER_S)
    assert drive.client in drive.closed
    assert drive.watch == set()


def test_a_refused_request_that_is_whole_leaves_its_connection_open() -> None:
    drive = Drive([], at_head=refusal())
    for count in (1, 2):
        drive.client_sends(b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
        assert drive.to_client.count(b"HTTP/1.1 401") == count
    assert not drive.client_closed()


@pytest.mark.parametrize("admitted", [True, False])
def test_only_who_is_admitted_is_told_to_go_on(admitted: bool) -> None:
    drive = Drive([FakeRelay()], at_head=None if admitted else refusal())
    drive.client_sends(POST + b"content-length: 2\r\nexpect: 100-continue\r\n\r\n")
    if not admitted:
        assert status_of(drive.to_client) == 401
        return
    assert drive.to_client == b"HTTP/1.1 100 Continue\r\n\r\n"
    drive.client_sends(b"{}")
    drive.server_sends(OK + DONE + END)
    assert b"HTTP/1.1 200 OK" in drive.to_client


def test_a_body_that_is_refused_after_100_continue_is_told_why() -> None:
    drive = Drive([FakeRelay()], body_limit=1000)
    drive.client_sends(POST + CHUNKED + b"expect: 100-continue\r\n\r\n")
    drive.client_sends(b"zz\r\n")
    assert status_of(drive.to_client.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")) == 400


# -- bodies -----------------------------------------------------------------------------------------------------------
def test_a_clients_trailers_are_read_past_however_they_are_cut() -> None:
    raw = POST + CHUNKED + b"\r\n" + b"2\r\n{}\r\n0\r\nx-t: 1\r\nauthorization: Bearer " + KEY.encode() + b"\r\n\r\n"
    for first, second in cuts(raw):
        drive = Drive([FakeRelay()])
        drive.client_sends(first)
        drive.client_sends(second)
        drive.server_sends(OK + DONE + END)
        assert status_of(drive.to_client) == 200
        assert drive.flows[0].request.trailers is None
        assert drive.logged == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"5;" + b"a" * 5000, 400),
        (b"0\r\n" + b"x: " + b"a" * 20_000, 400),
        (b"5\nabcde", 400),
        (b"-1\r\n", 400),
        (b"1\r\nx\r\n" * 20_000, 413),
        (b"12c\r\n" + b"x" * 300 + b"\r\n" + b"12c\r\n" + b"x" * 300 + b"\r\n" + b"1f4\r\n" + b"x" * 500, 413),
    ],
)
def test_what_is_over_in_a_body_is_a_clear_refusal(body: bytes, status: int) -> None:
    drive = Drive([FakeRelay()])
    drive.client_sends(POST + CHUNKED + b"\r\n")
    for at in range(0, len(body), 1000):
        drive.client_sends(body[at : at + 1000])
    assert status_of(drive.to_client) == status
    assert error_of(drive.to_client)["message"]
    assert drive.client_closed()
    assert drive.log[-1] == "error"
    assert drive.ticket.refusal == (status, error_of(drive.to_client)["code"])
    assert not drive.gear.bodies.held


def test_a_bad_body_that_comes_with_its_head_is_refused_too() -> None:
    drive = Drive([FakeRelay()], hold={"requestheaders"})
    drive.client_sends(POST + CHUNKED + b"\r\nzz\r\n")
    drive.client_sends(b"more")
    drive.complete()
    assert status_of(drive.to_client) == 400
    assert drive.client_closed()


def test_unfinished_bodies_of_one_address_are_refused_together() -> None:
    drive = Drive([FakeRelay()])
    bodies = drive.gear.bodies
    bodies.least_of_one = 0
    assert bodies.take(["address 127.0.0.1"], OF_ONE * drive.body_limit, drive.body_limit)
    drive.client_sends(POST + b"content-length: 900\r\n\r\nx")
    assert status_of(drive.to_client) == 429
    assert b"retry-after: 1" in drive.to_client
    assert error_of(drive.to_client)["code"] == "too_many_unfinished"
    assert bodies.total == OF_ONE * drive.body_limit


@pytest.mark.parametrize("end", ["whole", "left", "late", "too large"])
def test_a_body_that_ends_in_any_way_is_given_back(end: str) -> None:
    drive = Drive([FakeRelay()])
    drive.client_sends(POST + CHUNKED + b"\r\n64\r\n" + b"x" * 100 + b"\r\n")
    assert drive.gear.bodies.total == 100
    if end == "whole":
        drive.client_sends(END)
    elif end == "left":
        drive.client_leaves()
    elif end == "late":
        drive.tick(301)
    else:
        drive.client_sends(b"3e8\r\n" + b"x" * 1000)
    if end == "whole":  # it counts until the hooks say that its request is over
        assert drive.gear.bodies.total == 100
        drive.gear.bodies.over(drive.flows[0].id)
    assert (drive.gear.bodies.total, dict(drive.gear.bodies.held)) == (0, {})


def test_what_is_sent_in_advance_is_bounded() -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    for _ in range(100):
        drive.client_sends(b"x" * 65536)
    (server,) = [layer for layer in drive.layer.connections.values() if isinstance(layer, http1.JsonHttp1Server)]
    assert len(server.buf) <= http1.PIPELINED_BYTES + 65536
    drive.server_sends(OK + DONE + END)
    assert drive.to_client.count(b"HTTP/1.1 200") == 1
    assert drive.client_closed()


# -- heads ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [1, 10, 100_000])
def test_a_hundred_fields_are_read_and_more_are_refused(size: int) -> None:
    for fields, status in ((99, 401), (100, 431), (10_000, 431)):  # and the host
        drive = Drive([], at_head=refusal())
        raw = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * fields + b"\r\n"
        for at in range(0, len(raw), size):
            if not drive.client_closed():
                drive.client_sends(raw[at : at + size])
        assert status_of(drive.to_client) == status
        assert status == 401 or "100 fields (limits.header_fields)" in error_of(drive.to_client)["message"]


@pytest.mark.parametrize("version", [b"HTTP/9.9", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/0.9", b"ICY"])
def test_other_versions_are_refused(version: bytes) -> None:
    drive = Drive([])
    drive.client_sends(b"GET /v1/models " + version + b"\r\nhost: x\r\n\r\n")
    assert status_of(drive.to_client) == 400
    assert drive.flows == []


def test_blank_lines_before_a_request_are_passed_over() -> None:
    for first, second in cuts(b"\r\n\r\nGET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"):
        drive = Drive([], at_head=refusal())
        drive.client_sends(first)
        drive.client_sends(second)
        assert status_of(drive.to_client) == 401


def test_blank_lines_without_end_are_refused_and_alone_are_closed() -> None:
    drive = Drive([])
    drive.client_sends(b"\r\n" * 100)
    assert status_of(drive.to_client) == 431
    drive = Drive([])
    drive.client_sends(b"\r\n")
    drive.tick(31)
    assert drive.to_client == b""
    assert drive.client in drive.closed


# -- the key ----------------------------------------------------------------------------------------------------------
MALFORMED = [
    b"POST / HTTP/1.1\r\nauthorization: Bearer %s\r\ncontent-length: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nauthorization: Bearer %s\r\ncontent-length: %s\r\n\r\n",
    b"POST / HTTP/1.1\r\nauthorization: Bearer %s\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    b"POST / HTTP/1.1\r\nauthorization: Bearer %s\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n",
    b"POST / HTTP/1.1\r\ntransfer-encoding: %s\r\n\r\n",
    b"GET / HTTP/1.1\r\nauthorization : Bearer %s\r\n\r\n",
    b"GET / HTTP/1.1\r\nauthorization\x00: Bearer %s\r\n\r\n",
    b"GET / HTTP/1.1\r\nauthorization Bearer %s\r\n\r\n",
    b"GET / HTTP/1.1\r\n folded %s\r\n\r\n",
    b"GET /?api_key=%s HTTP/1.1 x\r\nhost: x\r\n\r\n",
    b"GET /?api_key=%s HTTP/9.9\r\nhost: x\r\n\r\n",
    b"%s / HTTP/1.1\r\nhost: x\r\n\r\n",
    b"%s\r\n\r\n",
    b"CONNECT site:443 HTTP/1.1\r\nproxy-authorization: Basic %s\r\n\r\n",
    b"CONNECT %s:443 HTTP/1.1\r\n\r\n",
    b"GET http://user:%s@x/ HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nauthorization: Bearer %s\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    b"GET / HTTP/1.1\r\nauthorization: Bearer %s\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nauthorization: Bearer %s",
]


@pytest.mark.parametrize("head", MALFORMED)
def test_a_malformed_head_leaves_nothing_behind(head: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    head = head.replace(b"%s", KEY.encode())
    for pieces in ([head], [head[:20], head[20:]]):
        drive = Drive([])
        for piece in pieces:
            drive.client_sends(piece)
        drive.client_leaves()
        assert drive.flows == []
        assert KEY not in str(drive.logged) + caplog.text
        assert KEY.encode() not in drive.to_client
        if drive.to_client:
            assert 400 <= status_of(drive.to_client) < 500
            assert error_of(drive.to_client)["code"] == "bad_http_request"


@pytest.mark.parametrize(
    "line",
    [
        "authorization: Bearer %s",
        "AUTHORIZATION: %s",
        "x-api-key: %s",
        "api-key: %s",
        "cookie: a=%s",
        "proxy-authorization: Basic %s",
        "x-goog-api-key: %s",
        "sec-websocket-protocol: realtime, openai-insecure-api-key.%s",
        "autorizaton: Bearer %s",
        "x: Bearer %s",
    ],
)
def test_credentials_are_kept_beside_the_flow(line: str) -> None:
    drive = Drive([], at_head=refusal())
    line = line.replace("%s", KEY)
    head = f"POST /v1/models?api_key={KEY}&all=1&token={KEY} HTTP/1.1\r\nhost: x\r\n{line}\r\ncontent-length: 9\r\n\r\n"
    drive.client_sends(head.encode())
    flow = drive.flows[0]
    assert KEY not in str(flow.get_state())
    assert flow.request.path == "/v1/models?all=1"
    shown = drive.gear.aside.take(flow.request)
    name, _, value = line.partition(": ")
    assert shown == {name.lower(): value}
    assert knock_of(flow, shown).headers[name.lower()] == value
    assert drive.gear.aside.take(flow.request) == {}


def test_a_body_that_is_too_large_is_refused_with_a_flow_that_holds_no_key() -> None:
    drive = Drive([FakeRelay()])
    drive.client_sends(POST + f"authorization: Bearer {KEY}\r\ncontent-length: 99999\r\n\r\n".encode())
    assert status_of(drive.to_client) == 413
    assert KEY not in str([flow.get_state() for flow in drive.flows])


@pytest.mark.parametrize("known", [True, False], ids=["a key of ours", "the key that was shown"])
@pytest.mark.parametrize(
    "said",
    [
        pytest.param("{}", id="alone"),
        pytest.param("pre{}post", id="inside a word"),
        pytest.param("user:{}", id="behind a colon"),
        pytest.param("prog/1 ({})", id="in brackets"),
        pytest.param("http://u:{}@x/", id="in an address"),
    ],
)
def test_a_key_is_hidden_wherever_it_stands(said: str, known: bool) -> None:
    fields = [(b"x-mine", said.format(KEY).encode()), (KEY.encode(), b"1"), (b"x-other", b"words of no weight at all")]
    request = http.Request.make("GET", f"http://localhost/v1/{KEY}/models", b"", fields)
    cleaner = Cleaner.knowing([Known(KEY, "client_key")] if known else [])
    hide_keys(request, cleaner, {} if known else {"authorization": f"Bearer {KEY}"})
    assert KEY[:12] not in str(request.get_state())
    assert request.headers["x-other"] == "words of no weight at all"


@pytest.mark.parametrize("encoded", [KEY.encode().hex(), base64.b64encode(KEY.encode()).decode(), KEY[:20]])
def test_a_key_is_hidden_encoded_and_in_pieces(encoded: str) -> None:
    request = http.Request.make("GET", f"http://localhost/v1/{encoded}", b"", [(b"x-mine", encoded.encode())])
    hide_keys(request, Cleaner.knowing([Known(KEY, "client_key")]), {})
    assert encoded not in str(request.get_state())


def test_only_the_beginning_of_a_long_head_is_kept_for_people() -> None:
    """Looking through it takes time, and who sends it may have no key. What HTTP needs stays."""
    fields = [(b"x-%d" % n, b"%41" * 300) for n in range(60)]
    request = http.Request.make("GET", "http://localhost/v1", b"", [*fields, (b"connection", b"close")])
    hide_keys(request, Cleaner.knowing([Known(KEY, "client_key")]), {})
    assert sum(len(name) + len(value) for name, value in request.headers.fields) < 9000
    assert request.headers["connection"] == "close"


# -- providers --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"a:\r\n" * 201 + b"\r\n", id="many fields"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000, id="an endless line"),
        pytest.param((b"HTTP/1.1 103 Early\r\n" + b"a: b\r\n" * 30 + b"\r\n") * 7 + OK, id="interim fields"),
        pytest.param((b"HTTP/1.1 103 E\r\nx: " + b"y" * 30_000 + b"\r\n\r\n") * 3 + OK, id="interim bytes"),
        pytest.param(b"HTTP/9.9 200 OK\r\n\r\n", id="another version"),
        pytest.param(b"\r\n\r\n" + OK, id="blank lines"),
        pytest.param(b"HELLO %s\r\n\r\n" % KEY.encode(), id="no HTTP"),
        pytest.param(OK + b"5;" + b"a" * 5000, id="a chunk extension"),
        pytest.param(OK + b"0\r\nx: " + b"a" * 20_000, id="a trailer"),
        pytest.param(OK + b"%s\r\n" % KEY.encode(), id="no chunk"),
    ],
)
@pytest.mark.parametrize("size", [7, 100_000])
def test_what_is_too_much_of_a_provider_is_broken_http(raw: bytes, size: int) -> None:
    relay = FakeRelay()
    drive = Drive([relay])
    drive.post()
    for at in range(0, len(raw), size):
        if drive.servers[0] not in drive.closed:
            drive.server_sends(raw[at : at + size])
    assert relay.faults[0][0] is Fault.PROTOCOL
    assert KEY not in relay.faults[0][1]
    assert drive.servers[0] in drive.closed
    assert status_of(drive.to_client) == 502


def test_two_hundred_fields_of_a_provider_are_read() -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    drive.server_sends(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n" + b"a: b\r\n" * 198 + b"\r\n" + DONE + END)
    assert status_of(drive.to_client) == 200


def test_trailers_of_a_provider_are_read_past() -> None:
    drive = Drive([FakeRelay(), FakeRelay()])
    for _ in range(2):
        drive.post()
        drive.server_sends(OK + DONE + b"0\r\nx-t: 1\r\n\r\n")
    assert drive.to_client.count(b"HTTP/1.1 200") == 2
    assert len(drive.servers) == 1


def test_what_a_provider_sends_behind_its_answer_is_bounded() -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    drive.server_sends(OK + DONE)
    sent = 0
    while drive.servers[0] not in drive.closed:
        drive.server_sends(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        sent += 0x8000
    assert sent <= provider_http1.DRAIN_BYTES + 0x8000


def test_what_nobody_asked_a_provider_for_is_not_told() -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    drive.server_sends(OK + DONE + END)
    drive.server_sends(b"EXTRA " + KEY.encode())
    assert drive.servers[0] in drive.closed
    assert KEY not in str(drive.logged)


# -- HTTP/2 -----------------------------------------------------------------------------------------------------------
class H2:
    """An h2 client on the drive."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        config = h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
        self.speaking = h2.connection.H2Connection(config)
        self.speaking.initiate_connection()
        self.events: list[h2.events.Event] = []
        self._read = 0
        self.flush()

    def flush(self) -> None:
        self.drive.client_sends(self.speaking.data_to_send())
        new = self.drive.to_client[self._read :]
        self._read += len(new)
        self.events += self.speaking.receive_data(new)

    def ask(self, stream: int = 1, *more: tuple[str, str], method: str = "POST", end: bool = False) -> None:
        head = [(":method", method), (":scheme", "https"), (":path", f"/v1/models?key={KEY}"), (":authority", "x")]
        self.speaking.send_headers(stream, [*head, *more], end_stream=end)
        self.flush()

    def found[T: h2.events.Event](self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def statuses(self) -> list[bytes]:
        return [dict(event.headers)[b":status"] for event in self.found(h2.events.ResponseReceived)]


def test_h2_a_refused_head_is_answered_and_its_stream_reset() -> None:
    client = H2(Drive([], alpn=b"h2", at_head=refusal()))
    client.ask(1, ("authorization", f"Bearer {KEY}"))
    assert client.statuses == [b"401"]
    assert client.found(h2.events.StreamEnded)
    (reset,) = client.found(h2.events.StreamReset)
    assert reset.error_code == h2.errors.ErrorCodes.NO_ERROR
    client.ask(3, end=True)
    assert client.statuses == [b"401", b"401"], "the connection serves on"
    assert KEY not in str([flow.get_state() for flow in client.drive.flows])


def test_h2_every_answer_says_what_the_gateway_wants_said() -> None:
    origin = ("access-control-allow-origin", "https://app.example")
    refused = H2(Drive([], alpn=b"h2", at_head=refusal(), beside=(origin,)))
    refused.ask(1, end=True)
    large = H2(Drive([FakeRelay()], alpn=b"h2", beside=(origin,)))
    large.ask(1, ("content-length", "5000"))
    assert (refused.statuses, large.statuses) == ([b"401"], [b"413"])
    for client in (refused, large):
        (answer,) = client.found(h2.events.ResponseReceived)
        assert dict(answer.headers)[origin[0].encode()] == origin[1].encode()


def test_h2_a_head_of_many_fields_is_refused() -> None:
    client = H2(Drive([], alpn=b"h2", at_head=refusal()))
    client.ask(1, *[(f"a{n}", "b") for n in range(101)], end=True)
    assert client.statuses == [b"431"]
    assert client.drive.flows == []
    client.ask(3, *[(f"a{n}", "b") for n in range(100)], end=True)
    assert client.statuses == [b"431", b"401"]


def test_h2_a_malformed_head_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "hpack")  # as mitmproxy sets it
    for more in [("Upper", KEY), ("te", KEY), (":weird", KEY), ("connection", KEY), ("content-length", KEY)]:
        client = H2(Drive([], alpn=b"h2"))
        client.ask(1, more, end=True)
        assert client.drive.flows == []
        assert client.drive.client_closed() or client.statuses == [b"400"]
        assert KEY not in str(client.drive.logged) + caplog.text


def test_h2_trailers_are_dropped() -> None:
    drive = Drive([FakeRelay()], alpn=b"h2")
    client = H2(drive)
    client.ask()
    client.speaking.send_data(1, b"{}")
    client.speaking.send_headers(1, [("authorization", KEY)], end_stream=True)
    client.flush()
    assert drive.flows[0].request.trailers is None
    drive.server_sends(OK + DONE + END)
    client.flush()
    assert client.statuses == [b"200"]


def test_h2_a_head_that_does_not_end_is_ended() -> None:
    for sends_on in (True, False):
        drive = Drive([], alpn=b"h2")
        client = H2(drive)
        frame = b"\x00\x40\x00" + b"\x01\x00" + b"\x00\x00\x00\x01" + b"\x00" * 0x4000
        drive.client_sends(frame)
        assert drive.client.state is ConnectionState.OPEN
        if sends_on:
            for _ in range(4):
                drive.client_sends(frame.replace(b"\x40\x00\x01", b"\x40\x00\x09", 1))
        else:
            drive.tick(31)
        assert drive.client in drive.closed
        assert drive.watch == set()
        client.flush()
