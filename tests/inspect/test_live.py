"""Flows under way: how often they change, for whom, and what stays behind. In virtual time."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.addons.view import View
from mitmproxy.test import taddons, tflow

from addons.app.jobs import Job, Jobs
from addons.cleaning.cleaner import Cleaner
from addons.cleaning.index import KnownSecret
from addons.dialects.registry import DIALECTS
from addons.exchange.attempt import Attempt
from addons.exchange.outcome import ExchangeInfo
from addons.exchange.stage import Stage
from addons.inspect.annotation import Annotation, annotation_of
from addons.inspect.attempt_flows import end_as_attempt, own_flow
from addons.inspect.live import AT_ONCE, REFRESH_S, Live
from addons.inspect.running import AT_ONCE_BYTES, BYTES_PER_S
from addons.recordings.recording import RecordingProblem, RecordingSource, recording_of
from addons.transport.upstream_request import request_of
from providers.contract.call import Call
from tests.support.attempts import attempt_of
from tests.support.hostile import DONE, chunk
from tests.support.virtual_time import run_virtual

SECRET = "ak_9fPq2LzR7tXw4mVbN8sKd3"
BODY = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": f"is it {SECRET}?"}]})


@pytest.fixture(autouse=True)
def mitmproxy() -> Iterator[None]:
    with taddons.context():
        yield


@dataclass
class Room:
    """A list of flows, whoever looks at it, and a clock."""

    looked_at: bool = True
    told: list[str] = field(default_factory=list)
    cleaned: int = 0
    view: View = field(default_factory=View)

    def __post_init__(self) -> None:
        self.live = Live(self.clock, self.view, lambda: self.looked_at, self.tell)
        self.cleaner = Cleaner.knowing([KnownSecret(SECRET, "token", "p", "a")])

    def clock(self) -> float:
        return asyncio.get_running_loop().time()

    async def tell(self, flows: Sequence[mflow.Flow]) -> None:
        self.told += [flow.id for flow in flows]

    def runs(self, number: int = 0) -> tuple[http.HTTPFlow, Any]:
        """A request that has just come."""
        flow = tflow.tflow(req=http.Request.make("POST", "http://gateway/v1/chat/completions", BODY))
        flow.live = True
        self.view.add([flow])
        context = SimpleNamespace(limits=SimpleNamespace(max_attempts=3), cleaner=self.cleaner)
        exchange = SimpleNamespace(
            id=f"req_24a1d{number}aaaa", model=None, stage=Stage.READ, tries=0, about=None, attempt=None,
            began=self.clock(), context=context, client_request=BODY, moved=None,
            dialect=DIALECTS[0], request=None,
        )  # fmt: skip
        exchange.watch = lambda moved: setattr(exchange, "moved", moved)
        path, name = "/v1/chat/completions", "chat_completions"
        self.live.begin(ExchangeInfo(exchange.id, "key", "-", "POST", path, name, flow, exchange))
        return flow, exchange

    async def asks(self, flow: http.HTTPFlow, exchange: Any, number: int = 1) -> Attempt:
        """Its attempt stands in the flow."""
        name = ("m", "p", "a")
        exchange.model = "m"
        exchange.stage, exchange.tries, exchange.about = Stage.READY, number, name
        exchange.moved()
        attempt = attempt_of(self.cleaner, self.clock)
        attempt.built = request_of(Call("POST", "https://p.invalid/v1/chat/completions", (), BODY.encode()))
        attempt.shows(attempt.built)
        flow.request, flow.response, exchange.attempt = attempt.built, None, attempt
        await self.live.planned(flow)
        return attempt

    def answers(self, flow: http.HTTPFlow, attempt: Attempt) -> None:
        assert attempt.wire_request(flow.request)
        flow.response = http.Response.make(200, b"", {"content-type": "text/event-stream"})
        flow.response.data.content = None
        attempt.head(flow.response)


def in_room(work: Callable[[Room], Coroutine[Any, Any, None]], room: Room | None = None) -> Room:
    room = room or Room()

    async def run() -> None:
        jobs = Jobs(room.clock)
        jobs.start(Job("running flows", REFRESH_S, room.live.refresh))
        try:
            await work(room)
        finally:
            assert jobs.problems() == []
            jobs.stop()

    run_virtual(run())
    return room


def in_real_time(work: Callable[[Room], Coroutine[Any, Any, None]]) -> None:
    """Virtual time does not wait for threads."""
    with asyncio.Runner() as runner:
        runner.run(work(Room()))


async def speaks(attempt: Attempt, for_s: float, every_s: float = 0.01) -> None:
    for number in range(round(for_s / every_s)):
        attempt.data(chunk(f"word {number} "))
        await asyncio.sleep(every_s)


# -- how often --------------------------------------------------------------------------------------------------------
def test_a_fast_stream_changes_four_times_a_second_at_most() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        room.answers(flow, attempt := await room.asks(flow, exchange))
        await speaks(attempt, 10)

    assert 30 <= len(in_room(work).told) <= 41


def test_while_nobody_looks_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    monkeypatch.setattr(Attempt, "recorded_from", lambda self, count: taken.append("body"))
    monkeypatch.setattr(Attempt, "delivered_from", lambda self, count: taken.append("delivered"))

    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        room.answers(flow, attempt := await room.asks(flow, exchange))
        said = flow.comment
        await speaks(attempt, 5)
        assert flow.comment == said
        assert flow.response
        assert flow.response.data.content is None

    assert in_room(work, Room(looked_at=False)).told == []
    assert taken == []


def test_a_silent_stream_changes_nothing() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        room.answers(flow, attempt := await room.asks(flow, exchange))
        attempt.data(chunk("word"))
        await asyncio.sleep(1)
        told = len(room.told)
        await asyncio.sleep(60)
        assert len(room.told) == told

    in_room(work)


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual time does not wait for them."""
    monkeypatch.setattr("addons.inspect.running.AT_ONCE_BYTES", 2**40)


@pytest.mark.usefixtures("no_threads")
def test_who_comes_later_sees_all_of_it() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        room.answers(flow, attempt := await room.asks(flow, exchange))
        await speaks(attempt, 2)
        room.looked_at = True
        await asyncio.sleep(2 * REFRESH_S)
        assert "200 events so far" in flow.comment
        assert flow.response
        assert flow.response.content == attempt.body
        annotation = annotation_of(flow)
        assert annotation
        assert annotation.delivered == attempt.delivered.decode()
        assert annotation.arrivals == tuple(attempt.report.arrivals.pieces())
        assert annotation.deliveries == tuple(attempt.report.deliveries.pieces())

    in_room(work, Room(looked_at=False))


def test_many_flows_have_their_turn_one_after_the_other() -> None:
    async def work(room: Room) -> None:
        flows = [room.runs(number) for number in range(3 * AT_ONCE)]
        attempts = [await room.asks(*one) for one in flows]
        for (flow, _), attempt in zip(flows, attempts, strict=True):
            room.answers(flow, attempt)
        room.told.clear()
        for look in range(1, 4):
            for attempt in attempts:
                attempt.data(chunk("word"))
            await room.live.refresh()
            assert len(room.told) == look * AT_ONCE
            await asyncio.sleep(0)
        assert len(set(room.told)) == len(flows)

    room = Room()
    run_virtual(work(room))


def test_others_have_their_turn_between_two_flows() -> None:
    async def work(room: Room) -> None:
        flows = [room.runs(number) for number in range(9)]
        for flow, exchange in flows:
            room.answers(flow, attempt := await room.asks(flow, exchange))
            attempt.data(chunk("word"))
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.ensure_future(other())
        await room.live.refresh()
        task.cancel()
        assert turns >= len(flows)

    run_virtual(work(Room()))


@pytest.mark.usefixtures("no_threads")
def test_a_long_question_changes_more_seldom() -> None:
    """Chat, which shows it, is read again as a whole."""

    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        exchange.client_request = BODY + " " * 2 * BYTES_PER_S
        room.answers(flow, attempt := await room.asks(flow, exchange))
        room.told.clear()
        await speaks(attempt, 20, 0.1)

    assert 6 <= len(in_room(work).told) <= 10


@pytest.mark.usefixtures("no_threads")
def test_a_long_one_changes_more_seldom() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        room.answers(flow, attempt := await room.asks(flow, exchange))
        attempt.data(chunk("x" * BYTES_PER_S))
        await asyncio.sleep(REFRESH_S)
        room.told.clear()
        await speaks(attempt, 20, 0.1)

    # Twice that size is shown, of the body and of what was delivered: every two seconds and a little.
    assert 6 <= len(in_room(work).told) <= 10


# -- what stands there ------------------------------------------------------------------------------------------------
def test_the_story_from_the_first_moment() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        assert flow.comment == "▷ req_24a1d0 running     POST /v1/chat/completions asked"
        exchange.model = "m"
        exchange.stage = Stage.QUEUED
        exchange.moved()
        assert flow.comment == "▷ req_24a1d0 running     m waiting for a turn"
        exchange.about, exchange.stage = ("m", "p", "a"), Stage.PREPARING
        exchange.moved()
        assert flow.comment == "▷ req_24a1d0 running     m → p/a preparing"
        attempt = await room.asks(flow, exchange)
        assert flow.comment == "▷ req_24a1d0 running     m → p/a waiting for the answer"
        room.answers(flow, attempt)
        await asyncio.sleep(REFRESH_S)
        assert flow.comment.endswith("waiting for the first word")
        attempt.data(chunk("a") + chunk("b"))
        await asyncio.sleep(REFRESH_S)
        assert flow.comment == "▷ req_24a1d0 running     m → p/a first 250 ms 2 events so far"
        attempt.data(b"data: {")
        exchange.stage = Stage.PAUSED
        room.live.attempt_ended(flow)
        exchange.attempt = None
        exchange.moved()
        assert flow.comment.endswith("m → p/a attempt 2 of 3 pausing before another attempt")

    in_room(work)


def test_what_is_shown_while_it_runs_is_clean_and_what_is_sent_is_not_touched() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        attempt = await room.asks(flow, exchange)
        assert SECRET.encode() not in (flow.request.content or b"")
        assert SECRET not in (annotation_of(flow) or Annotation("")).client_request
        sent = attempt.wire_request(flow.request)
        assert sent
        assert sent.content == BODY.encode()
        room.answers(flow, attempt)
        for at in range(len(SECRET)):
            attempt.data(chunk("so")[:-6] + SECRET[: at + 1].encode() if at == 0 else SECRET[at : at + 1].encode())
            await asyncio.sleep(REFRESH_S)
            assert flow.response
            assert SECRET[:2].encode() not in (flow.response.content or b"")
        room.live.ended(flow)
        assert attempt.body_as_built(flow.request.content) == BODY.encode()

    in_room(work)


def test_an_edited_request_goes_out_as_edited() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        attempt = await room.asks(flow, exchange)
        flow.request.content = b"something else"
        del flow.request.headers["host"]
        sent = attempt.wire_request(flow.request)
        assert sent
        assert sent.content == b"something else"
        flow.request.content = b"is it ~hidden~?"
        sent = attempt.wire_request(flow.request)
        assert sent
        assert sent.content == b"is it ~hidden~?", "docs/inspect.md says so"

    in_room(work)


def test_a_request_too_big_to_be_cleaned_at_once_is_not_shown_until_it_is() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        big = BODY.encode() + b" " * AT_ONCE_BYTES
        flow.request.data.content = big
        exchange.model = "m"
        exchange.moved()
        assert flow.request.raw_content is None
        await room.live.refresh()
        shown = flow.request.content or b""
        assert len(shown) == len(big)
        assert SECRET.encode() not in shown
        other, later = room.runs(1)
        other.request.data.content = big
        later.model = "m"
        later.moved()
        room.live.ended(other)
        assert other.request.data.content == big, "its last form is made of it"

    in_real_time(work)


def test_what_is_to_be_sent_is_not_seen_before_it_is_clean() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        attempt = await room.asks(flow, exchange)
        big = BODY.encode() + b" " * AT_ONCE_BYTES
        flow.request.data.content = big
        planned = asyncio.ensure_future(room.live.planned(flow))
        await asyncio.sleep(0)
        assert flow.request.raw_content is None
        await planned
        assert SECRET.encode() not in (flow.request.content or b"")
        assert attempt.body_as_built(flow.request.content) == big

    in_real_time(work)


def test_a_person_who_holds_a_request_is_named() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        attempt = await room.asks(flow, exchange)
        flow.intercept()
        room.live.shown(flow)
        assert flow.comment.endswith("m → p/a stopped by you, not sent yet")
        await asyncio.sleep(8.4)
        flow.resume()
        room.answers(flow, attempt)
        attempt.data(chunk("a"))
        await asyncio.sleep(REFRESH_S)
        assert flow.comment.endswith("first 8400 ms (held 8.4 s by you) 1 event so far")
        assert room.live.ended(flow) == 8400

    in_room(work)


def test_what_a_person_writes_stays_while_it_runs() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        room.answers(flow, attempt := await room.asks(flow, exchange))
        flow.comment = "look at this"
        await speaks(attempt, 1)
        assert flow.comment == "look at this"

    in_room(work)


def test_how_the_answer_is_to_be_read_is_decided_at_its_end() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        room.answers(flow, attempt := await room.asks(flow, exchange))
        assert flow.response
        flow.response.headers["content-type"] = "text/html; charset=utf-7"
        attempt.data(chunk("a"))
        await asyncio.sleep(REFRESH_S)
        assert flow.response.headers["content-type"] == "text/html; charset=utf-8"
        room.live.ended(flow)
        assert flow.response.headers["content-type"] == "text/html; charset=utf-7"

    in_room(work)


def test_what_runs_cannot_be_kept_as_a_case() -> None:
    async def work(room: Room) -> None:
        flow, _ = room.runs()
        annotation = annotation_of(flow)
        assert annotation
        assert annotation.running
        with pytest.raises(RecordingProblem, match="still runs"):
            recording_of(flow, RecordingSource(annotation, "zai"))

    in_room(work)


# -- what stays behind ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("thrown_out", ["removed", "cleared"])
def test_what_is_not_in_the_list_any_more_is_not_followed_and_leaves_nothing(thrown_out: str) -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        room.answers(flow, attempt := await room.asks(flow, exchange))
        room.view.remove([flow]) if thrown_out == "removed" else room.view.clear()
        told = len(room.told)
        await speaks(attempt, 2)
        assert flow.response
        assert (len(room.told), flow.response.data.content) == (told, None)
        room.live.ended(flow)
        assert len(room.live) == 0
        assert room.live.place(exchange.id) is None

    in_room(work)


def test_a_fault_with_one_flow_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(room: Room) -> None:
        bad, bad_exchange = room.runs(1)
        good, exchange = room.runs(2)
        bad_exchange.about = 7
        room.answers(good, attempt := await room.asks(good, exchange))
        attempt.data(chunk("a"))
        with pytest.raises(TypeError):
            await room.live.refresh()
        assert "1 event so far" in good.comment
        await asyncio.sleep(REFRESH_S)
        await room.live.refresh()  # no more of the one with the fault: it is told at its end
        room.live.ended(bad)
        room.live.ended(good)
        assert len(room.live) == 0

    run_virtual(work(Room()))


def test_a_fault_in_what_is_shown_is_none_of_the_requests(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*given: object) -> str:
        raise ValueError("cannot be told")

    async def work(room: Room) -> None:
        monkeypatch.setattr("addons.inspect.running.summary_line", fails)
        flow, exchange = room.runs()
        attempt = await room.asks(flow, exchange)
        assert SECRET.encode() not in (flow.request.content or b"")
        sent = attempt.wire_request(flow.request)
        assert sent
        assert sent.content == BODY.encode()
        room.live.attempt_ended(flow)
        assert room.live.ended(flow) == 0
        assert len(room.live) == 0
        assert caplog.text.count("is not shown while it runs") == 1

    run_virtual(work(Room()))


def test_what_cannot_be_cleaned_is_sent_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: object) -> bytes:
        raise ValueError("cannot be cleaned")

    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        monkeypatch.setattr(Cleaner, "data", fails)
        attempt = await room.asks(flow, exchange)
        assert flow.request.content == b""
        sent = attempt.wire_request(flow.request)
        assert sent
        assert sent.content == BODY.encode()

    run_virtual(work(Room()))


def test_who_is_late_does_not_write_on_a_flow_that_has_ended() -> None:
    """The pursuit of an answer may be told to stop while it is about to say how far it is."""

    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        await room.asks(flow, exchange)
        moved = exchange.moved
        room.live.ended(flow)
        Annotation(exchange.id, outcome="ok").put_on(flow)
        moved()
        annotation = annotation_of(flow)
        assert annotation
        assert annotation.outcome == "ok"

    in_room(work)


def test_an_ended_flow_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cleaning may take its time in a thread, and the end come meanwhile."""

    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        room.answers(flow, attempt := await room.asks(flow, exchange))
        attempt.data(chunk("x" * 2 * AT_ONCE_BYTES) + DONE)
        look = asyncio.ensure_future(room.live.refresh())
        await asyncio.sleep(0)
        room.live.ended(flow)
        assert flow.response
        flow.response.data.content = b"the end"
        await look
        assert flow.response.data.content == b"the end"
        assert room.told == []

    in_real_time(work)


# -- order ------------------------------------------------------------------------------------------------------------
def test_parts_stand_before_their_request_in_the_order_they_were_made() -> None:
    async def work(room: Room) -> None:
        before, _ = room.runs(1)
        flow, exchange = room.runs(2)
        flow.timestamp_created = before.timestamp_created + 1
        room.view.clear()
        room.view.add([before, flow])
        parts = [tflow.tflow() for _ in range(4)]
        for part in parts:
            place = room.live.place(exchange.id)
            assert place is not None
            part.timestamp_created = place
            room.view.add([part])
        assert list(room.view) == [before, *parts, flow]

    run_virtual(work(Room()))


@pytest.mark.parametrize("answered", [True, False])
def test_a_failed_attempt_does_not_look_as_if_it_ran(answered: bool) -> None:
    flow = tflow.tflow(resp=answered)
    if flow.response:
        flow.response.timestamp_end = None
    end_as_attempt(part := own_flow(flow), Annotation("req_1", outcome="failed", error="cannot be reached"))
    if answered:
        assert part.response
        assert part.response.timestamp_end
    else:
        assert part.error
        assert part.error.msg == "cannot be reached"
