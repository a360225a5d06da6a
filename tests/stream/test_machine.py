"""A request's machine by itself: events in, commands out. How providers are heard, and their times."""

import json
from collections.abc import Callable

import pytest

from addons.errors import GatewayError
from addons.stream.client_events import END, Data, Left, Refused
from addons.stream.machine_events import TICKED, WOKEN
from addons.stream.port import Fault
from addons.upstream.events import ENDED, Body, Broken
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


def test_an_answer_that_is_whole_before_its_body_leaves_the_provider_where_it_closes_early() -> None:
    drive, attempt = begun(b"x")
    attempt.closes_early = True
    assert told(drive.body(b"[DONE]")) == "data:[DONE] Leave response Over SendEnd"


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


def test_each_word_ends_a_silence() -> None:
    drive, attempt = begun(b"x ", idle_s=10)
    for _ in range(3):
        drive.tick(9)
        drive.body(b": comment")
    assert not attempt.faults
    drive.tick(10)
    assert [fault for fault, _ in attempt.faults] == [Fault.IDLE_TIMEOUT]


def test_of_what_the_client_is_to_have_whole_the_first_word_is_the_whole() -> None:
    drive, attempt = begun(b": comment", first_token_s=40)
    attempt.silent_until_whole, attempt.first_token_at = True, drive.now
    drive.body(b": comment")
    assert told(drive.tick(39)) == ""
    assert told(drive.tick(1)).startswith("Leave ")
    assert [fault for fault, _ in attempt.faults] == [Fault.FIRST_TOKEN_TIMEOUT]


def test_what_a_client_has_not_read_of_another_answer_leaves_the_provider_its_times() -> None:
    drive, attempt = begun()
    drive.side.below = 2
    assert told(drive.tick(59)) == ""
    assert told(drive.tick(1)).startswith("Leave ")
    assert [fault for fault, _ in attempt.faults] == [Fault.FIRST_TOKEN_TIMEOUT]


def test_a_connection_may_take_less_than_a_look_at_a_held_client() -> None:
    drive = MachineDrive(PiecewiseAttempt(connect_s=0.5), uploading=Enough())
    drive.head_comes(content_length="9")
    drive.feed(Data(b"a|"))
    assert drive.machine.deadline == drive.now + 0.5


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


def test_what_comes_from_beside_ends_a_silence() -> None:
    drive, attempt = begun(b"x ", idle_s=10)
    drive.tick(9)
    attempt.rest = b"more "
    drive.feed(WOKEN)
    assert told(drive.tick(9)) == ""
    assert told(drive.tick(1)).startswith("Leave ")


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


# -- the body is refused, the answer under way ------------------------------------------------------------------------
def test_who_breaks_its_body_is_refused_only_while_that_comes() -> None:
    refused = Refused(GatewayError(400, "malformed"))
    drive = MachineDrive(PiecewiseAttempt())
    drive.head_comes(transfer_encoding="chunked")
    assert told(drive.feed(refused)) == "error head:400 data Over SendEnd"
    drive, _ = begun(b"x ")
    assert told(drive.feed(refused)) == ""


# -- a fault of the course itself ---------------------------------------------------------------------------------
@pytest.mark.parametrize("hook", ["request", "responseheaders", "response"])
def test_what_cannot_go_on_ends_as_when_its_client_has_left(hook: str) -> None:
    drive = MachineDrive(PiecewiseAttempt())
    drive.hold = {hook}
    drive.post()
    if hook != "request":
        drive.answers(b"one[DONE]")
    drive.feed(Left("it left"))
    assert drive.held is not None
    assert told(drive.machine.give_up()) == ("Leave error" if hook == "responseheaders" else "error")
    assert told(drive.machine.hook_done()) == "Over"
    assert told(drive.machine.give_up()) == "", "it is over"


def test_what_failed_before_there_was_a_flow_has_nobody_to_be_told() -> None:
    drive = MachineDrive()
    assert told(drive.machine.give_up()) == ""
