"""What stands on the flow of a request under way: written while somebody looks, and as soon as somebody comes."""

import pytest
from mitmproxy import http

from addons.inspect import running
from addons.inspect.annotation import annotation_of
from tests.inspect.test_live import SECRET, Room, in_room, mitmproxy

__all__ = ["mitmproxy"]  # a fixture


def test_while_nobody_looks_no_annotation_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "summary_line", lambda annotation: pytest.fail("made for nobody"))

    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        room.answers(flow, await room.asks(flow, exchange))
        assert room.live.ended(flow) == 0
        assert (annotation_of(flow), flow.comment) == (None, "")

    in_room(work, Room(looked_at=False))


def test_who_reads_a_flow_finds_how_far_it_is() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        room.live.bring_up_to_date(flow)
        assert flow.comment == "▷ req_24a1d0 running     POST /v1/chat/completions asked"
        await room.asks(flow, exchange)
        assert flow.comment.endswith(" asked"), "nobody looks"
        room.live.bring_up_to_date(flow)
        assert flow.comment == "▷ req_24a1d0 running     m → p/a waiting for the answer"
        flow.comment = "mine"
        room.live.bring_up_to_date(flow)
        assert flow.comment == "mine", "it was up to date"
        room.live.ended(flow)
        room.live.bring_up_to_date(flow)
        assert flow.comment == "mine"

    in_room(work, Room(looked_at=False))


def test_what_was_asked_is_clean_whether_somebody_looks_or_not() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        await room.asks(flow, exchange)
        assert SECRET.encode() not in (flow.request.data.content or b"")

    in_room(work, Room(looked_at=False))


def test_how_long_a_person_held_it_is_known_though_nobody_looks_any_more() -> None:
    async def work(room: Room) -> None:
        flow, exchange = room.runs()
        attempt = await room.asks(flow, exchange)
        flow.intercepted = True
        room.live.shown(flow)
        room.looked_at = False
        attempt.sent_at = room.clock() + 2
        flow.intercepted = False
        flow.response = http.Response.make(200)
        assert room.live.ended(flow) == 2000

    in_room(work)
