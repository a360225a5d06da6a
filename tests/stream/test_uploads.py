"""A body that is passed on as it comes: asked early, both sides held up, early answers, ends on either side."""

import pytest

from addons.errors import GatewayError
from addons.upstream.upload import FULL_BYTES, Upload
from tests.support.door import DONE
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, OK, status_of

HEAD = b"POST /v1/files HTTP/1.1\r\nhost: localhost\r\n"
MADE = b"body"
"""What the Drive's plan makes of the beginning."""


class Enough:
    """Reads a body: enough is all up to the first `|`; it is to be read whole where `!` comes first. What has `?` in
    it must not go on, nor is it whole."""

    broken = False

    def feed(self, data: bytes) -> bool | None:
        return False if b"!" in data else True if b"|" in data else None

    def goes_on(self, upload: Upload) -> None:
        self.upload = upload

    def rest(self, data: bytes) -> None:
        if b"?" in data:
            raise GatewayError(400, "model: stands behind the file")

    def end(self) -> None:
        if self.broken:
            raise GatewayError(400, "no whole form")


def begun(*attempts: FakeAttempt, length: int = 10) -> Drive:
    drive = Drive([*attempts] or [FakeAttempt()], body_limit=100_000)
    drive.port.uploading = Enough()
    drive.client_sends(HEAD + b"content-length: %d\r\n\r\n" % length)
    return drive


def body_of(drive: Drive) -> bytes:
    return drive.sent[drive.servers[-1]].partition(b"\r\n\r\n")[2]


def held(drive: Drive) -> bool:
    return drive.wire.is_held


def test_the_provider_is_asked_before_the_body_is_whole() -> None:
    drive = begun()
    drive.client_sends(b"ab")
    assert not drive.servers
    drive.client_sends(b"|cd")
    assert body_of(drive) == MADE
    drive.client_sends(b"efg")
    drive.client_sends(b"hi")
    assert body_of(drive) == MADE + b"efghi"
    drive.server_sends(OK + DONE + END)
    assert status_of(drive.to_client) == 200
    drive.post()
    assert drive.log.count("request") == 2
    assert len(drive.servers) == 1


def test_what_cannot_be_told_early_is_read_whole() -> None:
    drive = begun()
    drive.client_sends(b"ab!|cdefg")
    assert not drive.servers
    drive.client_sends(b"h")
    assert body_of(drive) == MADE


@pytest.mark.parametrize("hook", ["request", "connect"])
def test_what_comes_while_nobody_can_take_it_goes_out_in_its_order(hook: str) -> None:
    drive = Drive([FakeAttempt()], hold={hook}, body_limit=100_000)
    drive.port.uploading = Enough()
    drive.client_sends(HEAD + b"content-length: 10\r\n\r\n")
    for piece in (b"ab|", b"cde", b"fghi"):
        drive.client_sends(piece)
    drive.complete()
    assert body_of(drive) == MADE + b"cdefghi"


def test_a_client_is_held_while_the_provider_takes_nothing() -> None:
    drive = Drive([FakeAttempt()], hold={"connect"}, body_limit=100_000)
    drive.port.uploading = Enough()
    drive.client_sends(HEAD + b"content-length: 1000000\r\n\r\n|")
    assert held(drive)
    drive.complete()
    assert not held(drive)
    link = drive.links[drive.servers[0]]
    link.waiting = FULL_BYTES + 1
    drive.client_sends(b"x")
    assert held(drive)
    link.receiver.taken()
    assert held(drive)
    link.waiting = 0
    link.receiver.taken()
    assert not held(drive)


@pytest.mark.parametrize("status", [401, 413])
def test_an_early_refusal_fails_the_attempt_and_ends_its_connection(status: int) -> None:
    drive = begun()
    drive.client_sends(b"ab|")
    drive.server_sends(b"HTTP/1.1 %d No\r\ncontent-length: 0\r\n\r\n" % status)
    assert drive.servers[0] in drive.closed
    assert status_of(drive.to_client) == 502
    assert b"connection: close" in drive.to_client.lower()


def test_while_only_the_beginning_went_out_another_attempt_has_all_of_it() -> None:
    drive = begun(FakeAttempt(), FakeAttempt(9001))
    drive.client_sends(b"ab|")
    drive.server_sends(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")
    drive.client_sends(b"cdefghi")
    assert body_of(drive) == MADE + b"cdefghi"
    assert len(drive.servers) == 2
    drive.server_sends(OK + DONE + END)
    assert status_of(drive.to_client) == 200


def test_a_client_that_leaves_ends_the_upload_at_once() -> None:
    drive = begun()
    drive.client_sends(b"ab|c")
    drive.client_leaves()
    assert drive.servers[0] in drive.closed


def test_an_upload_is_bounded() -> None:
    drive = begun(length=2**31)
    assert status_of(drive.to_client) == 413
    assert b"limits.upload_mb" in drive.to_client


def test_a_body_in_chunks_goes_on_until_it_is_malformed() -> None:
    drive = Drive([FakeAttempt()], body_limit=100_000)
    drive.port.uploading = Enough()
    drive.client_sends(HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nab|\r\n2\r\ncd\r\n")
    assert body_of(drive) == b"4\r\nbody\r\n2\r\ncd\r\n"
    drive.client_sends(b"zz\r\n")
    assert drive.servers[0] in drive.closed
    assert status_of(drive.to_client) == 400
