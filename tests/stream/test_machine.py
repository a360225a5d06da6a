"""A request's machine by itself: events in, commands out. How its answers come, end, fail and are kept alive."""

import json
from collections.abc import Callable

import pytest
from mitmproxy import http

from addons.errors import GatewayError
from addons.stream.client_end import H2_UNSENT_LIMIT_BYTES
from addons.stream.client_events import END, Data, Left, Refused
from addons.stream.machine_events import TICKED, WOKEN, FromProvider
from addons.stream.port import Fault
from addons.upstream.events import ENDED, RECONNECTING, Body, Broken, NoConnection
from tests.support.machine_drive import Enough, MachineDrive, PiecewiseAttempt, answered, told

NO_ANSWER = 'head:502 data:{"error":{}} Over SendEnd'
"""What the plan says when it has no other attempt."""
CLOSED = Broken("it ended", closed=True)


def begun(*pieces: bytes, h2: bool = False, **timers: float) -> tuple[MachineDrive, PiecewiseAttempt]:
    """A request whose provider has answered with these pieces."""
    attempt = PiecewiseAttempt(**timers)
    drive = MachineDrive(attempt, h2=h2)
    drive.post()
    drive.answers(*pieces)
    return drive, attempt


# -- the plain way ----------------------------------------------------------------------------------------------------
def test_a_request_step_by_step() -> None:
    drive = MachineDrive(PiecewiseAttempt())
    assert told(drive.head_comes(content_length="2")) == "requestheaders"
    assert told(drive.feed(Data(b"{}"))) == ""
    assert told(drive.feed(END)) == "request Ask"
    assert told(drive.connects()) == ""
    assert told(drive.says(answered())) == "responseheaders"
    assert told(drive.body(b"one ", b"two ")) == "head:200 data:one two "
    assert told(drive.body(b"[DONE]", b"never read")) == "data:[DONE] Finish response Over SendEnd"
    assert told(drive.body(b"late")) == told(drive.feed(Left("it left"))) == told(drive.feed(TICKED)) == ""
    drive.rules.are_kept_by(drive.machine)


@pytest.mark.parametrize("heard", [True, False])
def test_an_answer_that_comes_whole(heard: bool) -> None:
    attempt = PiecewiseAttempt()
    attempt.streaming = False
    drive = MachineDrive(attempt, heads_are_heard=heard)
    drive.post()
    said = told(drive.says(answered(), Body([b"a", b"[DONE]"]), ENDED))
    assert said == "responseheaders " * heard + "head:200 data:[DONE] Finish response Over SendEnd"


@pytest.mark.parametrize("streaming", [True, False])
def test_an_answer_of_no_bytes_has_its_head(streaming: bool) -> None:
    drive, attempt = begun()
    attempt.streaming = streaming
    assert told(drive.says(ENDED)) == "head:200 response Over SendEnd"
    assert drive.head is not None
    assert drive.head.headers.get("content-length") == (None if streaming else "0")


def test_an_answer_that_is_whole_before_its_body_leaves_the_provider_where_it_closes_early() -> None:
    drive, attempt = begun(b"x")
    attempt.closes_early = True
    assert told(drive.body(b"[DONE]")) == "data:[DONE] Leave response Over SendEnd"


def test_nothing_is_sent_without_a_plan() -> None:
    drive = MachineDrive(plan=False)
    assert told(drive.post()) == "requestheaders request responseheaders response head:500 data Over SendEnd"


# -- what follows a failure -------------------------------------------------------------------------------------------
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


def test_behind_the_commit_point_last_words_end_the_answer() -> None:
    drive, attempt = begun(b"x ")
    assert told(drive.says(CLOSED)) == "data:data: {last words}\n\n response Over SendEnd"
    assert attempt.faults == [(Fault.CLOSED, "it ended")]


def test_where_nothing_of_ours_may_stand_the_answer_breaks_off() -> None:
    drive, attempt = begun(b"x ")
    attempt.keepalive = b""
    attempt.final_error_bytes = lambda: b""  # type: ignore[method-assign]
    assert told(drive.says(CLOSED)) == "response Over break:broken"


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


def test_a_client_that_was_only_kept_waiting_is_told_the_error_in_its_stream() -> None:
    first = PiecewiseAttempt()
    first.keepalive_before_first_token = first.asks_again = True
    drive = MachineDrive(first)
    drive.post()
    drive.connects()
    drive.tick(15)
    assert told(drive.says(CLOSED)) == "attempt_failed data:data: {last words}\n\n response Over SendEnd"


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


# -- time -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("timers", "pieces", "after_s", "fault"),
    [
        ({"connect_s": 5}, None, 5, Fault.CONNECT_TIMEOUT),
        ({"first_token_s": 9}, (), 9, Fault.FIRST_TOKEN_TIMEOUT),
        ({"idle_s": 9}, (b"x ",), 9, Fault.IDLE_TIMEOUT),
        ({"total_s": 9}, (b"x ",), 9, Fault.TOTAL_TIMEOUT),
        ({"total_s": 9}, (), 9, Fault.TOTAL_TIMEOUT),
    ],
    ids=["connect", "first word", "silence", "whole", "whole, no word"],
)
def test_each_time_that_a_provider_has(
    timers: dict[str, float], pieces: tuple[bytes, ...] | None, after_s: float, fault: Fault
) -> None:
    attempt = PiecewiseAttempt(**timers)
    drive = MachineDrive(attempt)
    drive.post()
    if pieces is not None:
        drive.answers(*pieces)
    assert told(drive.tick(after_s - 0.1)) == ""
    assert told(drive.tick(0.1)).startswith("Leave ")
    assert [found for found, _ in attempt.faults] == [fault]
    drive.rules.are_kept_by(drive.machine)


def test_a_client_is_kept_alive_again_and_again() -> None:
    drive, _ = begun(b"x ", idle_s=100)
    assert [told(drive.tick(15)) for _ in range(3)] == ["data:: keep-alive\n\n"] * 3


def test_where_nothing_of_ours_may_stand_nothing_is_sent_to_keep_a_client() -> None:
    drive, attempt = begun(b"x ", idle_s=40)
    attempt.keepalive = b""
    assert told(drive.tick(15)) == ""
    assert drive.machine.deadline == drive.now + 15
    drive.tick(15)
    drive.tick(10)
    assert [fault for fault, _ in attempt.faults] == [Fault.IDLE_TIMEOUT]


def test_an_answer_without_its_end_mark_settles() -> None:
    drive, _ = begun(b"x [LAST]", settle_s=2)
    assert told(drive.tick(1.9)) == ""
    assert told(drive.tick(0.1)) == "data:settled Leave response Over SendEnd"


def test_an_answer_that_waits_for_others_is_kept_alive_and_bounded_although_it_was_to_settle() -> None:
    drive, attempt = begun(b"x [LAST]", settle_s=2, total_s=40, idle_s=100)
    attempt.ended, attempt.waits = False, True  # its end mark has come, and others beside it have not
    assert told(drive.tick(2)) == ""
    assert told(drive.tick(13)) == "data:: keep-alive\n\n"
    drive.tick(15)
    assert told(drive.tick(10)) == "Leave data:data: {last words}\n\n response Over SendEnd"
    assert [fault for fault, _ in attempt.faults] == [Fault.TOTAL_TIMEOUT]


def test_the_gateway_that_stops_ends_a_request() -> None:
    drive, attempt = begun(b"x ")
    assert told(drive.stops()) == "Leave data:data: {last words}\n\n response Over SendEnd"
    assert [fault for fault, _ in attempt.faults] == [Fault.STOPPED]


@pytest.mark.parametrize("uploading", [None, Enough()], ids=["whole", "passed on"])
def test_the_gateway_that_stops_refuses_a_request_whose_body_still_comes(uploading: Enough | None) -> None:
    drive = MachineDrive(PiecewiseAttempt(), uploading=uploading)
    drive.head_comes(content_length="9")
    drive.feed(Data(b"{"))
    assert told(drive.stops()) == "error head:503 data Over SendEnd"
    assert drive.port.refusal == (503, "shutting_down")
    assert json.loads(drive.sent)["error"]["code"] == "shutting_down"
    assert drive.deps.body_budget.total == 0
    drive.rules.are_kept_by(drive.machine)


# -- beside -----------------------------------------------------------------------------------------------------------
def test_what_comes_from_beside_is_given_out() -> None:
    drive, attempt = begun(b"x ")
    attempt.rest = b"more "
    assert told(drive.feed(WOKEN)) == "data:more "
    assert told(drive.feed(WOKEN)) == ""


def test_an_answer_that_waits_for_what_is_beside_outlives_its_provider() -> None:
    drive, attempt = begun(b"x ")
    attempt.waits = True
    attempt.end = lambda: b""  # type: ignore[method-assign]
    assert told(drive.says(ENDED)) == ""
    attempt.rest = b"more [DONE]"
    assert told(drive.feed(WOKEN)) == "data:more [DONE] Finish response Over SendEnd"


@pytest.mark.parametrize("piece", [b"x [LOST]", b"x~y~[LOST]"], ids=["at once", "slowly"])
def test_nothing_behind_a_stream_that_was_lost_is_read_of_it(piece: bytes) -> None:
    drive, attempt = begun()
    assert told(drive.body(piece, b"stale")).endswith("Leave")
    assert b"stale" not in attempt.read
    assert told(drive.body(b"late")) == ""
    assert told(drive.tick(15)) == "data:: keep-alive\n\n"
    attempt.rest = b"rest [DONE]"
    assert told(drive.feed(WOKEN)) == "data:rest [DONE] response Over SendEnd"


# -- much at once -----------------------------------------------------------------------------------------------------
def test_what_is_much_is_read_in_turns_over_several_pieces() -> None:
    drive, attempt = begun()
    said = told(drive.body(b"a~b", b"c", b"d~e~f", b"g"))
    assert said == "head:200 data:a give_way data:bcd give_way data:e give_way data:fg"
    assert attempt.read == [b"a", b"b", b"c", b"d", b"e", b"f", b"g"]
    assert told(drive.body(b"x~y [DONE]~z", b"z")) == "data:x give_way data:y [DONE] Finish response Over SendEnd"


def test_so_many_large_pieces_as_one_read_can_have_are_read() -> None:
    drive, attempt = begun()
    drive.body(*[b"a~b"] * 3000)
    assert len(attempt.read) == 6000
    assert drive.hooks.count("give_way") == 3000


def killed(drive: MachineDrive) -> None:
    drive.kill()


def left(drive: MachineDrive) -> None:
    drive.feed(Left("it left"))


@pytest.mark.parametrize("ends", [killed, left])
def test_reading_in_turns_ends_with_its_request(ends: Callable[[MachineDrive], None]) -> None:
    drive, attempt = begun()
    drive.hold = {"give_way"}
    drive.body(b"a~b~c", b"d")
    ends(drive)
    assert told(drive.hook_done()) == "Leave error break:killed Over"
    assert attempt.read == [b"a"]


# -- a client that does not read --------------------------------------------------------------------------------------
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


# -- the body is refused, the answer under way ------------------------------------------------------------------------
def test_who_breaks_its_body_is_refused_only_while_that_comes() -> None:
    refused = Refused(GatewayError(400, "malformed"))
    drive = MachineDrive(PiecewiseAttempt())
    drive.head_comes(transfer_encoding="chunked")
    assert told(drive.feed(refused)) == "error head:400 data Over SendEnd"
    drive, _ = begun(b"x ")
    assert told(drive.feed(refused)) == ""


def test_an_answer_of_another_addon_takes_the_place_of_the_plan() -> None:
    drive = MachineDrive(PiecewiseAttempt(), plan=False)
    drive.at_hook = lambda hook: setattr(hook.args()[0], "response", http.Response.make(204))
    assert told(drive.post()).endswith("response head:204 Over SendEnd")
