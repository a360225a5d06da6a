"""The door, event by event: heads of requests."""

import pytest

from tests.support.door import cuts, error_of, refusal
from tests.support.drive import Drive
from tests.support.http1 import status_of


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
