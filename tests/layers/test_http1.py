"""The stream layer's door, event by event: what is refused there, how soon, and what is kept of it."""

import pytest
from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    RequestEndOfMessage,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
)

from addons.layers import http1
from addons.layers.events import RequestRefused
from addons.stream import client_http1, connection_end
from tests.support.client_talk import Talk, whole
from tests.support.door import CHUNKED, DONE, KEY, POST, cuts, error_of, refusal
from tests.support.drive import Drive, FakeAttempt, layer_options
from tests.support.http1 import END, OK, chunk, status_of


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
    assert sent <= connection_end.LINGER_BYTES + 65536
    assert drive.watch == set()


def test_a_refused_client_that_stays_is_closed_in_a_moment() -> None:
    drive = Drive([], at_head=refusal())
    drive.client_sends(POST + CHUNKED + b"\r\n")
    drive.tick(connection_end.LINGER_S)
    assert drive.client in drive.closed
    assert drive.watch == set()


def test_a_refused_request_that_is_whole_leaves_its_connection_open() -> None:
    drive = Drive([], at_head=refusal())
    for count in (1, 2):
        drive.client_sends(b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n")
        assert drive.to_client.count(b"HTTP/1.1 401") == count
    assert not drive.client_closed()


# -- bodies -----------------------------------------------------------------------------------------------------------
def test_a_clients_trailers_are_read_past_however_they_are_cut() -> None:
    raw = POST + CHUNKED + b"\r\n" + b"2\r\n{}\r\n0\r\nx-t: 1\r\nauthorization: Bearer " + KEY.encode() + b"\r\n\r\n"
    for first, second in cuts(raw):
        drive = Drive([FakeAttempt()])
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
    drive = Drive([FakeAttempt()])
    drive.client_sends(POST + CHUNKED + b"\r\n")
    for at in range(0, len(body), 1000):
        drive.client_sends(body[at : at + 1000])
    assert status_of(drive.to_client) == status
    assert error_of(drive.to_client)["message"]
    assert drive.client_closed()
    assert drive.log[-1] == "error"
    assert drive.port.refusal == (status, error_of(drive.to_client)["code"])
    assert not drive.deps.body_budget.held


def test_a_bad_body_that_comes_with_its_head_is_refused_too() -> None:
    drive = Drive([FakeAttempt()], hold={"requestheaders"})
    drive.client_sends(POST + CHUNKED + b"\r\nzz\r\n")
    drive.client_sends(b"more")
    drive.complete()
    assert status_of(drive.to_client) == 400
    assert drive.client_closed()


def test_what_is_sent_in_advance_is_bounded() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    for _ in range(100):
        drive.client_sends(b"x" * 65536)
    (server,) = [layer for layer in drive.layer.connections.values() if isinstance(layer, http1.JsonHttp1Server)]
    assert len(server.http1._buf) <= client_http1.PIPELINED_BYTES + 65536
    drive.server_sends(OK + DONE + END)
    assert drive.to_client.count(b"HTTP/1.1 200") == 1
    assert drive.client_closed()


def test_the_whole_answer_of_the_request_before_lets_nobody_send_more_in_advance() -> None:
    first, second = FakeAttempt(), FakeAttempt()
    first.streaming = second.streaming = False
    drive = Drive([first, second], body_limit=1_000_000)
    drive.post()
    drive.server_sends(OK + DONE + END)
    drive.post()
    for _ in range(40):
        drive.client_sends(b"x" * 16384)
    (server,) = [layer for layer in drive.layer.connections.values() if isinstance(layer, http1.JsonHttp1Server)]
    assert len(server.http1._buf) <= client_http1.PIPELINED_BYTES + 16384
    drive.server_sends(OK + DONE + END, -1)
    assert drive.to_client.count(b"HTTP/1.1 200") == 2
    assert drive.client_closed()


def test_who_never_reads_the_end_of_an_answer_is_given_up() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + chunk(b"x" * 200_000) + DONE + END)
    drive.wire.waiting = 150_000
    aborted = []
    for _ in range(2):
        drive.tick(121)
        aborted.append(drive.wire.aborted)
    assert aborted == [False, True], "it had read something, and then no more"


def test_who_sends_a_big_request_before_the_end_of_its_answer_is_noted_waits() -> None:
    first, second = FakeAttempt(), FakeAttempt()
    first.streaming = second.streaming = False
    drive = Drive([first, second], hold={"response"}, body_limit=1_000_000)
    drive.post()
    drive.server_sends(OK + DONE + END)
    assert status_of(drive.to_client) == 200
    big = b'{"x": "' + b"y" * 600_000 + b'"}'
    pieces = [big[at : at + 16384] for at in range(0, len(big), 16384)]
    drive.client_sends(POST + b"content-length: %d\r\n\r\n" % len(big))
    waits = [drive.wire.is_held]
    while not waits[-1]:
        drive.client_sends(pieces.pop(0))
        waits.append(drive.wire.is_held)
    assert len(pieces) > len(big) // 16384 // 2
    drive.complete()
    assert not drive.wire.is_held
    for piece in pieces:
        drive.client_sends(piece)
    drive.server_sends(OK + DONE + END, -1)
    drive.complete()
    assert drive.to_client.count(b"HTTP/1.1 200") == 2
    assert not drive.client_closed()


def test_an_endless_head_is_a_json_431() -> None:
    drive = Drive([])
    drive.client_sends(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000)
    assert status_of(drive.to_client) == 431
    assert drive.client_closed()


# -- pieces of an answer ----------------------------------------------------------------------------------------------
def test_a_piece_of_nothing_does_not_end_a_chunked_body() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + chunk(b"one "))
    stream = next(iter(drive.layer.streams.values()))
    server = drive.layer.connections[drive.client]
    for command in server.send(ResponseData(stream.stream_id, b"")):
        raise AssertionError(command)
    drive.server_sends(chunk(b"two [DONE]") + END)
    assert drive.to_client.endswith(chunk(b"one ") + chunk(b"two [DONE]") + END)


# -- where clients are to speak TLS -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("peer", "wants_tls", "status"),
    [("192.0.2.7", True, 400), ("127.0.0.1", True, 401), ("::ffff:127.0.0.1", True, 401), ("192.0.2.7", False, 401)],
)
def test_plain_http_is_for_this_machine_alone(peer: str, wants_tls: bool, status: int) -> None:
    drive = Drive([], at_head=refusal(), peer=peer, wants_tls=wants_tls)
    drive.client_sends(POST + b"authorization: Bearer " + KEY.encode() + b"\r\ncontent-length: 2\r\n\r\n{}")
    assert status_of(drive.to_client) == status
    assert (b"https_required" in drive.to_client) is (status == 400)
    assert KEY.encode() not in drive.to_client
    assert (drive.log == []) is (status == 400), "it becomes no flow"


# -- the layer and what it moves the bytes of -------------------------------------------------------------------------
GET = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"
IN_CHUNKS = POST + CHUNKED + b"\r\n"


def sent_by_layer(pieces: tuple[bytes, ...]) -> tuple[bytes, ConnectionState]:
    """What the layer writes, and what is left of the connection; each request that is whole or refused is answered."""
    talk = Talk()
    layer = http1.JsonHttp1Server(Context(talk.client, layer_options()), talk.deps)
    coming: list[events.Event] = [
        events.Start(),
        *(events.DataReceived(talk.client, piece) for piece in pieces),
    ]
    written = b""
    for event in coming:
        asked = [event]
        while asked:
            for command in layer.handle_event(asked.pop(0)):
                if isinstance(command, commands.SendData):
                    written += command.data
                elif isinstance(command, commands.CloseTcpConnection) and command.half_close:
                    talk.client.state &= ~ConnectionState.CAN_WRITE
                elif isinstance(command, commands.CloseConnection):
                    talk.client.state = ConnectionState.CLOSED
                else:
                    assert isinstance(command, ReceiveHttp)
                    if isinstance(command.event, RequestEndOfMessage | RequestRefused):
                        number = command.event.stream_id
                        answer = [ResponseHeaders(number, whole(), False), ResponseData(number, b"hello")]
                        asked += [*answer, ResponseEndOfMessage(number)]
    return written, talk.client.state


@pytest.mark.untraced
@pytest.mark.parametrize(
    "raw",
    [
        GET + POST + b"content-length: 2\r\n\r\n{}" + IN_CHUNKS + chunk(b"one") + END + GET,
        GET + GET.replace(b"host", b"connection: close\r\nhost") + GET,
        GET + IN_CHUNKS + chunk(b"one") + b"none\r\n" + GET,
        GET + b"none\r\n\r\n" + GET,
    ],
    ids=["pipelined", "closing", "a bad body", "a bad head"],
)
def test_the_layer_sends_what_the_connection_without_io_says_byte_for_byte(raw: bytes) -> None:
    left = {
        connection_end.Closing.OPEN: ConnectionState.OPEN,
        connection_end.Closing.HALF: ConnectionState.CAN_READ,
        connection_end.Closing.CLOSED: ConnectionState.CLOSED,
    }
    for pieces in cuts(raw):
        talk = Talk()
        talk.sends(*pieces)
        assert sent_by_layer(pieces) == (talk.output, left[talk.closing()])
