"""Another model of the chain."""

import json
from pathlib import Path

import pytest

from tests.exchange.answers import BAD, DOWN, FILTERED, NO_KEY, TOO_LONG, account, model, one
from tests.support.answers import DONE, FINISH, STREAM, frame, word
from tests.support.harness import api, is_quiet
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_another_model_stands_in_when_all_accounts_are_out(tmp_path: Path) -> None:
    async with api(tmp_path, "routing: {fallbacks: {M: [n]}}\nretries: {enabled: false}") as house:
        visit = await house.visit().chats("m")
        await visit.says(DOWN)
        assert model(visit) == "m"
        await visit.says(DOWN)
        assert (model(visit), account(visit)) == ("n", "a")
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        got = visit.got
        assert (got.headers["x-glassgate-model"], got.headers["x-glassgate-attempts"]) == ("n", "3")
        assert got.frames[0]["model"] == "n"
        assert (house.line.asked, house.line.model) == ("m", "n")
        assert is_quiet(house)


@pytest.mark.parametrize(("refusal", "cause"), [(TOO_LONG, "context"), (FILTERED, "content")])
@in_virtual_time
async def test_a_refusal_that_another_model_may_not_share(tmp_path: Path, refusal: bytes, cause: str) -> None:
    chain = f"routing: {{fallbacks: {{m: [{{model: n, on: [slow]}}, {{model: o, on: [{cause}]}}]}}}}"
    async with one(tmp_path, chain) as house:
        visit = await house.visit().chats("m")
        await visit.says(refusal)
        assert model(visit) == "o"
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        assert house.line.outcome == "ok"


@in_virtual_time
async def test_a_filter_that_ends_the_answer_before_its_first_word(tmp_path: Path) -> None:
    ended = frame({"id": "up-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]})
    async with one(tmp_path, "routing: {fallbacks: {m: [{model: n, on: [content]}]}}") as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, ended, DONE)
        assert model(visit) == "n"


@in_virtual_time
async def test_a_refusal_without_a_stand_in_for_it_is_told_at_once(tmp_path: Path) -> None:
    async with one(tmp_path, "routing: {fallbacks: {m: [n, {model: o, on: [content]}]}}") as house:
        visit = await house.visit().chats("m")
        await visit.says(TOO_LONG)
        assert visit.got.status == 400
        assert visit.got.error["code"] == "context_length_exceeded"
        assert len(visit.requests) == 1


@in_virtual_time
async def test_the_refusal_of_a_stand_in_is_not_told(tmp_path: Path) -> None:
    """What the model said that was asked for is what the client can act on."""
    async with one(
        tmp_path, "routing: {fallbacks: {m: [{model: n, on: [context]}, {model: o, on: [context]}]}}"
    ) as house:
        visit = await house.visit().chats("m")
        await visit.says(TOO_LONG)
        await visit.says(BAD)
        assert model(visit) == "o"
        await visit.says(DOWN)
        await house.pass_s(60)
        await visit.says(DOWN)
        await house.pass_s(60)
        await visit.says(DOWN)
        await house.pass_s(60)
        got = visit.got
        assert (got.error["code"], got.headers["x-glassgate-model"]) == ("context_length_exceeded", "m")
        assert is_quiet(house)


@in_virtual_time
async def test_another_model_stands_in_for_a_slow_one(tmp_path: Path) -> None:
    async with api(tmp_path, "routing: {fallbacks: {m: [{model: n, on: [slow]}]}}") as house:
        visit = await house.visit().chats("m")
        await house.pass_s(11)
        assert len(visit.requests) == 1
        await house.pass_s(2)
        assert (model(visit), account(visit)) == ("n", "a")
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        assert (house.line.model, house.line.attempts) == ("n", 2)
        assert is_quiet(house)


@in_virtual_time
async def test_the_slow_one_is_asked_after_all_when_nobody_stands_in(tmp_path: Path) -> None:
    async with one(tmp_path, "routing: {fallbacks: {m: [{model: n, on: [slow]}]}}\nretries: {enabled: false}") as house:
        visit = await house.visit().chats("m")
        await house.pass_s(13)
        await visit.says(NO_KEY)
        assert model(visit) == "m"
        await house.pass_s(50)  # it has all the time there is now
        await visit.says(STREAM, word("Hi"), FINISH, DONE)
        assert (house.line.model, house.line.outcome, house.line.attempts) == ("m", "ok", 3)
        assert is_quiet(house)


@in_virtual_time
async def test_a_chain_that_comes_back_to_a_model_does_not_go_round(tmp_path: Path) -> None:
    async with one(tmp_path, "routing: {fallbacks: {m: [nobody, M, n, n]}}\nretries: {enabled: false}") as house:
        visit = await house.visit().chats("m")
        await visit.says(DOWN)
        assert model(visit) == "n"
        await visit.says(DOWN)
        assert (visit.got.status, house.line.attempts) == (502, 2)


CHAINS = {
    # What stands in for a model that is down does not for one that refused, though it comes first.
    "the cause decides": ("[n, {model: o, on: [context]}]", [TOO_LONG], ["m", "o"]),
    # A model that refused the request itself does so at its other account too.
    "each is asked once": ("[{model: n, on: [context]}, {model: o, on: [context]}]", [TOO_LONG, BAD], ["m", "n", "o"]),
    # What a stand-in refused it for counts as well.
    "another cause": ("[{model: n, on: [context]}, {model: o, on: [content]}]", [TOO_LONG, FILTERED], ["m", "n", "o"]),
}


@pytest.mark.parametrize(("chain", "refusals", "asked"), CHAINS.values(), ids=CHAINS)
@in_virtual_time
async def test_who_is_asked_after_refusals(tmp_path: Path, chain: str, refusals: list[bytes], asked: list[str]) -> None:
    house = api(tmp_path, f"routing: {{fallbacks: {{m: {chain}}}, max_attempts: 9}}")
    house.providers = house.providers.replace("models: [m, n]", "models: [m, n, o]")
    async with house:
        visit = await house.visit().chats("m")
        for refusal in refusals:
            await visit.says(refusal)
        assert [json.loads(request.content)["model"] for request in visit.requests] == asked
