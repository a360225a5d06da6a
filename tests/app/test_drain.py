"""The end of the process: what may finish, what is told to whom, and when it is over."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from addons.app.drain import FLUSH_S, LAST_WORDS_S, UNREAD_S, Drain
from tests.support.answers import DONE, FINISH, STREAM, said, whole, word
from tests.support.harness import api, is_quiet, zai
from tests.support.virtual_time import in_virtual_time


class Process:
    """Requests under way, and what the drain did."""

    def __init__(self, live: int, drain_s: float = 30.0) -> None:
        self.live = live
        self.did: list[tuple[str, float]] = []
        self.ends: int | None = None
        self.unsent: Callable[[float], int] = lambda now: 0
        """What waits for clients, at a time of the loop's."""
        """So many are left when all were ended."""
        self.drain = Drain(
            lambda: self.live,
            self._end_all,
            lambda: self._note("stop"),
            lambda: drain_s,
            lambda: self.unsent(asyncio.get_running_loop().time()),
        )

    def _note(self, what: str) -> None:
        self.did.append((what, round(asyncio.get_running_loop().time(), 3)))

    async def _end_all(self) -> None:
        self._note("end all")
        if self.ends is not None:
            self.live = self.ends
            self.drain.one_less()

    async def one_ends(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self.live -= 1
        self.drain.one_less()


@in_virtual_time
async def test_without_requests_it_is_over_at_once() -> None:
    process = Process(0)
    process.drain.asked()
    assert process.drain.begun
    await asyncio.sleep(0.001)
    assert process.did == [("stop", 0.0)]
    assert process.drain.over


@in_virtual_time
async def test_it_waits_for_the_last_request_and_no_longer() -> None:
    process = Process(2)
    process.drain.asked()
    await process.one_ends(3)
    assert process.did == []
    assert not process.drain.over
    await process.one_ends(4)
    await asyncio.sleep(0.001)
    assert process.did == [("stop", 7.0)]
    assert process.drain.over


@pytest.mark.parametrize(
    ("unsent", "until"),
    [
        (lambda now: max(0, round(700 - 100 * now)), 7),
        (lambda now: 500, UNREAD_S),
        (lambda now: max(300, round(700 - 100 * now)), 4 + UNREAD_S),
        (lambda now: round(1e6 - 100 * now), 10),
    ],
    ids=["who reads", "who reads nothing", "who stops", "not longer than all others"],
)
@in_virtual_time
async def test_an_answer_that_is_over_reaches_a_slow_client(unsent: Callable[[float], int], until: float) -> None:
    process = Process(0, drain_s=10)
    process.unsent = unsent
    process.drain.asked()
    await asyncio.sleep(20)
    ((what, at),) = process.did
    assert what == "stop"
    assert until <= at <= until + 2 * FLUSH_S


@in_virtual_time
async def test_what_is_left_is_ended_and_may_say_a_last_word() -> None:
    process = Process(1, drain_s=10)
    process.drain.asked()
    await asyncio.sleep(10.1)
    assert process.did == [("end all", 10.0)]
    assert process.drain.over  # nothing is tried any more
    await asyncio.sleep(5)
    assert process.did == [("end all", 10.0), ("stop", round(10 + LAST_WORDS_S + FLUSH_S, 3))]


@in_virtual_time
async def test_who_has_said_it_is_not_waited_for() -> None:
    process = Process(1, drain_s=10)
    process.ends = 0
    process.drain.asked()
    await asyncio.sleep(20)
    assert process.did == [("end all", 10.0), ("stop", round(10 + FLUSH_S, 3))]


@in_virtual_time
async def test_a_second_signal_ends_at_once_and_a_second_hangup_does_not() -> None:
    process = Process(1)
    process.drain.hung_up()
    process.drain.hung_up()
    await asyncio.sleep(1)
    assert process.did == []
    process.drain.asked()
    assert process.did == [("stop", 1.0)]
    assert process.drain.over


@in_virtual_time
async def test_a_hangup_after_a_signal_changes_nothing() -> None:
    process = Process(1)
    process.drain.asked()
    process.drain.hung_up()
    await process.one_ends(1)
    await asyncio.sleep(1)
    assert process.did == [("stop", 1.0)]


@in_virtual_time
async def test_an_hour_without_requests_before_does_not_make_it_hurry() -> None:
    process = Process(0)
    process.drain.one_less()
    process.live = 1
    process.drain.asked()
    await asyncio.sleep(1)
    assert process.did == []


@in_virtual_time
async def test_a_request_that_begins_as_the_last_one_ends_may_say_a_last_word_too() -> None:
    process = Process(1)
    process.drain.asked()
    await process.one_ends(3)
    process.live = 1
    await asyncio.sleep(20)
    assert process.did == [("end all", 3.0), ("stop", round(3 + LAST_WORDS_S + FLUSH_S, 3))]


@in_virtual_time
async def test_a_fault_at_its_beginning_ends_it_too() -> None:
    process = Process(1)

    def fails() -> float:
        raise RuntimeError("a bug")

    process.drain.drain_s = fails
    process.drain.asked()
    await asyncio.sleep(0.001)
    assert (process.did, process.drain.over) == ([("stop", 0.0)], True)


@in_virtual_time
async def test_a_fault_on_the_way_ends_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(1, drain_s=1)

    async def fails() -> None:
        raise RuntimeError("a bug")

    process.drain.end_all = fails
    process.drain.asked()
    await asyncio.sleep(1.01)
    assert process.did == [("stop", 1.0)]
    assert process.drain.over


# -- the whole gateway ------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_a_stream_may_finish_while_nobody_else_comes_in(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Good "))
        house.gate.drain.asked()
        await house.pass_s(5)
        refused = await house.visit().chats("m")
        assert (refused.got.status, refused.got.error["code"]) == (503, "shutting_down")
        assert refused.got.headers["retry-after"] == "5"
        assert house.line.error_code == "shutting_down"
        told = [(await house.visit().asks(None, f"/healthz{path}", "GET")).got for path in ("", "/ready", "/live")]
        assert [got.status for got in told] == [503, 503, 200]
        assert not house.master.should_exit.is_set()
        await visit.says(word("day"), FINISH, DONE)
        assert visit.got.text == "Good day"
        await house.settle()
        assert house.master.should_exit.is_set()


@in_virtual_time
async def test_a_stream_that_does_not_finish_is_told_why(tmp_path: Path) -> None:
    async with api(tmp_path, "timeouts: {drain_s: 10}\nbreaker: {failures: 1}") as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Good "))
        silent = await house.visit().chats("m")
        unasked = await house.visit().asks(b"{", content_length="1000")
        house.gate.drain.asked()
        await house.pass_s(10.1)
        got = visit.got
        assert (got.status, got.error["code"], got.complete) == (200, "shutting_down", True)
        assert (silent.got.status, silent.got.error["code"]) == (503, "shutting_down")
        assert {(line.outcome, line.error_code) for line in house.lines} == {
            ("broken_off", "shutting_down"),
            ("failed", "shutting_down"),
        }
        assert (unasked.got.status, unasked.got.error["code"]) == (503, "shutting_down")
        assert len(silent.requests) == 1
        await house.pass_s(1)
        assert house.master.should_exit.is_set()
        await unasked.leaves()
        assert is_quiet(house)
        assert house.parts.pool.by_key["api", "a"].availability.blocked("m") is None  # it did nothing wrong


@in_virtual_time
async def test_who_waits_in_line_or_for_a_chat_is_told_too(tmp_path: Path) -> None:
    async with zai(tmp_path, "timeouts: {drain_s: 10}\naccounts: {max_concurrent: 1}") as house:
        asked = [await house.visit().chats("GLM-4.7") for _ in range(3)]
        await asked[0].says(STREAM, said("Good "))
        house.gate.drain.asked()
        await house.pass_s(10.1)
        assert [visit.got.error["code"] for visit in asked] == ["shutting_down"] * 3
        assert not asked[2].requests
        await house.pass_s(1)
        assert is_quiet(house)


@in_virtual_time
async def test_nothing_is_tried_anew_once_the_time_is_up(tmp_path: Path) -> None:
    async with api(tmp_path, "timeouts: {drain_s: 10}") as house:
        visit = await house.visit().chats("m")
        exchange = next(iter(house.gate.exchanges))
        house.gate.drain.asked()
        await house.pass_s(9)
        await visit.says(whole(503, {}))
        assert len(visit.requests) == 2  # while it may finish it may try
        await house.pass_s(1.1)
        assert exchange.stopped
        assert visit.got.error["code"] == "shutting_down"
        assert len(visit.requests) == 2
