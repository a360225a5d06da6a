"""Several answers to one request (`n`) of a site that gives one at a time: asked for beside each other, told as one."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from providers.sandbox.zai.frames import data_frame
from tests.exchange.answers_beside import (
    END,
    USAGE,
    Beside,
    asks,
    never,
    reasons,
    slowly,
    texts,
    whole,
    word,
)
from tests.support.answers import ALL_SAID, STREAM, said, zai_token
from tests.support.answers import whole as whole_answer
from tests.support.harness import API, API_KEYS, ZAI, House, is_quiet, zai
from tests.support.http1 import chunk
from tests.support.virtual_time import in_virtual_time


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


@pytest.mark.parametrize(("most", "status"), [("parallel_turns: 2", 200), ("parallel_turns: 1", 400)])
@in_virtual_time
async def test_the_settings_limit_their_number(tmp_path: Path, most: str, status: int) -> None:
    async with zai(tmp_path, f"features: {{{most}}}") as house:
        Beside(house.site, whole)
        visit = await asks(house, 2, stream=False)
        if status == 200:
            await visit.says(STREAM, said("first"), ALL_SAID)
        else:
            assert (visit.got.error["param"], visit.got.error["code"]) == ("n", "integer_above_max_value")
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
