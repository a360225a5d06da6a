"""Attempts beside the one of the stream layer: what becomes of each, and of all when the client or gateway ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import Mock

import httpx
import pytest

from addons.exchange import beside
from providers.sandbox.zai.frames import data_frame
from tests.exchange.answers_beside import (
    END,
    Beside,
    asks,
    never,
    texts,
    whole,
    word,
)
from tests.support.answers import ALL_SAID, STREAM, said
from tests.support.harness import is_quiet, zai
from tests.support.virtual_time import in_virtual_time


@pytest.mark.parametrize("said_first", [True, False])
@in_virtual_time
async def test_a_client_that_leaves_ends_all(tmp_path: Path, said_first: bool) -> None:
    async with zai(tmp_path, delete_chats="true") as house:
        house.site.replies.update({f"DELETE /api/v1/chats/chat-{number}": (200, {}) for number in (1, 2, 3)})
        site = Beside(house.site, never)
        visit = await asks(house)
        if said_first:
            await visit.says(STREAM, said("first"))
        await visit.leaves()
        await house.settle()
        assert house.line.outcome == "client_left"
        assert site.left == 2
        assert is_quiet(house)
        deleted = [request.url.path for request in house.site.asked if request.method == "DELETE"]
        assert len(deleted) == 3


@in_virtual_time
async def test_one_that_failed_unheard_is_asked_for_anew(tmp_path: Path) -> None:
    async def once_broken(number: int) -> AsyncIterator[bytes]:
        if number == 1:
            raise httpx.ReadError("gone")
        yield word(f"try {number}")
        yield data_frame(END)

    async with zai(tmp_path) as house:
        site = Beside(house.site, once_broken)
        visit = await asks(house, 2)
        await house.pass_s(50)
        await visit.says(STREAM, said("first"), ALL_SAID)
        assert texts(visit.got, stream=True) == {0: "first", 1: "try 2"}
        assert site.asked == 2


@in_virtual_time
async def test_a_silent_one_is_given_up_in_its_time(tmp_path: Path) -> None:
    async with zai(tmp_path, "timeouts: {idle_s: 20}\nretries: {enabled: false}") as house:
        Beside(house.site, never)
        visit = await asks(house, 2)
        await visit.says(STREAM, said("first"), ALL_SAID)
        await house.pass_s(25)
        assert "fell silent" in visit.got.error["message"]


@in_virtual_time
async def test_a_fault_of_the_gateway_over_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with zai(tmp_path) as house:
        Beside(house.site, whole)
        monkeypatch.setattr(beside, "own_client", Mock(side_effect=RuntimeError("a fault")))
        visit = await asks(house, 2)
        await visit.says(STREAM, said("first"), ALL_SAID)
        assert visit.got.error["code"] == "internal_error"
        assert is_quiet(house)


@in_virtual_time
async def test_they_go_to_accounts_that_have_room(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        Beside(house.site, whole)
        visit = await asks(house)
        await visit.says(STREAM, said("first"), ALL_SAID)
        beside_it = [request for request in house.site.asked if request.url.path.endswith("/chat/completions")]
        chats = [request for request in house.site.asked if request.url.path == "/api/v1/chats/new"]
        assert len(beside_it) == 2
        assert len(chats) == 3
        taken = [json.loads(request.content)["chat_id"] for request in (*beside_it, visit.asked())]
        assert len(set(taken)) == 3


@in_virtual_time
async def test_without_room_they_wait_in_line(tmp_path: Path) -> None:
    made = zai(tmp_path, "accounts: {max_concurrent: 1}\ntimeouts: {first_token_s: 200}")
    made.providers = made.providers.replace("[a, b]", "[a]")
    async with made as house:
        site = Beside(house.site, whole)
        visit = await asks(house, 4)
        assert site.asked == 0
        await house.pass_s(100)  # longer than a request may wait in line for others
        await visit.says(STREAM, said("first"), ALL_SAID)
        await house.pass_s(5)
        assert sorted(texts(visit.got, stream=True).values()) == ["beside 1", "beside 2", "beside 3", "first"]
        assert is_quiet(house)


@in_virtual_time
async def test_a_gateway_that_ends_ends_all(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        site = Beside(house.site, never)
        visit = await asks(house)
        await visit.says(STREAM, said("first"))
        await house.gate.exchanges.end_all()
        await house.settle()
        assert visit.got.error["code"] == "shutting_down"
        assert site.left == 2
        assert is_quiet(house)


@pytest.mark.parametrize("kept", ["be", "beside it"])
@in_virtual_time
async def test_one_whose_stream_is_lost_is_read_back(tmp_path: Path, kept: str) -> None:
    async def lost(number: int) -> AsyncIterator[bytes]:
        yield word("be")
        await asyncio.sleep(5)
        raise httpx.ReadError("gone")

    def keeps(request: httpx.Request) -> tuple[int, object]:
        (answer_id,) = json.loads(request.content)["ids"]
        blocks = [{"type": "text", "content": kept}]
        return 200, {"data": {answer_id: {"role": "assistant", "content_blocks": blocks, "done": kept != "be"}}}

    async with zai(tmp_path) as house:
        house.site.replies["POST /api/v1/chats/chat-2/messages/batch"] = keeps
        Beside(house.site, lost)
        visit = await asks(house, 2)
        await visit.says(STREAM, said("first"), ALL_SAID)
        await house.pass_s(60)
        if kept == "be":
            assert visit.got.error["message"]
        else:
            assert texts(visit.got, stream=True) == {0: "first", 1: "beside it"}
        assert is_quiet(house)
