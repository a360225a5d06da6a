"""The stream layer, event by event: how an answer ends before its body does, or without its end mark."""

import pytest

from addons.layers.events import Tick
from addons.stream.port import Fault
from addons.upstream import pool
from tests.support.drive import Drive, FakeAttempt
from tests.support.http1 import END, OK, body_of, chunk, status_of


# -- an answer that is complete before its body is --------------------------------------------------------------------
def test_answer_ends_at_once_although_the_provider_keeps_the_body_open() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + chunk(b"x [DONE]"))
    assert drive.to_client.endswith(END)
    assert drive.servers[0] not in drive.closed
    drive.tick(pool.DRAIN_S + 0.1)
    assert drive.servers[0] in drive.closed


def test_an_answer_of_no_bytes_is_an_answer() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + END)
    assert status_of(drive.to_client) == 200
    assert body_of(drive.to_client) == END


# -- an answer that is whole without its end mark ---------------------------------------------------------------------
def settled(drive: Drive) -> bool:
    return drive.to_client.endswith(chunk(b"settled") + END) and drive.servers[0] in drive.closed


def test_words_behind_the_end_are_waited_for_anew() -> None:
    drive = Drive([FakeAttempt(idle_s=40, settle_s=2)])
    drive.post()
    drive.server_sends(OK + chunk(b"word [LAST]"))
    drive.tick(1.5)
    drive.server_sends(chunk(b"usage"))
    drive.tick(1.5)
    assert not settled(drive)
    drive.server_sends(chunk(b"[DONE]"))
    assert drive.to_client.endswith(chunk(b"[DONE]") + END)


@pytest.mark.parametrize("limits", [{"idle_s": 1.0}, {"total_s": 1.0}], ids=["idle", "total"])
def test_a_limit_that_is_shorter_ends_the_answer_well(limits: dict[str, float]) -> None:
    attempt = FakeAttempt(9000, **{"settle_s": 5.0, "keepalive_s": 100.0} | limits)
    drive = Drive([attempt])
    drive.post()
    drive.server_sends(OK + chunk(b"word [LAST]"))
    drive.tick(1.1)
    assert settled(drive)
    assert not attempt.faults


@pytest.mark.parametrize("broken", [b"", b"zz\r\nno chunk"], ids=["closed without the last chunk", "broken chunk"])
def test_a_connection_that_breaks_behind_the_end_breaks_nothing(broken: bytes) -> None:
    attempt = FakeAttempt()
    drive = Drive([attempt])
    drive.post()
    drive.server_sends(OK + chunk(b"word [LAST]"))
    if broken:
        drive.server_sends(broken)
    else:
        drive.server_closes()
    assert drive.to_client.endswith(chunk(b"settled") + END)
    assert not attempt.faults


def test_a_whole_answer_settles_too() -> None:
    attempt = FakeAttempt(settle_s=2)
    attempt.streaming = False
    drive = Drive([attempt])
    drive.post()
    drive.server_sends(OK + chunk(b"word [LAST]"))
    drive.tick(2.1)
    assert body_of(drive.to_client) == b"settled"


def test_a_client_that_is_behind_is_waited_for_before_the_answer_settles() -> None:
    drive = Drive([FakeAttempt(settle_s=2, keepalive_s=100)])
    drive.post()
    drive.server_sends(OK + chunk(b"word [LAST]"))
    drive.wire.waiting = 1 << 30
    drive.tick(3)
    assert not settled(drive)
    drive.wire.waiting = 0
    drive.tick(2.1)
    assert settled(drive)


@pytest.mark.parametrize("comments", [False, True], ids=["silence", "comments go on"])
def test_an_ended_answer_is_waited_for_a_moment_and_no_longer(comments: bool) -> None:
    attempt = FakeAttempt(idle_s=40, keepalive_s=15, settle_s=2)
    drive = Drive([attempt])
    drive.post()
    drive.server_sends(OK + chunk(b"word [LAST]"))
    for _ in range(3):
        drive.tick(0.5)
        assert not settled(drive)
        if comments:
            drive.server_sends(chunk(b": still here\n\n"))
    drive.tick(0.6)
    assert settled(drive)
    assert not attempt.faults
    assert not drive.watch


# -- a person drops or holds the flow ---------------------------------------------------------------------------------
def test_a_flow_that_is_dropped_ends_with_the_next_word() -> None:
    drive = Drive([FakeAttempt()])
    drive.post()
    drive.server_sends(OK + chunk(b"word "))
    drive.flows[0].kill()
    drive.server_sends(chunk(b"secret word"))
    assert drive.client_closed()
    assert drive.servers[0] in drive.closed
    assert b"secret word" not in drive.to_client
    assert not drive.to_client.endswith(END), "an answer that was cut does not look whole"
    assert drive.log.count("error") == 1
    assert drive.flows[0].response.content == b"word "  # type: ignore[union-attr]
    assert not drive.watch


@pytest.mark.parametrize("answered", [True, False])
def test_a_flow_that_is_dropped_ends_although_nobody_says_anything(answered: bool) -> None:
    attempt = FakeAttempt(keepalive_s=15, first_token_s=10)
    drive = Drive([attempt])
    drive.post()
    if answered:
        drive.server_sends(OK + chunk(b"word "))
    drive.flows[0].kill()
    drive.tick(15)
    assert drive.client_closed()
    assert drive.servers[0] in drive.closed
    assert not attempt.faults, "it is no fault of the provider's"


def test_who_holds_an_answer_is_not_taken_for_a_silent_provider() -> None:
    attempt = FakeAttempt(first_token_s=20, idle_s=10, total_s=30)
    drive = Drive([attempt], hold={"responseheaders"})
    drive.post()
    drive.server_sends(OK + chunk(b"word "))
    for _ in range(100):
        drive.tick(1)
    drive.hold = set()
    drive.complete()
    drive.tick(9)
    assert not attempt.faults
    drive.tick(1.1)
    assert [fault for fault, _ in attempt.faults] == [Fault.IDLE_TIMEOUT]


def test_a_provider_is_not_read_while_somebody_holds_its_answer() -> None:
    drive = Drive([FakeAttempt()], hold={"responseheaders"})
    drive.post()
    drive.server_sends(OK)
    (link,) = drive.links.values()
    paused = [link.is_paused]
    drive.server_sends(chunk(b"one "))
    paused.append(link.is_paused)  # one read at most is kept for it
    drive.complete()
    paused.append(link.is_paused)
    assert paused == [True, True, False]
    assert drive.to_client.endswith(chunk(b"one "))
    drive.server_sends(chunk(b"[DONE]") + END)
    assert drive.to_client.endswith(END)


def test_an_answer_that_came_whole_leaves_its_connection_to_others_while_somebody_holds_it() -> None:
    drive = Drive([FakeAttempt()], hold={"responseheaders"})
    drive.post()
    drive.server_sends(OK + chunk(b"one [DONE]") + END)
    (link,) = drive.links.values()
    assert not link.is_paused
    assert not link.is_over
    drive.complete()
    assert drive.to_client.endswith(chunk(b"one [DONE]") + END)
    assert not link.is_over


def test_the_gateway_that_ends_does_not_wait_for_who_holds_an_answer_longer_than_that() -> None:
    attempt = FakeAttempt()
    drive = Drive([attempt], hold={"responseheaders"})
    drive.post()
    drive.server_sends(OK + chunk(b"word "))
    (stream,) = drive.watch
    stream.ending = True
    drive.feed(Tick(stream))
    drive.complete()
    drive.tick(0)
    assert [fault for fault, _ in attempt.faults] == [Fault.STOPPED]


@pytest.mark.parametrize("heard", [True, False])
def test_the_hook_of_a_head_is_called_where_an_addon_has_it(heard: bool) -> None:
    drive = Drive([FakeAttempt()], heads_are_heard=heard)
    drive.post()
    drive.server_sends(OK + chunk(b"word [DONE]") + END)
    assert drive.log.count("responseheaders") == heard
    assert drive.to_client.endswith(chunk(b"word [DONE]") + END)
