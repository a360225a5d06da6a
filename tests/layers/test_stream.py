"""The stream layer, event by event. Bytes mean what a fake attempt says; connections and the clock are the test's."""

import json

import pytest

from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, OK, body_of, chunk, status_of


# -- the plain way ----------------------------------------------------------------------------------------------------
def test_stream_arrives_as_it_comes_and_ends() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + chunk(b"one "))
    assert drive.to_client.endswith(chunk(b"one "))
    drive.server_sends(chunk(b"two [DONE]") + END)
    assert drive.to_client.endswith(chunk(b"one ") + chunk(b"two [DONE]") + END)
    assert status_of(drive.to_client) == 200
    assert drive.log[-1] == "response"


def test_a_packet_that_says_much_is_read_in_turns() -> None:
    attempt = FakeAttempt()
    drive = Drive([attempt])
    drive.post()
    attempt.later = [b"two ", b"three [DONE]", b"never read"]
    drive.server_sends(OK + chunk(b"one ") + END)
    assert drive.log.count("yield_control") == 2
    assert drive.to_client.endswith(chunk(b"one ") + chunk(b"two ") + chunk(b"three [DONE]") + END)
    assert drive.log[-1] == "response"


def test_what_comes_meanwhile_waits_for_its_turn() -> None:
    attempt = FakeAttempt()
    drive = Drive([attempt], hold={"yield_control"})
    drive.post()
    attempt.later = [b"two "]
    drive.server_sends(OK + chunk(b"one "))
    drive.server_sends(chunk(b"three [DONE]") + END)
    assert drive.to_client.endswith(chunk(b"one "))
    drive.complete()
    assert drive.to_client.endswith(chunk(b"one ") + chunk(b"two ") + chunk(b"three [DONE]") + END)


def test_nothing_reaches_the_client_before_the_first_bytes() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK)
    assert drive.to_client == b""


def test_secret_goes_on_the_wire_and_not_into_the_flow() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    assert b"authorization: Bearer the-real-secret" in drive.to_server()
    assert "authorization" not in drive.flows[0].request.headers


def test_flow_keeps_the_providers_own_answer() -> None:
    drive = Drive([FakeAttempt()])
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
    attempt = FakeAttempt()
    attempt.streaming = False
    drive = Drive([attempt])
    drive.post()
    drive.server_sends(OK + chunk(b'{"a":1}'))
    drive.server_sends(chunk(b"[DONE]") + END)
    assert b"content-length: 6" in drive.to_client
    assert b"transfer-encoding" not in drive.to_client
    assert body_of(drive.to_client) == b"[DONE]"


def test_two_requests_use_one_upstream_connection() -> None:
    drive = Drive([FakeAttempt(), FakeAttempt()])
    for _ in range(2):
        drive.post()
        drive.server_sends(OK + chunk(b"x [DONE]") + END)
    assert len(drive.servers) == 1
    assert drive.to_client.count(b"HTTP/1.1 200") == 2


def test_http_1_0_client_gets_no_chunks() -> None:
    drive = Drive([FakeAttempt()])
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


# -- interim answers --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_interim_answers_are_passed_over(cut: int) -> None:
    drive = Drive([FakeAttempt()])
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
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(raw)
    drive.server_closes() if not drive.closed else None
    assert status_of(drive.to_client) == 502
