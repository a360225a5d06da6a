"""The stream layer, event by event: attempts one after another."""

import pytest

from addons.stream.port import Fault
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, OK, REFUSED, body_of, chunk, status_of


@pytest.mark.parametrize(
    "first_answer",
    [
        pytest.param(REFUSED, id="refused with a status"),
        pytest.param(OK + chunk(b"[FAIL]"), id="error inside a 200 stream"),
        pytest.param(b"HTTP/1.1 2oo nonsense\r\n\r\n", id="broken HTTP"),
    ],
)
def test_a_failure_before_the_commit_moves_on(first_answer: bytes) -> None:
    drive = Drive([FakeAttempt(9000), FakeAttempt(9001)])
    drive.post()
    drive.server_sends(first_answer, 0)
    assert drive.servers[1].address == ("127.0.0.1", 9001)
    drive.server_sends(OK + chunk(b"second [DONE]") + END, 1)
    assert status_of(drive.to_client) == 200
    assert body_of(drive.to_client) == chunk(b"second [DONE]") + END


def test_a_connection_closed_before_the_answer_moves_on() -> None:
    drive = Drive([FakeAttempt(9000), FakeAttempt(9001)])
    drive.post()
    drive.server_closes(0)
    assert drive.port.attempt is not None
    assert drive.port.attempt.target.port == 9001


def test_late_words_of_a_given_up_attempt_are_dropped() -> None:
    first, second = FakeAttempt(9000, first_token_s=10), FakeAttempt(9001)
    drive = Drive([first, second])
    drive.post()
    drive.server_sends(OK, 0)
    drive.tick(11)
    assert first.faults[0][0] is Fault.FIRST_TOKEN_TIMEOUT
    assert drive.servers[0] in drive.closed
    drive.server_sends(OK + chunk(b"right [DONE]") + END, 1)
    assert b"right" in drive.to_client


def test_connection_refused_ends_in_the_final_error_as_json() -> None:
    attempt = FakeAttempt()
    drive = Drive([attempt], connect_error="connection refused")
    drive.post()
    assert attempt.faults == [(Fault.CONNECT, "connection refused")]
    assert status_of(drive.to_client) == 502
    assert b"application/json" in drive.to_client


def test_tls_failure_is_told_apart() -> None:
    attempt = FakeAttempt()
    drive = Drive([attempt], connect_error="Certificate verify failed: self-signed certificate")
    drive.post()
    assert attempt.faults[0][0] is Fault.TLS


def test_the_final_error_after_a_refusal_leaves_the_providers_answer_in_the_flow() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(REFUSED)
    assert status_of(drive.to_client) == 502
    response = drive.flows[0].response
    assert response is not None
    assert response.status_code == 503
    assert response.data.content == b"busy"


def test_a_failure_after_the_commit_ends_with_the_last_words() -> None:
    drive = Drive([FakeAttempt(), FakeAttempt(9001)])
    drive.post()
    drive.server_sends(OK + chunk(b"some "))
    drive.server_closes()
    assert drive.to_client.endswith(chunk(b"some ") + chunk(b"data: {last words}\n\n") + END)
    assert len(drive.servers) == 1


def test_smuggling_headers_of_a_provider_fail_the_attempt() -> None:
    attempt = FakeAttempt()
    drive = Drive([attempt])
    drive.post()
    drive.server_sends(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n")
    assert attempt.faults
    assert status_of(drive.to_client) == 502
