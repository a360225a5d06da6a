"""A body that is passed on as it comes: asked early, both sides held up, early answers, ends on either side."""

from typing import Any, cast

import h2.events
import pytest

from addons.layers.events import Tick
from addons.layers.http2 import WINDOW_BYTES
from addons.stream.intake import PIECE_BYTES
from addons.stream.passed_body import LEAST_BYTES_PER_S
from addons.stream.port import Fault
from addons.upstream.upload import FULL_BYTES
from tests.layers.test_http2 import H2
from tests.support.door import DONE
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, OK, chunk, status_of
from tests.support.machine_drive import Enough

HEAD = b"POST /v1/files HTTP/1.1\r\nhost: localhost\r\n"
MADE = b"body"
"""What the Drive's plan makes of the beginning."""


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
    drive.client_sends(HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nab|\r\n")
    drive.client_sends(b"2\r\ncd\r\n")
    assert body_of(drive) == b"4\r\nbody\r\n2\r\ncd\r\n"
    drive.client_sends(b"zz\r\n")
    assert drive.servers[0] in drive.closed
    assert status_of(drive.to_client) == 400


# -- what must not go on, and early answers ---------------------------------------------------------------------------
def test_what_must_not_go_on_ends_the_upload_and_says_why() -> None:
    drive = begun()
    drive.client_sends(b"ab|c")
    drive.client_sends(b"?")
    assert body_of(drive) == MADE
    assert drive.servers[0] in drive.closed
    assert status_of(drive.to_client) == 400
    assert drive.port.refusal is not None


def test_a_body_that_is_not_whole_is_refused_though_all_has_come() -> None:
    drive = begun()
    cast(Any, drive.port.uploading).broken = True
    drive.client_sends(b"ab|cdefghi")
    drive.client_sends(b"")
    assert drive.servers[0] in drive.closed
    assert status_of(drive.to_client) == 400


def test_a_whole_answer_before_the_end_of_an_upload_is_given_out_and_both_connections_end() -> None:
    drive = begun()
    drive.client_sends(b"ab|")
    drive.client_sends(b"c")
    drive.server_sends(OK + DONE + END)
    assert status_of(drive.to_client) == 200
    assert b"connection: close" in drive.to_client.lower()
    assert drive.servers[0] in drive.closed
    assert drive.client in drive.half_closed


def test_an_answer_that_begins_early_goes_on_behind_the_upload() -> None:
    drive = begun()
    drive.client_sends(b"ab|")
    drive.client_sends(b"c")
    drive.server_sends(OK + chunk(b"first"))
    drive.client_sends(b"defghi")
    assert body_of(drive) == MADE + b"cdefghi"
    drive.server_sends(DONE + END)
    assert (b"first" in drive.to_client, b"[DONE]" in drive.to_client) == (True, True)


def test_an_upload_that_fails_behind_the_head_of_an_answer_ends_that() -> None:
    drive = begun()
    drive.client_sends(b"ab|")
    drive.client_sends(b"c")
    drive.server_sends(OK + chunk(b"first"))
    drive.client_sends(b"?")
    assert drive.to_client.count(b"HTTP/1.1") == 1
    assert b"last words" in drive.to_client
    assert drive.servers[0] in drive.closed


def test_a_client_that_waits_for_100_continue_gets_it_before_anybody_is_asked() -> None:
    drive = Drive([FakeAttempt()], body_limit=100_000)
    drive.port.uploading = Enough()
    drive.client_sends(HEAD + b"expect: 100-continue\r\ncontent-length: 4\r\n\r\n")
    assert drive.to_client.startswith(b"HTTP/1.1 100")
    drive.client_sends(b"ab|c")
    assert body_of(drive) == MADE + b""
    drive.server_sends(OK + DONE + END)
    assert b"HTTP/1.1 200" in drive.to_client


def test_a_form_that_must_be_whole_and_is_too_large_is_told_what_to_do() -> None:
    drive = begun(length=200_000)
    drive.client_sends(b"ab!")
    assert status_of(drive.to_client) == 413
    assert b"Put `model` before the file, or raise limits.body_mb" in drive.to_client
    drive = Drive([FakeAttempt()], body_limit=1000)
    drive.port.uploading = Enough()
    drive.client_sends(HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\n!\r\n")
    drive.client_sends(chunk(b"x" * 1000))
    assert b"Put `model` before the file" in drive.to_client


# -- time -------------------------------------------------------------------------------------------------------------
def test_a_client_that_stops_in_the_middle_is_told_so() -> None:
    drive = begun(length=2**22)
    drive.client_sends(b"ab|")
    drive.tick(200)
    drive.client_sends(b"c" * (200 * LEAST_BYTES_PER_S))
    drive.tick(299)
    assert not drive.to_client
    drive.tick(2)
    assert status_of(drive.to_client) == 408
    assert drive.servers[0] in drive.closed


def test_a_byte_now_and_then_does_not_keep_an_upload() -> None:
    drive = begun(length=1000)
    drive.client_sends(b"ab|")
    for _ in range(2):
        drive.tick(150)
        drive.client_sends(b"c")
    drive.tick(1)
    assert status_of(drive.to_client) == 408


def test_a_provider_that_takes_nothing_has_the_time_of_a_first_word() -> None:
    drive = begun(length=1000)
    drive.client_sends(b"ab|")
    drive.links[drive.servers[0]].waiting = FULL_BYTES + 1
    drive.client_sends(b"c")
    for _ in range(59):
        drive.tick(1)
    assert not drive.to_client
    drive.tick(2)
    assert status_of(drive.to_client) == 502
    assert drive.attempts[0].faults[0][0] is Fault.FIRST_TOKEN_TIMEOUT
    assert not held(drive)


def test_the_time_for_all_begins_when_the_upload_is_whole() -> None:
    piece = b"c" * (280 * LEAST_BYTES_PER_S)
    drive = begun(length=3 + 3 * len(piece))
    drive.client_sends(b"ab|")
    for _ in range(3):
        drive.tick(280)
        drive.client_sends(piece)
    drive.tick(59)
    assert not drive.to_client, "more than the time for all has passed"
    drive.server_sends(OK + DONE + END)
    assert status_of(drive.to_client) == 200


def test_the_first_word_is_waited_for_from_the_end_of_an_upload() -> None:
    drive = begun(length=4)
    drive.client_sends(b"ab|")
    drive.tick(200)
    drive.client_sends(b"c")
    drive.tick(59)
    assert not drive.to_client
    drive.tick(2)
    assert status_of(drive.to_client) == 502
    assert drive.attempts[0].faults[0][0] is Fault.FIRST_TOKEN_TIMEOUT


def test_while_an_attempt_is_planned_no_providers_time_runs() -> None:
    drive = Drive([FakeAttempt()], hold={"request", "connect"}, body_limit=100_000)
    drive.port.uploading = Enough()
    drive.client_sends(HEAD + b"content-length: 10\r\n\r\nab|")
    drive.tick(1000)
    drive.complete_hooks()
    drive.tick(1.1)
    assert not drive.to_client
    drive.complete()
    drive.client_sends(b"cdefghi")
    assert body_of(drive) == MADE + b"cdefghi"


def test_a_held_client_that_is_refused_is_held_no_more() -> None:
    drive = Drive([FakeAttempt()], hold={"connect"}, body_limit=100_000)
    drive.port.uploading = Enough()
    drive.client_sends(HEAD + b"content-length: 10\r\n\r\nab|")
    drive.client_sends(b"?")
    assert (status_of(drive.to_client), held(drive)) == (400, False)


@pytest.mark.parametrize("hook", ["request", "connect"])
def test_a_held_client_that_leaves_is_noticed(hook: str) -> None:
    drive = Drive([FakeAttempt()], hold={hook}, body_limit=100_000)
    drive.port.uploading = Enough()
    drive.client_sends(HEAD + b"content-length: 10\r\n\r\nab|")
    seen = []
    for left in (False, True):
        drive.wire.has_left = left
        drive.tick(1.1)
        seen.append(drive.wire.aborted)
    assert seen == [False, True]
    drive.client_leaves()
    assert drive.port.left == (hook == "request")


def test_a_gateway_that_ends_ends_uploads_with_a_word() -> None:
    drive = begun()
    drive.client_sends(b"ab|")
    (stream,) = drive.watch
    stream.ending = True
    drive.feed(Tick(stream))
    assert status_of(drive.to_client) == 502
    assert drive.servers[0] in drive.closed


# -- HTTP/2 -----------------------------------------------------------------------------------------------------------
def test_h2_a_held_stream_gets_no_window_back_and_the_others_go_on() -> None:
    drive = Drive([FakeAttempt(), FakeAttempt(9001)], alpn=b"h2", body_limit=100_000_000, hold={"connect"})
    drive.port.uploading = Enough()
    client = H2(drive)
    client.ask(1)
    client.speaking.send_data(1, b"|")
    client.flush()
    sent = 0
    while client.speaking.local_flow_control_window(1) > 0:
        size = min(16_384, client.speaking.local_flow_control_window(1))
        client.speaking.send_data(1, b"x" * size)
        sent += size
        client.flush()
        assert sent <= WINDOW_BYTES
    assert sent > WINDOW_BYTES // 2
    assert not held(drive), "the connection itself is read"
    drive.port.uploading = None
    client.ask(3)
    client.speaking.send_data(3, b"{}", end_stream=True)
    client.flush()
    drive.complete()
    client.flush()
    assert client.speaking.local_flow_control_window(1) >= WINDOW_BYTES - 16_384
    assert len(drive.servers) == 2
    assert len(body_of_server(drive, 0)) == len(MADE) + len(framed(sent))


def framed(size: int) -> bytes:
    """A body of that many `x` in chunks of one frame each."""
    pieces = [min(16_384, size - at) for at in range(0, size, 16_384)]
    return b"4\r\n\r\n" + b"".join(chunk(b"x" * piece) for piece in pieces)


def body_of_server(drive: Drive, server: int) -> bytes:
    return drive.sent[drive.servers[server]].partition(b"\r\n\r\n")[2]


def test_h2_a_stream_that_is_reset_ends_its_upload_alone() -> None:
    drive = Drive([FakeAttempt()], alpn=b"h2", body_limit=100_000)
    drive.port.uploading = Enough()
    client = H2(drive)
    client.ask(1)
    client.speaking.send_data(1, b"|more")
    client.flush()
    client.speaking.reset_stream(1)
    client.flush()
    assert drive.servers[0] in drive.closed
    assert not drive.client_closed()


def test_h2_an_early_refusal_resets_the_stream_alone() -> None:
    drive = Drive([FakeAttempt()], alpn=b"h2", body_limit=100_000)
    drive.port.uploading = Enough()
    client = H2(drive)
    client.ask(1)
    client.speaking.send_data(1, b"|")
    client.flush()
    client.speaking.send_data(1, b"more")
    client.flush()
    drive.server_sends(b"HTTP/1.1 429 No\r\ncontent-length: 0\r\n\r\n")
    client.flush()
    assert client.statuses == [b"502"]
    assert client.found(h2.events.StreamReset)
    client.speaking.ping(b"12345678")
    client.flush()
    assert client.found(h2.events.PingAckReceived)


def test_of_a_large_first_piece_no_more_is_kept_than_is_needed() -> None:
    """What comes while the head is judged is read in one."""
    drive = Drive([FakeAttempt()], body_limit=1_000_000)
    drive.port.uploading = Enough()
    rest = b"x" * (5 * PIECE_BYTES)
    drive.client_sends(HEAD + b"content-length: %d\r\n\r\n|" % (1 + len(rest)) + rest)
    assert drive.deps.body_budget.total == PIECE_BYTES
    assert body_of(drive) == MADE + rest[PIECE_BYTES - 1 :]


def test_a_client_whose_body_has_all_come_is_held_no_more() -> None:
    """Else nobody would hear that it leaves, while providers are asked one after the other."""
    drive = Drive([FakeAttempt()], hold={"connect"}, body_limit=100_000)
    drive.port.uploading = Enough()
    drive.client_sends(HEAD + b"content-length: 10\r\n\r\nab|")
    assert held(drive)
    drive.client_sends(b"cdefghi")
    assert not held(drive)


def test_a_provider_that_falls_behind_late_has_its_time_from_then_on() -> None:
    """Nothing waited for it before: it was the client that was slow."""
    drive = begun(length=1000)
    drive.client_sends(b"ab|")
    for _ in range(10):
        drive.tick(20)
        drive.client_sends(b"c")
    drive.links[drive.servers[0]].waiting = FULL_BYTES + 1
    drive.client_sends(b"c")
    drive.tick(30)
    assert not drive.to_client
    drive.tick(31)
    assert drive.attempts[0].faults[0][0] is Fault.FIRST_TOKEN_TIMEOUT


@pytest.mark.parametrize("status", [302, 401])
def test_an_early_refusal_ends_the_upload_though_its_own_body_still_comes(status: int) -> None:
    """What the client still sends is nobody's then: no word of it makes another answer."""
    drive = begun(length=1000)
    drive.client_sends(b"ab|")
    drive.client_sends(b"c")
    drive.server_sends(b"HTTP/1.1 %d No\r\ncontent-length: 2\r\n\r\n" % status)
    drive.client_sends(b"d?")
    assert body_of(drive) == MADE + b"c"
    assert not drive.to_client
    drive.server_sends(b"{}")
    assert status_of(drive.to_client) == 502


@pytest.mark.parametrize("status", [302, 401])
def test_an_early_refusal_of_the_beginning_holds_the_client_until_another_is_asked(status: int) -> None:
    drive = begun(FakeAttempt(), FakeAttempt(9001))
    drive.client_sends(b"ab|")
    drive.server_sends(b"HTTP/1.1 %d No\r\ncontent-length: 2\r\n\r\n" % status)
    assert held(drive)
    drive.server_sends(b"{}")
    assert not held(drive)
    drive.client_sends(b"cdefghi")
    assert body_of(drive) == MADE + b"cdefghi"


def test_a_refusal_behind_the_whole_body_holds_nobody() -> None:
    drive = begun(length=3)
    drive.client_sends(b"ab|")
    assert body_of(drive) == MADE
    drive.server_sends(b"HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\n")
    assert not held(drive)
