"""Several answers to one request (`n`) of a site that gives one at a time: asked for beside each other, told as one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import pytest

from addons.exchange import beside
from providers.sandbox.zai.frames import data_frame
from tests.support.answers import ALL_SAID, STREAM, Site, said, zai_token
from tests.support.answers import whole as whole_answer
from tests.support.harness import API, API_KEYS, ZAI, House, is_quiet, zai
from tests.support.http1 import chunk
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Got, Visit

COMPLETION = "POST /api/v2/chat/completions"
EVENTS = {"content-type": "text/event-stream"}
USAGE = {"usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}
END = {"phase": "done", "done": True}


def word(text: str) -> bytes:
    return data_frame({"delta_content": text, "phase": "answer"})


class Beside:
    """What the site says to the answers beside the first: `says` gives the pieces of the body of each."""

    def __init__(self, site: Site, says: Callable[[int], AsyncIterator[bytes]], status: int = 200) -> None:
        self.asked = self.left = 0
        self._says, self._status = says, status
        site.replies[COMPLETION] = self

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(self._status, headers=EVENTS, content=self._pieces(self.asked))

    async def _pieces(self, number: int) -> AsyncIterator[bytes]:
        try:
            async for piece in self._says(number):
                yield piece
        except (asyncio.CancelledError, GeneratorExit):
            self.left += 1
            raise


async def whole(number: int) -> AsyncIterator[bytes]:
    yield word(f"beside {number}")
    yield data_frame(USAGE) + data_frame(END)


async def slowly(number: int) -> AsyncIterator[bytes]:
    for piece in ("one ", "two ", f"three {number}"):
        await asyncio.sleep(5)
        yield word(piece)
    yield data_frame(END)


async def never(number: int) -> AsyncIterator[bytes]:
    yield word("a ")
    await asyncio.Event().wait()


def texts(got: Got, *, stream: bool) -> dict[int, str]:
    if not stream:
        return {choice["index"]: choice["message"]["content"] for choice in got.value["choices"]}
    found: dict[int, str] = {}
    for frame in got.frames:
        for choice in frame["choices"] if isinstance(frame, dict) else ():
            found[choice["index"]] = found.get(choice["index"], "") + (choice["delta"].get("content") or "")
    return found


def reasons(got: Got) -> dict[int, str]:
    choices = [choice for frame in got.frames[:-1] for choice in frame["choices"]]
    return {choice["index"]: choice["finish_reason"] for choice in choices if choice["finish_reason"]}


async def asks(house: House, n: int = 3, *, stream: bool = True, **more: Any) -> Visit:
    usage = {"stream_options": {"include_usage": True}} if stream else {}
    return await house.visit().chats("GLM-4.6", stream=stream, n=n, **usage, **more)


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_all_answers_come_as_one(tmp_path: Path, stream: bool) -> None:
    async with zai(tmp_path) as house:
        site = Beside(house.site, whole)
        visit = await asks(house, stream=stream)
        await visit.says(STREAM, said("first"), chunk(data_frame(USAGE)), ALL_SAID)
        await house.settle()
        got = visit.got
        assert got.complete
        assert site.asked == 2
        assert texts(got, stream=stream) == {0: "first", 1: "beside 1", 2: "beside 2"}
        usage = got.frames[-2]["usage"] if stream else got.value["usage"]
        assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (21, 9, 30)
        if stream:
            assert reasons(got) == {0: "stop", 1: "stop", 2: "stop"}
            assert {frame["id"] for frame in got.frames[:-1]} == {got.frames[0]["id"]}
        line = house.line
        assert (line.outcome, line.completion_tokens, line.attempts) == ("ok", 9, 3)
        assert is_quiet(house)


@in_virtual_time
async def test_those_beside_are_told_as_they_come_and_waited_for(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        Beside(house.site, slowly)
        visit = await asks(house, 2)
        await visit.says(STREAM, said("first"), ALL_SAID)
        assert texts(visit.got, stream=True) == {0: "first"}
        await house.pass_s(6)
        assert texts(visit.got, stream=True) == {0: "first", 1: "one "}
        assert not visit.got.complete
        await house.pass_s(10)
        got = visit.got
        assert got.complete
        assert texts(got, stream=True) == {0: "first", 1: "one two three 1"}
        assert is_quiet(house)


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_a_first_answer_that_is_slower(tmp_path: Path, stream: bool) -> None:
    async with zai(tmp_path) as house:
        Beside(house.site, whole)
        visit = await asks(house, 2, stream=stream)
        await house.pass_s(20)
        assert not visit.to_client
        await visit.says(STREAM, said("fi"))
        await visit.says(said("rst"), ALL_SAID)
        assert texts(visit.got, stream=stream) == {0: "first", 1: "beside 1"}


@in_virtual_time
async def test_a_client_that_waits_for_them_is_kept_alive(tmp_path: Path) -> None:
    async with zai(tmp_path) as house:
        Beside(house.site, never)
        visit = await asks(house, 2)
        await visit.says(STREAM, said("first"), ALL_SAID)
        await house.pass_s(16)
        assert b": keep-alive" in visit.to_client


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


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_one_that_fails_for_good_fails_the_request(tmp_path: Path, stream: bool) -> None:
    async with zai(tmp_path, "retries: {enabled: false}") as house:
        Beside(house.site, whole, 400)
        visit = await asks(house, 2, stream=stream)
        await house.settle()
        got = visit.got
        assert got.status >= 400
        assert got.error
        assert house.line.outcome == "failed"
        assert is_quiet(house)


@in_virtual_time
async def test_one_that_fails_behind_the_first_words_ends_the_stream_with_an_error(tmp_path: Path) -> None:
    async def broken(number: int) -> AsyncIterator[bytes]:
        yield word("be")
        await asyncio.sleep(5)
        raise httpx.ReadError("gone")

    async with zai(tmp_path) as house:
        Beside(house.site, broken)
        visit = await asks(house, 2)
        await visit.says(STREAM, said("first"))
        await house.pass_s(50)  # the site is asked for the rest, which it has not kept
        got = visit.got
        assert got.complete
        assert got.error["message"]
        assert house.line.outcome == "broken_off"
        assert is_quiet(house)
        assert not any("resting" in line or "opened" in line for line in house.said)


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
async def test_every_answer_keeps_to_limits_and_form(tmp_path: Path) -> None:
    async def json_each(number: int) -> AsyncIterator[bytes]:
        yield word("Here: ") + word(f'{{"n": {number}}}')
        yield data_frame(END)

    async with zai(tmp_path) as house:
        Beside(house.site, json_each)
        visit = await asks(house, 2, response_format={"type": "json_object"})
        await visit.says(STREAM, said("Well: "), said('{"n": 0}'), ALL_SAID)
        assert texts(visit.got, stream=True) == {0: '{"n": 0}', 1: '{"n": 1}'}
        Beside(house.site, whole)
        visit = await asks(house, 2, stop=["ide"])
        await visit.says(STREAM, said("inside"))
        await house.settle()
        assert texts(visit.got, stream=True) == {0: "ins", 1: "bes"}


@in_virtual_time
async def test_a_fault_of_the_gateway_over_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with zai(tmp_path) as house:
        Beside(house.site, whole)
        monkeypatch.setattr(beside, "own_client", Mock(side_effect=RuntimeError("a fault")))
        visit = await asks(house, 2)
        await visit.says(STREAM, said("first"), ALL_SAID)
        assert visit.got.error["code"] == "internal_error"
        assert is_quiet(house)


@pytest.mark.parametrize(("most", "status"), [("parallel_turns: 2", 200), ("parallel_turns: 1", 400)])
@in_virtual_time
async def test_the_settings_limit_their_number(tmp_path: Path, most: str, status: int) -> None:
    async with zai(tmp_path, f"features: {{{most}}}") as house:
        Beside(house.site, whole)
        visit = await asks(house, 2, stream=False)
        if status == 200:
            await visit.says(STREAM, said("first"), ALL_SAID)
        else:
            assert visit.got.error["param"] == "n"
            assert "parallel_turns" in visit.got.error["message"]
        assert visit.got.status == status


@in_virtual_time
async def test_who_gives_several_itself_is_asked_once_and_no_other_stands_in(tmp_path: Path) -> None:
    entries = {("zai", "a"): {"token": zai_token("a")}, **API_KEYS}
    more = "routing: {fallbacks: {m: [GLM-4.6]}}\nretries: {enabled: false}"
    house = House(tmp_path, API + ZAI.replace("[a, b]", "[a]").lstrip("\n"), entries, more)
    async with house:
        visit = await house.visit().chats("m", stream=False, n=2)
        assert json.loads(visit.asked().content)["n"] == 2
        for _ in range(2):
            await visit.says(whole_answer(500, {"error": {"message": "broken"}}))
        assert visit.got.status >= 500
        assert all("chat/completions" in request.url.path for request in visit.requests)
        assert len(visit.requests) == 2


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


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_a_first_answer_that_breaks_off_unheard_is_asked_for_anew_alone(tmp_path: Path, stream: bool) -> None:
    async with zai(tmp_path) as house:
        site = Beside(house.site, whole)
        visit = await asks(house, 2, stream=stream)
        await visit.breaks()
        await house.pass_s(10)
        await visit.says(STREAM, said("first"), ALL_SAID)
        assert texts(visit.got, stream=stream) == {0: "first", 1: "beside 1"}
        assert site.asked == 1
        assert len(visit.requests) == 2


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
