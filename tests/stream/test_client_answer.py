"""The client's answer: its head, its last words, how it breaks off, and who is given up."""

import pytest

from addons.stream.client_end import H2_UNSENT_LIMIT_BYTES
from addons.stream.client_events import Left
from addons.stream.port import Fault
from addons.upstream.events import ENDED
from tests.stream.test_machine import CLOSED, begun
from tests.support.machine_drive import MachineDrive, PiecewiseAttempt, told


@pytest.mark.parametrize("streaming", [True, False])
def test_an_answer_of_no_bytes_has_its_head(streaming: bool) -> None:
    drive, attempt = begun()
    attempt.streaming = streaming
    assert told(drive.says(ENDED)) == "head:200 response Over SendEnd"
    assert drive.head is not None
    assert drive.head.headers.get("content-length") == (None if streaming else "0")


def test_behind_the_commit_point_last_words_end_the_answer() -> None:
    drive, attempt = begun(b"x ")
    assert told(drive.says(CLOSED)) == "data:data: {last words}\n\n response Over SendEnd"
    assert attempt.faults == [(Fault.CLOSED, "it ended")]


def test_where_nothing_of_ours_may_stand_the_answer_breaks_off() -> None:
    drive, attempt = begun(b"x ")
    attempt.keepalive = b""
    attempt.final_error_bytes = lambda: b""  # type: ignore[method-assign]
    assert told(drive.says(CLOSED)) == "response Over break:broken"


def test_a_client_that_was_only_kept_waiting_is_told_the_error_in_its_stream() -> None:
    first = PiecewiseAttempt()
    first.keepalive_before_first_token = first.asks_again = True
    drive = MachineDrive(first)
    drive.post()
    drive.connects()
    drive.tick(15)
    assert told(drive.says(CLOSED)) == "attempt_failed data:data: {last words}\n\n response Over SendEnd"


@pytest.mark.parametrize("piece", [b"y", b"y~z~[DONE]", b"y [DONE]"], ids=["some", "slowly", "the end"])
@pytest.mark.parametrize("shares", [True, False])
def test_an_h2_client_that_leaves_too_much_unread_is_given_up_once(piece: bytes, shares: bool) -> None:
    drive, _ = begun(b"x ", h2=True)
    drive.side.in_stream, drive.side.below = H2_UNSENT_LIMIT_BYTES, 0 if shares else 1
    first = piece.partition(b"~")[0].decode()
    ends = "Leave error Over break:not_read" if shares else "Leave Abort"
    assert told(drive.body(piece)) == f"data:{first} {ends}"
    assert told(drive.body(b"more")) == ""
    assert told(drive.feed(Left("it left"))) == ("" if shares else "error Over")
    drive.rules.are_kept_by(drive.machine)


def test_a_client_that_stopped_reading_is_given_up_in_time() -> None:
    drive, attempt = begun(b"x ", idle_s=20)
    drive.side.below = 2
    found = [told(drive.tick(15)) for _ in range(8)]
    assert found == [*[""] * 7, "Leave Abort"]
    assert not attempt.faults
    assert told(drive.feed(Left("it left"))) == "error Over"


def test_a_client_that_is_behind_holds_the_clock_of_its_provider() -> None:
    drive, attempt = begun(b"x ", idle_s=20)
    drive.side.below = 2
    drive.tick(15)
    drive.tick(15)
    drive.side.below = 0
    assert told(drive.tick(15)) == "data:: keep-alive\n\n"
    assert not attempt.faults
    drive.tick(5)
    assert [fault for fault, _ in attempt.faults] == [Fault.IDLE_TIMEOUT]


def test_an_h2_client_that_leaves_too_much_unread_is_not_kept_alive() -> None:
    """Of another stream of its connection; of its own answer it has nothing."""
    attempt = PiecewiseAttempt()
    attempt.keepalive_before_first_token = True
    drive = MachineDrive(attempt, h2=True)
    drive.post()
    drive.answers()
    drive.side.below = H2_UNSENT_LIMIT_BYTES
    assert told(drive.tick(15)) == "head:200 data:: keep-alive\n\n Leave Abort"
