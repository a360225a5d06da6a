"""The stream layer, event by event. What the bytes mean is a fake relay's; connections and the clock are the test's."""

import json

import pytest
from mitmproxy import http

from addons.relay import Fault
from addons.stream import fitting, http1, stream
from tests.support.drive import Check, Drive, FakeRelay

OK = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
REFUSED = b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


END = b"0\r\n\r\n"


def body_of(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[2]


def status_of(raw: bytes) -> int:
    return int(raw.split(b" ", 2)[1])


# -- what every answer says --------------------------------------------------------------------------------------------
def streamed(drive: Drive) -> None:
    drive.post()
    drive.server_sends(OK + chunk(b"one [DONE]") + END)


def whole(drive: Drive) -> None:
    drive.ticket.relays[0].streaming = False
    streamed(drive)


def begun_early(drive: Drive) -> None:
    drive.ticket.relays[0].commits_early = True
    drive.post()
    drive.tick(16)


def told_apart(drive: Drive) -> None:
    drive.post()
    drive.server_sends(REFUSED)


def unreachable(drive: Drive) -> None:
    drive.connect_error = "refused"
    drive.post()


def unplanned(drive: Drive) -> None:
    drive.plan = False
    drive.ticket.relays.clear()
    drive.post()


def refused_at_the_head(drive: Drive) -> None:
    drive.at_head = http.Response.make(401, b"{}")
    drive.post()


def without_a_body(drive: Drive) -> None:
    drive.at_head = http.Response.make(204)
    drive.client_sends(b"OPTIONS /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n")


def too_large(drive: Drive) -> None:
    drive.client_sends(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5000\r\n\r\n")


def too_large_in_chunks(drive: Drive) -> None:
    drive.client_sends(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(b"x" * 2000))


def badly_framed(drive: Drive) -> None:
    drive.client_sends(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n")


def too_slow(drive: Drive) -> None:
    drive.client_sends(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 50\r\n\r\n{")
    drive.tick(301)


ANSWERS: dict[Check, int] = {
    streamed: 200,
    whole: 200,
    begun_early: 200,
    told_apart: 502,
    unreachable: 502,
    unplanned: 500,
    refused_at_the_head: 401,
    without_a_body: 204,
    too_large: 413,
    too_large_in_chunks: 413,
    badly_framed: 400,
    too_slow: 408,
}


@pytest.mark.parametrize("course", ANSWERS, ids=lambda course: course.__name__)
def test_every_answer_says_what_the_gateway_wants_said(course: Check) -> None:
    drive = Drive([FakeRelay()], beside=(("vary", "Origin"), ("access-control-allow-origin", "https://app.example")))
    course(drive)
    head = drive.to_client.partition(b"\r\n\r\n")[0]
    assert status_of(head) == ANSWERS[course]
    assert head.lower().count(b"vary: origin") == 1
    assert head.lower().count(b"access-control-allow-origin: https://app.example") == 1


def test_what_an_answer_says_itself_goes_first() -> None:
    drive = Drive([], at_head=http.Response.make(204, b"", {"vary": "Origin, Accept"}), beside=(("vary", "Origin"),))
    drive.client_sends(b"OPTIONS / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert drive.to_client.lower().count(b"vary:") == 1
    assert b"Origin, Accept" in drive.to_client


# -- the plain way ----------------------------------------------------------------------------------------------------
def test_stream_arrives_as_it_comes_and_ends() -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    drive.server_sends(OK + chunk(b"one "))
    assert drive.to_client.endswith(chunk(b"one "))
    drive.server_sends(chunk(b"two [DONE]") + END)
    assert drive.to_client.endswith(chunk(b"one ") + chunk(b"two [DONE]") + END)
    assert status_of(drive.to_client) == 200
    assert drive.log[-1] == "response"


def test_a_packet_that_says_much_is_read_in_turns() -> None:
    relay = FakeRelay()
    drive = Drive([relay])
    drive.post()
    relay.later = [b"two ", b"three [DONE]", b"never read"]
    drive.server_sends(OK + chunk(b"one ") + END)
    assert drive.log.count("turn") == 2
    assert drive.to_client.endswith(chunk(b"one ") + chunk(b"two ") + chunk(b"three [DONE]") + END)
    assert drive.log[-1] == "response"


def test_what_comes_meanwhile_waits_for_its_turn() -> None:
    relay = FakeRelay()
    drive = Drive([relay], hold={"turn"})
    drive.post()
    relay.later = [b"two "]
    drive.server_sends(OK + chunk(b"one "))
    drive.server_sends(chunk(b"three [DONE]") + END)
    assert drive.to_client.endswith(chunk(b"one "))
    drive.complete()
    assert drive.to_client.endswith(chunk(b"one ") + chunk(b"two ") + chunk(b"three [DONE]") + END)


def test_nothing_reaches_the_client_before_the_first_bytes() -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    drive.server_sends(OK)
    assert drive.to_client == b""


def test_secret_goes_on_the_wire_and_not_into_the_flow() -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    assert b"authorization: Bearer the-real-secret" in drive.to_server()
    assert "authorization" not in drive.flows[0].request.headers


def test_flow_keeps_the_providers_own_answer() -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    drive.server_sends(
        b"HTTP/1.1 200 OK\r\nx-site: yes\r\ntransfer-encoding: chunked\r\n\r\n" + chunk(b"a [DONE]") + END
    )
    response = drive.flows[0].response
    assert response is not None
    assert response.headers["x-site"] == "yes"
    assert response.data.content == b"a [DONE]"
    assert b"x-site" not in drive.to_client


def test_whole_answer_has_a_length_and_no_chunks() -> None:
    relay = FakeRelay()
    relay.streaming = False
    drive = Drive([relay])
    drive.post()
    drive.server_sends(OK + chunk(b'{"a":1}') + chunk(b"[DONE]") + END)
    assert b"content-length: 6" in drive.to_client
    assert b"transfer-encoding" not in drive.to_client
    assert body_of(drive.to_client) == b"[DONE]"


def test_two_requests_use_one_upstream_connection() -> None:
    drive = Drive([FakeRelay(), FakeRelay()])
    for _ in range(2):
        drive.post()
        drive.server_sends(OK + chunk(b"x [DONE]") + END)
    assert len(drive.servers) == 1
    assert drive.to_client.count(b"HTTP/1.1 200") == 2


def test_http_1_0_client_gets_no_chunks() -> None:
    drive = Drive([FakeRelay()])
    drive.post(version="HTTP/1.0")
    drive.server_sends(OK + chunk(b"x [DONE]") + END)
    assert b"transfer-encoding" not in drive.to_client
    assert body_of(drive.to_client) == b"x [DONE]"
    assert drive.client_closed()


# -- fail closed ------------------------------------------------------------------------------------------------------
def test_no_plan_means_no_connection_and_a_json_500() -> None:
    drive = Drive([], plan=False)
    drive.post()
    assert drive.servers == []
    assert status_of(drive.to_client) == 500
    assert json.loads(body_of(drive.to_client))["error"]["code"] == "internal_error"


# -- attempts ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "first_answer",
    [
        pytest.param(REFUSED, id="refused with a status"),
        pytest.param(OK + chunk(b"[FAIL]"), id="error inside a 200 stream"),
        pytest.param(b"HTTP/1.1 2oo nonsense\r\n\r\n", id="broken HTTP"),
    ],
)
def test_a_failure_before_the_commit_moves_on(first_answer: bytes) -> None:
    drive = Drive([FakeRelay(9000), FakeRelay(9001)])
    drive.post()
    drive.server_sends(first_answer, 0)
    assert drive.servers[1].address == ("127.0.0.1", 9001)
    drive.server_sends(OK + chunk(b"second [DONE]") + END, 1)
    assert status_of(drive.to_client) == 200
    assert body_of(drive.to_client) == chunk(b"second [DONE]") + END


def test_a_connection_closed_before_the_answer_moves_on() -> None:
    drive = Drive([FakeRelay(9000), FakeRelay(9001)])
    drive.post()
    drive.server_closes(0)
    assert drive.ticket.relay is not None
    assert drive.ticket.relay.target.port == 9001


def test_late_words_of_a_given_up_attempt_are_dropped() -> None:
    first, second = FakeRelay(9000, first_token_s=10), FakeRelay(9001)
    drive = Drive([first, second])
    drive.post()
    drive.server_sends(OK, 0)
    drive.tick(11)
    assert first.faults[0][0] is Fault.FIRST_TOKEN_TIMEOUT
    assert drive.servers[0] in drive.closed
    drive.server_sends(OK + chunk(b"right [DONE]") + END, 1)
    assert b"right" in drive.to_client


def test_connection_refused_ends_in_the_verdict_as_json() -> None:
    relay = FakeRelay()
    drive = Drive([relay], connect_error="connection refused")
    drive.post()
    assert relay.faults == [(Fault.CONNECT, "connection refused")]
    assert status_of(drive.to_client) == 502
    assert b"application/json" in drive.to_client


def test_tls_failure_is_told_apart() -> None:
    relay = FakeRelay()
    drive = Drive([relay], connect_error="Certificate verify failed: self-signed certificate")
    drive.post()
    assert relay.faults[0][0] is Fault.TLS


def test_verdict_after_a_refusal_leaves_the_providers_answer_in_the_flow() -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    drive.server_sends(REFUSED)
    assert status_of(drive.to_client) == 502
    response = drive.flows[0].response
    assert response is not None
    assert response.status_code == 503
    assert response.data.content == b"busy"


def test_a_failure_after_the_commit_ends_with_the_last_words() -> None:
    drive = Drive([FakeRelay(), FakeRelay(9001)])
    drive.post()
    drive.server_sends(OK + chunk(b"some "))
    drive.server_closes()
    assert drive.to_client.endswith(chunk(b"some ") + chunk(b"data: {last words}\n\n") + END)
    assert len(drive.servers) == 1


def test_smuggling_headers_of_a_provider_fail_the_attempt() -> None:
    relay = FakeRelay()
    drive = Drive([relay])
    drive.post()
    drive.server_sends(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n")
    assert relay.faults
    assert status_of(drive.to_client) == 502


# -- timers -----------------------------------------------------------------------------------------------------------
def test_connect_timeout_gives_the_connection_up() -> None:
    relay = FakeRelay(connect_s=5)
    drive = Drive([relay], hold={"connect"})
    drive.post()
    drive.tick(4.9)
    assert not relay.faults
    drive.tick(0.2)
    assert relay.faults[0][0] is Fault.CONNECT_TIMEOUT
    assert status_of(drive.to_client) == 502


def test_silence_after_the_commit_is_kept_alive_and_then_ended() -> None:
    relay = FakeRelay(keepalive_s=15, idle_s=40)
    drive = Drive([relay])
    drive.post()
    drive.server_sends(OK + chunk(b"word "))
    drive.tick(15)
    assert drive.to_client.endswith(chunk(b": keep-alive\n\n"))
    drive.tick(15)
    assert drive.to_client.count(b": keep-alive") == 2
    drive.tick(10.1)
    assert relay.faults[0][0] is Fault.IDLE_TIMEOUT
    assert drive.to_client.endswith(chunk(b"data: {last words}\n\n") + END)
    assert drive.servers[0] in drive.closed


def test_words_of_the_provider_put_the_idle_limit_off() -> None:
    relay = FakeRelay(keepalive_s=1000, idle_s=40)
    drive = Drive([relay])
    drive.post()
    drive.server_sends(OK + chunk(b"word "))
    for _ in range(5):
        drive.tick(39)
        drive.server_sends(chunk(b"more "))
    assert not relay.faults


def test_total_limit_holds_although_words_keep_coming() -> None:
    relay = FakeRelay(total_s=100, idle_s=50, keepalive_s=1000)
    drive = Drive([relay])
    drive.post()
    drive.server_sends(OK + chunk(b"word "))
    for _ in range(3):
        drive.tick(34)
        if not relay.faults:
            drive.server_sends(chunk(b"more "))
    assert relay.faults[0][0] is Fault.TOTAL_TIMEOUT


def test_a_late_provider_is_kept_alive_before_its_first_word() -> None:
    relay = FakeRelay(keepalive_s=15, first_token_s=100)
    relay.commits_early = True
    drive = Drive([relay])
    drive.post()
    drive.tick(15)
    assert status_of(drive.to_client) == 200
    assert drive.to_client.endswith(chunk(b": keep-alive\n\n"))


def test_no_timer_is_left_when_a_request_is_over() -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    drive.server_sends(OK + chunk(b"x "))
    drive.server_sends(chunk(b"[DONE]") + END)
    drive.tick(2)
    assert not drive.watch


# -- a client that leaves ---------------------------------------------------------------------------------------------
def test_client_leaving_mid_stream_closes_the_provider_connection() -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    drive.server_sends(OK + chunk(b"x "))
    drive.client_leaves()
    assert drive.servers[0] in drive.closed
    assert drive.log[-1] == "error"
    assert not drive.watch


def test_client_leaving_while_an_attempt_is_planned_is_told_at_once() -> None:
    drive = Drive([FakeRelay()], hold={"request"})
    drive.post()
    drive.client_leaves()
    assert drive.ticket.left
    drive.complete()
    assert drive.servers == []


def test_client_leaving_while_connecting_gives_the_connection_up() -> None:
    drive = Drive([FakeRelay()], hold={"connect"})
    drive.post()
    drive.client_leaves()
    assert drive.servers[0] in drive.closed
    assert drive.to_server() == b""
    assert drive.log[-1] == "error"


# -- an answer that is complete before its body is --------------------------------------------------------------------
def test_answer_ends_at_once_although_the_provider_keeps_the_body_open() -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    drive.server_sends(OK + chunk(b"x [DONE]"))
    assert drive.to_client.endswith(END)
    assert drive.servers[0] not in drive.closed
    drive.tick(stream.DRAIN_S + 0.1)
    assert drive.servers[0] in drive.closed


def test_connection_is_used_again_when_the_body_ends_in_time() -> None:
    drive = Drive([FakeRelay(), FakeRelay()])
    drive.post()
    drive.server_sends(OK + chunk(b"x [DONE]"))
    drive.server_sends(END)
    drive.tick(stream.DRAIN_S + 0.1)
    drive.post()
    assert len(drive.servers) == 1
    assert drive.servers[0] not in drive.closed


def test_next_request_does_not_wait_for_an_undrained_connection() -> None:
    drive = Drive([FakeRelay(), FakeRelay()])
    drive.post()
    drive.server_sends(OK + chunk(b"x [DONE]"))
    drive.post()
    assert len(drive.servers) == 2
    assert drive.servers[0] in drive.closed
    drive.server_sends(OK + chunk(b"y [DONE]") + END, 1)
    assert drive.to_client.count(b"HTTP/1.1 200") == 2


def test_an_answer_cut_short_closes_the_provider_connection_at_once() -> None:
    relay = FakeRelay()
    relay.cut_short = True
    drive = Drive([relay])
    drive.post()
    drive.server_sends(OK + chunk(b"x [DONE]"))
    assert drive.servers[0] in drive.closed
    assert drive.to_client.endswith(END)


# -- requests that are too much ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("framing", ["content-length: 2000", "transfer-encoding: chunked"])
def test_a_body_over_the_limit_is_a_json_413(framing: str) -> None:
    drive = Drive([FakeRelay()], body_limit=1000)
    drive.client_sends(f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n{framing}\r\n\r\n".encode())
    body = b"x" * 2000
    drive.client_sends(body if "length" in framing else chunk(body) + END)
    assert status_of(drive.to_client) == 413
    assert json.loads(body_of(drive.to_client))["error"]["code"] == "request_too_large"
    assert drive.client_closed()
    assert "request" not in drive.log


def test_an_endless_body_over_the_limit_is_cut_off() -> None:
    drive = Drive([FakeRelay()], body_limit=1000)
    drive.client_sends(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
    piece = chunk(b"x" * 1024 * 1024)
    for _ in range(40):
        if drive.client_closed():
            break
        drive.client_sends(piece)
    assert drive.client_closed()


def test_an_endless_head_is_a_json_431() -> None:
    drive = Drive([])
    drive.client_sends(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000)
    assert status_of(drive.to_client) == 431
    assert drive.client_closed()


@pytest.mark.parametrize("head", [b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\nno colon here\r\n\r\n"])
def test_a_malformed_head_is_a_json_400(head: bytes) -> None:
    drive = Drive([])
    drive.client_sends(head)
    assert status_of(drive.to_client) == 400
    assert json.loads(body_of(drive.to_client))["error"]["type"] == "invalid_request_error"
    assert drive.client_closed()


def test_smuggling_headers_of_a_client_are_a_json_400() -> None:
    drive = Drive([FakeRelay()])
    head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    drive.client_sends(head)
    assert status_of(drive.to_client) == 400
    assert b"application/json" in drive.to_client


def test_a_mitmproxy_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "installed_version", lambda name: "13.0.1")
    with pytest.raises(fitting.UnfitMitmproxy, match=r"13\.0\.1.*12\.2"):
        fitting.check_mitmproxy()


# -- clients that take their time -------------------------------------------------------------------------------------
def test_a_head_that_does_not_end_is_a_json_408() -> None:
    drive = Drive([])
    drive.client_sends(b"POST /v1/chat")
    drive.tick(20)
    drive.client_sends(b"/completions HTTP/1.1\r\nx: 1\r\n")
    drive.tick(9)
    assert drive.to_client == b""
    drive.tick(2)
    assert status_of(drive.to_client) == 408
    assert drive.client_closed()
    drive.tick(http1.LINGER_S)
    assert drive.watch == set()


def test_a_quiet_connection_may_stay() -> None:
    drive = Drive([FakeRelay()])
    drive.tick(31)
    drive.post()
    drive.server_sends(OK + chunk(b"x [DONE]") + END)
    drive.tick(31)
    assert not drive.client_closed()
    assert drive.watch == set()


def test_the_head_of_a_second_request_is_timed_too() -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    drive.server_sends(OK + chunk(b"x [DONE]") + END)
    drive.client_sends(b"GET /v1/mod")
    drive.tick(31)
    assert b"HTTP/1.1 408" in drive.to_client


def test_a_body_that_does_not_end_is_a_json_408() -> None:
    drive = Drive([FakeRelay()])
    drive.client_sends(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n")
    for _ in range(29):
        drive.client_sends(b"x")
        drive.tick(10)
    assert drive.to_client == b""
    drive.tick(11)
    assert status_of(drive.to_client) == 408
    assert json.loads(body_of(drive.to_client))["error"]["code"] == "request_timeout"
    assert drive.client_closed()
    assert "request" not in drive.log
    drive.tick(http1.LINGER_S)
    assert drive.watch == set()


def test_a_body_that_comes_in_time_is_no_longer_watched() -> None:
    drive = Drive([FakeRelay(total_s=2000, first_token_s=2000)])
    drive.client_sends(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{")
    drive.client_sends(b"}")
    drive.tick(301)
    drive.server_sends(OK + chunk(b"x [DONE]") + END)
    assert status_of(drive.to_client) == 200


def test_a_client_that_stops_reading_is_given_up() -> None:
    relay = FakeRelay()
    drive = Drive([relay])
    drive.post()
    drive.server_sends(OK + chunk(b"x" * 100))
    drive.wire.waiting = 60
    for _ in range(8):
        drive.tick(15)
        assert not drive.wire.aborted, drive.now
    drive.tick(15)
    assert drive.wire.aborted
    assert relay.faults == [], "the provider is not to blame"
    drive.client_leaves()  # which is what comes of it
    assert drive.servers[0] in drive.closed
    assert drive.log[-1] == "error"


def test_a_client_that_reads_slowly_is_waited_for() -> None:
    drive = Drive([FakeRelay(total_s=10_000)])
    drive.post()
    drive.server_sends(OK + chunk(b"x" * 1000))
    for waiting in range(900, 0, -100):
        drive.wire.waiting = waiting
        for _ in range(6):
            drive.tick(15)
    assert not drive.wire.aborted
    drive.wire.waiting = 0
    drive.server_sends(chunk(b"y [DONE]") + END)
    assert drive.to_client.endswith(chunk(b"y [DONE]") + END)


def test_the_time_for_all_ends_a_slow_readers_answer_too() -> None:
    relay = FakeRelay(total_s=100)
    drive = Drive([relay])
    drive.post()
    drive.server_sends(OK + chunk(b"x" * 1000))
    for waiting in range(900, 0, -100):
        drive.wire.waiting = waiting
        drive.tick(15)
    assert drive.wire.aborted
    assert relay.faults == []


# -- interim answers --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_interim_answers_are_passed_over(cut: int) -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    raw = b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK + chunk(b"x [DONE]") + END
    drive.server_sends(raw[:cut])
    drive.server_sends(raw[cut:])
    assert status_of(drive.to_client) == 200
    assert body_of(drive.to_client) == chunk(b"x [DONE]") + END


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 101, id="interim for ever"),
    ],
)
def test_what_is_no_final_answer_fails(raw: bytes) -> None:
    drive = Drive([FakeRelay()])
    drive.post()
    drive.server_sends(raw)
    drive.server_closes() if not drive.closed else None
    assert status_of(drive.to_client) == 502


# -- an answer that is whole without its end mark ---------------------------------------------------------------------
def settled(drive: Drive) -> bool:
    return drive.to_client.endswith(chunk(b"settled") + END) and drive.servers[0] in drive.closed


@pytest.mark.parametrize("comments", [False, True], ids=["silence", "comments go on"])
def test_an_ended_answer_is_waited_for_a_moment_and_no_longer(comments: bool) -> None:
    relay = FakeRelay(idle_s=40, keepalive_s=15, settle_s=2)
    drive = Drive([relay])
    drive.post()
    drive.server_sends(OK + chunk(b"word [LAST]"))
    for _ in range(3):
        drive.tick(0.5)
        assert not settled(drive)
        if comments:
            drive.server_sends(chunk(b": still here\n\n"))
    drive.tick(0.6)
    assert settled(drive)
    assert not relay.faults
    assert not drive.watch


def test_words_behind_the_end_are_waited_for_anew() -> None:
    drive = Drive([FakeRelay(idle_s=40, settle_s=2)])
    drive.post()
    drive.server_sends(OK + chunk(b"word [LAST]"))
    drive.tick(1.5)
    drive.server_sends(chunk(b"usage"))
    drive.tick(1.5)
    assert not settled(drive)
    drive.server_sends(chunk(b"[DONE]"))
    assert drive.to_client.endswith(chunk(b"[DONE]") + END)


@pytest.mark.parametrize("limits", [{"idle_s": 1.0}, {"total_s": 1.0}], ids=["idle", "total"])
def test_a_limit_that_is_shorter_ends_the_answer_well(limits: dict[str, float]) -> None:
    relay = FakeRelay(9000, **{"settle_s": 5.0, "keepalive_s": 100.0} | limits)
    drive = Drive([relay])
    drive.post()
    drive.server_sends(OK + chunk(b"word [LAST]"))
    drive.tick(1.1)
    assert settled(drive)
    assert not relay.faults


@pytest.mark.parametrize("broken", [b"", b"zz\r\nno chunk"], ids=["closed without the last chunk", "broken chunk"])
def test_a_connection_that_breaks_behind_the_end_breaks_nothing(broken: bytes) -> None:
    relay = FakeRelay()
    drive = Drive([relay])
    drive.post()
    drive.server_sends(OK + chunk(b"word [LAST]"))
    if broken:
        drive.server_sends(broken)
    else:
        drive.server_closes()
    assert drive.to_client.endswith(chunk(b"settled") + END)
    assert not relay.faults


def test_a_whole_answer_settles_too() -> None:
    relay = FakeRelay(settle_s=2)
    relay.streaming = False
    drive = Drive([relay])
    drive.post()
    drive.server_sends(OK + chunk(b"word [LAST]"))
    drive.tick(2.1)
    assert body_of(drive.to_client) == b"settled"


def test_a_client_that_is_behind_is_waited_for_before_the_answer_settles() -> None:
    drive = Drive([FakeRelay(settle_s=2, keepalive_s=100)])
    drive.post()
    drive.server_sends(OK + chunk(b"word [LAST]"))
    drive.wire.waiting = 1 << 30
    drive.tick(3)
    assert not settled(drive)
    drive.wire.waiting = 0
    drive.tick(2.1)
    assert settled(drive)
