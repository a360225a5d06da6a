"""The door, event by event: what is too much of a provider."""

import pytest

from addons.stream.port import Fault
from addons.upstream import http1
from tests.support.door import DONE, KEY
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, OK, status_of


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
    attempt = FakeAttempt()
    drive = Drive([attempt])
    drive.post()
    for at in range(0, len(raw), size):
        if drive.servers[0] not in drive.closed:
            drive.server_sends(raw[at : at + size])
    assert attempt.faults[0][0] is Fault.PROTOCOL
    assert KEY not in attempt.faults[0][1]
    assert drive.servers[0] in drive.closed
    assert status_of(drive.to_client) == 502


def test_two_hundred_fields_of_a_provider_are_read() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n" + b"a: b\r\n" * 198 + b"\r\n" + DONE + END)
    assert status_of(drive.to_client) == 200


def test_trailers_of_a_provider_are_read_past() -> None:
    drive = Drive([FakeAttempt(), FakeAttempt()])
    for _ in range(2):
        drive.post()
        drive.server_sends(OK + DONE + b"0\r\nx-t: 1\r\n\r\n")
    assert drive.to_client.count(b"HTTP/1.1 200") == 2
    assert len(drive.servers) == 1


def test_what_a_provider_sends_behind_its_answer_is_bounded() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + DONE)
    sent = 0
    while drive.servers[0] not in drive.closed:
        drive.server_sends(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        sent += 0x8000
    assert sent <= http1.DRAIN_BYTES + 0x8000


def test_what_nobody_asked_a_provider_for_is_not_told() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + DONE + END)
    drive.server_sends(b"EXTRA " + KEY.encode())
    assert drive.servers[0] in drive.closed
    assert KEY not in str(drive.logged)
