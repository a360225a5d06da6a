"""The stream layer, event by event: clients that leave, and clients that take their time."""

from addons.stream import connection_end
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, OK, chunk, status_of


# -- a client that leaves ---------------------------------------------------------------------------------------------
def test_client_leaving_mid_stream_closes_the_provider_connection() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + chunk(b"x "))
    drive.client_leaves()
    assert drive.servers[0] in drive.closed
    assert drive.log[-1] == "error"
    assert not drive.watch


def test_client_leaving_while_an_attempt_is_planned_is_told_at_once() -> None:
    drive = Drive([FakeAttempt()], hold={"request"})
    drive.post()
    drive.client_leaves()
    assert drive.port.left
    drive.complete()
    assert drive.servers == []


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
    drive.tick(connection_end.LINGER_S)
    assert drive.watch == set()


def test_a_quiet_connection_may_stay() -> None:
    drive = Drive([FakeAttempt()])
    drive.tick(31)
    drive.post()
    drive.server_sends(OK + chunk(b"x [DONE]") + END)
    drive.tick(31)
    assert not drive.client_closed()
    assert drive.watch == set()


def test_the_head_of_a_second_request_is_timed_too() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + chunk(b"x [DONE]") + END)
    drive.client_sends(b"GET /v1/mod")
    drive.tick(31)
    assert b"HTTP/1.1 408" in drive.to_client


def test_a_client_that_stops_reading_is_given_up() -> None:
    attempt = FakeAttempt()
    drive = Drive([attempt])
    drive.post()
    drive.server_sends(OK + chunk(b"x" * 100))
    drive.wire.waiting = 60
    for _ in range(8):
        drive.tick(15)
        assert not drive.wire.aborted, drive.now
    drive.tick(15)
    assert drive.wire.aborted
    assert attempt.faults == [], "the provider is not to blame"
    drive.client_leaves()  # which is what comes of it
    assert drive.servers[0] in drive.closed
    assert drive.log[-1] == "error"


def test_a_client_that_reads_slowly_is_waited_for() -> None:
    drive = Drive([FakeAttempt(total_s=10_000)])
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
    attempt = FakeAttempt(total_s=100)
    drive = Drive([attempt])
    drive.post()
    drive.server_sends(OK + chunk(b"x" * 1000))
    for waiting in range(900, 0, -100):
        drive.wire.waiting = waiting
        drive.tick(15)
    assert drive.wire.aborted
    assert attempt.faults == []
