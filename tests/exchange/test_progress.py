"""An answer that nobody wants any more is stopped at its site: when, and at nobody's expense."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.sandbox.zai.frames import data_frame
from tests.support.answers import ALL_SAID, STREAM, said, whole
from tests.support.harness import House, is_quiet, zai
from tests.support.http1 import chunk
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Visit

MODEL = "GLM-4.6"


def stops(house: House) -> list[str]:
    """The answers that the site was told to stop."""
    return [str(one.url.path).rpartition("/")[2] for one in house.site.asked if "/tasks/stop/" in one.url.path]


def answer_id(visit: Visit) -> str:
    found: dict[str, Any] = json.loads(visit.asked().content)
    return str(found["id"])


@pytest.mark.parametrize("first", [b"", STREAM, STREAM + said("Hi")])
@in_virtual_time
async def test_a_client_that_leaves_stops_the_site(tmp_path: Path, first: bytes) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats(MODEL)
        if first:
            await visit.says(first)
        await visit.leaves()
        assert stops(house) == [answer_id(visit)]
        stop = house.site.asked[-1]
        assert "reason" in json.loads(stop.content)
        assert stop.headers["authorization"] == visit.asked().headers["authorization"]
        assert is_quiet(house)


@pytest.mark.parametrize(("field", "value"), [("stop", ["!"]), ("max_tokens", 1)])
@in_virtual_time
async def test_a_limit_of_the_request_stops_the_site(tmp_path: Path, field: str, value: object) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats(MODEL, **dict[str, Any]({field: value}))
        await visit.says(STREAM, said("Hi there! How may I be of help?"))
        assert visit.got.complete
        assert stops(house) == [answer_id(visit)]


@in_virtual_time
async def test_a_limit_that_comes_with_the_end_has_nothing_to_stop(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        visit = await house.visit().chats(MODEL, stop=["!"])
        words = data_frame({"delta_content": "Hi there!", "phase": "answer"})
        await visit.says(STREAM, chunk(words + data_frame({"phase": "done", "done": True})))
        assert visit.got.complete
        assert stops(house) == []


@in_virtual_time
async def test_a_site_that_is_done_is_left_alone(tmp_path: Path) -> None:
    async with zai(tmp_path, "routing: {max_attempts: 1}\nretries: {enabled: false}") as house:
        visit = await house.visit().chats(MODEL)
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        await visit.leaves()
        visit = await house.visit().chats(MODEL)
        await visit.says(whole(429, {"detail": "slow down"}))
        visit = await house.visit().chats(MODEL)
        await visit.says(whole(500, {"detail": "no"}))
        assert stops(house) == []


@in_virtual_time
async def test_a_site_that_was_never_asked_is_left_alone(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        never = asyncio.Event()

        async def makes(request: httpx.Request) -> tuple[int, object]:
            await never.wait()
            return 200, {}

        house.site.replies["POST /api/v1/chats/new"] = makes
        visit = await house.visit().chats(MODEL)
        await visit.leaves()
        assert stops(house) == []


@in_virtual_time
async def test_one_that_is_too_slow_is_stopped_once_and_another_is_asked(tmp_path: Path) -> None:
    async with zai(tmp_path, "timeouts: {first_token_s: 20, first_token_thinking_s: 20}") as house:
        visit = await house.visit().chats(MODEL)
        slow = answer_id(visit)
        await house.pass_s(21)
        assert stops(house) == [slow]
        assert len(visit.requests) == 2
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert stops(house) == [slow]


@in_virtual_time
async def test_the_stop_holds_neither_the_place_nor_the_next_turn(tmp_path: Path) -> None:
    async with zai(tmp_path, "accounts: {max_concurrent: 1, queue_s: 0}") as house:
        never = asyncio.Event()

        async def stopping(request: httpx.Request) -> tuple[int, object]:
            await never.wait()
            return 200, {}

        visits = [await house.visit().chats(MODEL) for _ in "ab"]
        for visit in visits:
            house.site.replies[f"POST /api/tasks/stop/{answer_id(visit)}"] = stopping
            await visit.leaves()
        assert len(stops(house)) == 2
        assert is_quiet(house)
        visit = await house.visit().chats(MODEL)
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert visit.got.text == "Hi"
        never.set()


@in_virtual_time
async def test_a_chat_that_is_deleted_is_stopped_first(tmp_path: Path) -> None:
    async with zai(tmp_path, delete_chats="true") as house:
        visit = await house.visit().chats(MODEL)
        await visit.says(STREAM, said("Hi"))
        await visit.leaves()
        assert [one.method for one in house.site.asked[-2:]] == ["POST", "DELETE"]
        assert stops(house) == [answer_id(visit)]
