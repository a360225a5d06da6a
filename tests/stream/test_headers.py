"""The stream layer, event by event: what every answer says in its head, whatever became of the request."""

import pytest
from mitmproxy import http

from tests.support.drive import Check, Drive, FakeAttempt
from tests.support.http1 import END, OK, REFUSED, chunk, status_of


def streamed(drive: Drive) -> None:
    drive.post()
    drive.server_sends(OK + chunk(b"one [DONE]") + END)


def whole(drive: Drive) -> None:
    drive.port.attempts[0].streaming = False
    streamed(drive)


def begun_early(drive: Drive) -> None:
    drive.port.attempts[0].keepalive_before_first_token = True
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
    drive.port.attempts.clear()
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
    drive = Drive(
        [FakeAttempt()], extra_headers=(("vary", "Origin"), ("access-control-allow-origin", "https://app.example"))
    )
    course(drive)
    head = drive.to_client.partition(b"\r\n\r\n")[0]
    assert status_of(head) == ANSWERS[course]
    assert head.lower().count(b"vary: origin") == 1
    assert head.lower().count(b"access-control-allow-origin: https://app.example") == 1


def test_what_an_answer_says_itself_goes_first() -> None:
    drive = Drive(
        [], at_head=http.Response.make(204, b"", {"vary": "Origin, Accept"}), extra_headers=(("vary", "Origin"),)
    )
    drive.client_sends(b"OPTIONS / HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert drive.to_client.lower().count(b"vary:") == 1
    assert b"Origin, Accept" in drive.to_client
