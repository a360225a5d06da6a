"""The attempts of a request: what is tried anew, and whose words are heard."""

import pytest

from addons.stream.machine_events import FromProvider
from addons.stream.port import Fault
from addons.upstream.events import ENDED, RECONNECTING, Body, NoConnection
from tests.stream.test_machine import CLOSED, NO_ANSWER
from tests.support.machine_drive import MachineDrive, PiecewiseAttempt, answered, told


@pytest.mark.parametrize(
    ("said", "leaves"),
    [
        ((NoConnection("refused"),), ""),
        ((CLOSED,), ""),
        ((answered(), Body([b"[FAIL]"])), "Leave "),
        ((answered(503), ENDED), ""),
    ],
    ids=["no connection", "broken", "failed", "refused"],
)
@pytest.mark.parametrize("others", [0, 1])
def test_what_fails_before_the_commit_point_is_tried_anew(said: tuple[object, ...], leaves: str, others: int) -> None:
    drive = MachineDrive(*(PiecewiseAttempt() for _ in range(1 + others)), heads_are_heard=False)
    drive.post()
    found = told(drive.says(*said))  # type: ignore[arg-type]
    local = "" if leaves or len(said) > 1 else "responseheaders "
    assert found == f"{leaves}attempt_failed " + ("Ask" if others else f"{local}response {NO_ANSWER}")


def test_a_client_that_was_only_kept_waiting_waits_for_the_next_attempt() -> None:
    first, second = PiecewiseAttempt(), PiecewiseAttempt()
    first.keepalive_before_first_token = first.asks_again = True
    drive = MachineDrive(first, second)
    drive.post()
    drive.connects()
    assert told(drive.tick(15)) == "head:200 data:: keep-alive\n\n"
    assert told(drive.says(CLOSED)) == "attempt_failed Ask"
    drive.answers(b"x ")
    assert told(drive.body(b"[DONE]")) == "data:[DONE] Finish response Over SendEnd"


def test_an_account_without_its_secrets_is_not_asked() -> None:
    first, second = PiecewiseAttempt(), PiecewiseAttempt()
    first.has_secrets = False
    drive = MachineDrive(first, second)
    assert told(drive.post()) == "requestheaders request attempt_failed Ask"
    assert drive.rules.asked == 1


@pytest.mark.parametrize(
    "said", [Body([b"x [DONE]"]), ENDED, CLOSED, NoConnection("refused"), answered(), RECONNECTING]
)
def test_late_words_of_an_earlier_ask_are_not_heard(said: object) -> None:
    drive = MachineDrive(PiecewiseAttempt(), PiecewiseAttempt())
    drive.post()
    drive.answers(b"[FAIL]")
    assert drive.rules.asked == 2
    assert told(drive.feed(FromProvider(1, (said,)))) == ""  # type: ignore[arg-type]
    drive.answers(b"two ")
    assert told(drive.feed(FromProvider(1, (said,)))) == ""  # type: ignore[arg-type]
    assert told(drive.body(b"[DONE]")) == "data:[DONE] Finish response Over SendEnd"
    assert drive.sent == b"two [DONE]"


def test_what_one_read_says_behind_the_failure_of_its_attempt_is_not_heard() -> None:
    drive = MachineDrive(PiecewiseAttempt(), PiecewiseAttempt())
    drive.post()
    drive.says(answered(), Body([b"[FAIL]"]), Body([b"late"]), CLOSED)
    assert drive.rules.asked == 2
    assert drive.sent == b""


def test_who_has_words_of_an_answer_waits_for_no_other_attempt() -> None:
    first = PiecewiseAttempt()
    first.asks_again = True
    drive = MachineDrive(first, PiecewiseAttempt())
    drive.post()
    drive.answers(b"x ")
    assert told(drive.says(CLOSED)) == "data:data: {last words}\n\n response Over SendEnd"


@pytest.mark.parametrize(
    ("why", "fault"),
    [
        ("Certificate verify failed: hostname mismatch", Fault.TLS),
        ("TLS handshake failed", Fault.TLS),
        ("connection refused", Fault.CONNECT),
    ],
)
def test_why_there_is_no_connection_says_whose_fault_it_is(why: str, fault: Fault) -> None:
    attempt = PiecewiseAttempt()
    drive = MachineDrive(attempt)
    drive.post()
    drive.says(NoConnection(why))
    assert attempt.faults == [(fault, why)]
