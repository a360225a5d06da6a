"""What comes while a hook runs: each state of a request, each event, and a person who drops the flow meanwhile."""

from collections.abc import Callable

import pytest
from mitmproxy import http
from mitmproxy.flow import Error

from addons.stream.client_events import END, Data, Left
from addons.stream.machine_events import TICKED, WOKEN, MachineEvent
from addons.upstream.events import ENDED, Body
from tests.support.counting import work_of
from tests.support.machine_drive import MachineDrive, PiecewiseAttempt, told

LEFT = Left("it left")


def at_head() -> MachineDrive:
    drive = MachineDrive(PiecewiseAttempt())
    drive.hold = {"requestheaders"}
    drive.head_comes(content_length="2")
    return drive


def refused_at_head() -> MachineDrive:
    drive = MachineDrive(at_head=http.Response.make(401, b"no"))
    drive.hold = {"response"}
    drive.head_comes(content_length="2")
    return drive


def planned(*others: PiecewiseAttempt) -> MachineDrive:
    drive = MachineDrive(PiecewiseAttempt(), *others)
    drive.hold = {"request"}
    drive.post()
    return drive


def in_hook(name: str, *pieces: bytes) -> MachineDrive:
    """One whose provider has answered so much, while that hook runs."""
    drive = MachineDrive(PiecewiseAttempt())
    drive.hold = {name}
    drive.post()
    drive.answers(*pieces)
    return drive


def answered() -> MachineDrive:
    return in_hook("responseheaders")


def failed() -> MachineDrive:
    return in_hook("attempt_failed", b"[FAIL]")


def told_an_error() -> MachineDrive:
    return in_hook("response", b"[FAIL]")


def read_in_turns() -> MachineDrive:
    return in_hook("give_way", b"a~b")


def ended() -> MachineDrive:
    return in_hook("response", b"x [DONE]")


IN_HOOKS = [at_head, refused_at_head, planned, answered, failed, told_an_error, read_in_turns, ended]


@pytest.mark.parametrize("begin", IN_HOOKS)
@pytest.mark.parametrize("event", [TICKED, WOKEN, Data(b"x"), END, LEFT], ids=lambda event: type(event).__name__)
def test_nothing_is_done_while_a_hook_runs(begin: Callable[[], MachineDrive], event: MachineEvent) -> None:
    assert begin().feed(event) == []


@pytest.mark.parametrize(
    ("begin", "commands"),
    [
        (at_head, "error break:killed Over"),
        (refused_at_head, "break:killed Over"),
        (planned, "error break:killed Over"),
        (answered, "Leave error break:killed Over"),
        (failed, "error break:killed Over"),
        (told_an_error, "break:killed Over"),
        (read_in_turns, "Leave error break:killed Over"),
        (ended, "Over break:killed"),
    ],
)
def test_a_flow_that_a_person_drops_in_a_hook_gets_no_answer_that_looks_whole(
    begin: Callable[[], MachineDrive], commands: str
) -> None:
    drive = begin()
    drive.hold = set()
    drive.kill()
    assert told(drive.hook_done()) == commands
    assert drive.machine.flow.error is not None
    assert drive.machine.flow.error.msg == Error.KILLED_MESSAGE
    drive.rules.are_kept_by(drive.machine)


@pytest.mark.parametrize(
    ("begin", "commands"),
    [
        (at_head, "error break:killed Over"),
        (refused_at_head, "break:killed Over"),
        (planned, "error break:killed Over"),
        (answered, "Leave error break:killed Over"),
        (failed, "error break:killed Over"),
        (told_an_error, "break:killed Over"),
        (read_in_turns, "Leave error break:killed Over"),
        (ended, "Over SendEnd"),
    ],
)
@pytest.mark.parametrize("before", [[], [TICKED, WOKEN]], ids=["alone", "behind others"])
def test_a_client_that_leaves_in_a_hook_ends_its_request_behind_it(
    begin: Callable[[], MachineDrive], commands: str, before: list[MachineEvent]
) -> None:
    drive = begin()
    drive.hold = set()
    for event in [*before, LEFT]:
        drive.feed(event)
    assert drive.port.left, "what is under way for it hears at once"
    assert told(drive.hook_done()) == commands
    drive.rules.are_kept_by(drive.machine)


def test_what_came_in_a_hook_is_heard_in_its_order() -> None:
    drive = at_head()
    drive.hold = set()
    drive.feed(Data(b"{"))
    drive.feed(Data(b"}"))
    drive.feed(END)
    assert told(drive.hook_done()) == "request Ask"
    drive.hold = {"responseheaders"}
    drive.answers()
    for said in (Body([b"one "]), Body([b"two [DONE]"]), ENDED):
        drive.says(said)
    assert told(drive.hook_done()) == "head:200 data:one  data:two [DONE] Finish response Over SendEnd"


def test_what_comes_behind_the_end_of_a_request_in_its_last_hook_is_not_heard() -> None:
    drive = ended()
    drive.hold = set()
    for event in (Data(b"x"), WOKEN, TICKED):
        drive.feed(event)
    assert told(drive.hook_done()) == "Over SendEnd"


def test_a_hook_may_follow_another_while_things_wait() -> None:
    drive = at_head()
    drive.hold = {"request"}
    for event in (Data(b"{}"), END):
        drive.feed(event)
    assert told(drive.hook_done()) == "request"
    drive.feed(LEFT)
    assert told(drive.hook_done()) == "error break:killed Over"


def test_ticks_do_not_pile_up_although_the_gateway_stops() -> None:
    drive = planned(PiecewiseAttempt())
    for _ in range(100):
        drive.stops()
    drive.hold = set()
    assert told(drive.hook_done()) == "Ask Leave attempt_failed Ask"


def test_a_clock_that_ticks_in_a_hook_waits_for_nothing() -> None:
    drive = answered()
    drive.hold = set()
    for _ in range(100):
        drive.feed(TICKED)
    assert drive.hook_done() == []


def in_many_reads(pieces: int) -> Callable[[], object]:
    drive = MachineDrive(PiecewiseAttempt())
    drive.post()
    drive.answers(b"x ")
    return lambda: [drive.body(b"word ") for _ in range(pieces)]


def in_one_read(pieces: int) -> Callable[[], object]:
    drive = MachineDrive(PiecewiseAttempt())
    drive.post()
    drive.answers(b"x ")
    return lambda: drive.body(*[b"word "] * pieces)


def in_turns(pieces: int) -> Callable[[], object]:
    drive = MachineDrive(PiecewiseAttempt())
    drive.post()
    drive.answers(b"x ")
    return lambda: drive.body(*[b"a~b"] * pieces)


def in_a_hook(pieces: int) -> Callable[[], object]:
    drive = answered()
    drive.hold = set()
    for _ in range(pieces):
        drive.body(b"word ")
    return drive.hook_done


@pytest.mark.parametrize("work", [in_many_reads, in_one_read, in_turns, in_a_hook])
def test_the_work_of_a_request_grows_with_its_pieces(work: Callable[[int], Callable[[], object]]) -> None:
    small, large = (work_of(work(pieces))[1] for pieces in (200, 800))
    assert large < 4.5 * small
