"""Limits of client keys through the whole gateway: what is refused, when, in which words, and what is counted."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from addons.app import metered_keys
from addons.keys.meters import KeyMeters
from addons.usage.errors import LedgerError
from addons.usage.spending import NoSpending, Spent
from providers.contract.price import DOLLAR
from tests.support.answers import DONE, FINISH, STREAM, answer, frame, whole, word
from tests.support.harness import House, api
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Got, Visit

ADA = "sk-ada-0123456789abcdef0123456789abcdef"
PRICES = "prices: {m: {input: 1000, output: 1000}, n: {input: 1, output: 1}}"
"""A thousandth of a dollar for each token of m."""


def limited(folder: Path, limits: str, more: str = "") -> House:
    house = api(folder, more)
    house.tokens = f"[{{name: ada, key: {ADA}, {limits}}}]"
    return house


async def chats(house: House, model: str = "m", *, stream: bool = False, **more: Any) -> Visit:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": stream, **more}
    return await house.visit().asks(body, authorization=f"Bearer {ADA}")


async def answered(house: House, *, prompt: int = 3, said: int = 2, **more: Any) -> Got:
    visit = await chats(house, **more)
    if visit.requests:
        usage = {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}
        choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
        await visit.says(whole(200, {"id": "u", "object": "chat.completion", "choices": [choice], "usage": usage}))
    return visit.got


async def asked(house: House, path: str, method: str = "GET", body: object = None) -> Got:
    return (await house.visit().asks(body, path, method, authorization=f"Bearer {ADA}")).got


def meters(house: House) -> KeyMeters:
    return house.parts.context.allowances.meters


# -- models -----------------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_a_key_sees_and_asks_its_models_alone(tmp_path: Path) -> None:
    more = "models: {aliases: {fast: n, good: m}}\nrouting: {fallbacks: {m: [n], good: [n]}}"
    async with limited(tmp_path, "models: [M*]", more) as house:
        listed = (await asked(house, "/v1/models")).value["data"]
        assert [one["id"] for one in listed] == ["m", "good"]
        everything = (await asked(house, "/v1/models?all=true")).value["data"]
        assert [one["id"] for one in everything] == ["m", "good"]
        assert [(await asked(house, f"/v1/models/{name}")).status for name in ("m", "good", "n", "fast", "x")] == [
            200, 200, 403, 403, 404,
        ]  # fmt: skip
        for name in ("n", "fast", "api/n"):
            got = (await chats(house, name)).got
            assert (got.status, got.error["code"], got.error["param"]) == (403, "model_not_allowed", "model")
            assert got.error["message"] == f"the API key 'ada' may not ask the model '{name}'; it may ask: M*"
        assert (await chats(house, "x")).got.status == 404
        visit = await chats(house, "good")
        for _ in range(6):  # each account, and none of the model that would stand in
            if visit.requests and not visit.to_client:
                await visit.says(whole(503, {"error": {"message": "down"}}))
            await house.pass_s(5)
        assert {json.loads(request.content)["model"] for request in visit.requests} == {"m"}
        assert visit.got.status >= 500


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", {"model": "n", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}),
        ("/v1/responses", {"model": "n", "input": "Hi"}),
        ("/v1/completions", {"model": "n", "prompt": "Hi"}),
        ("/v1/embeddings", {"model": "n", "input": "Hi"}),
        ("/v1/images/generations", {"model": "n", "prompt": "Hi"}),
    ],
    ids=lambda found: found if isinstance(found, str) else "",
)
@in_virtual_time
async def test_no_other_door_leads_to_a_model(tmp_path: Path, path: str, body: dict[str, Any]) -> None:
    async with limited(tmp_path, "models: [m]") as house:
        got = await asked(house, path, "POST", body)
        assert got.status == 403
        assert "may not ask" in got.body.decode()


# -- rates ------------------------------------------------------------------------------------------------------------
@in_virtual_time
async def test_requests_a_minute(tmp_path: Path) -> None:
    async with limited(tmp_path, "rpm: 2") as house:
        first = await answered(house)
        assert first.headers["x-ratelimit-limit-requests"] == "2"
        assert first.headers["x-ratelimit-remaining-requests"] == "1"
        assert first.headers["x-ratelimit-reset-requests"] == "1m1s"
        await house.pass_s(10)
        await answered(house)
        over = await answered(house)
        assert (over.status, over.error["code"]) == (429, "rate_limit_exceeded")
        assert over.error["message"].startswith("the API key 'ada' may ask 2 times a minute; try again in 51s")
        assert (over.headers["retry-after"], over.headers["x-ratelimit-remaining-requests"]) == ("51", "0")
        assert (await asked(house, "/v1/models")).status == 200, "no model is asked"
        await house.pass_s(50.01)
        assert (await answered(house)).status == 200
        assert (await answered(house)).status == 429


@in_virtual_time
async def test_two_hundred_clients_get_what_the_limit_says(tmp_path: Path) -> None:
    more = "accounts: {max_concurrent: 300}"
    async with limited(tmp_path, "rpm: 100", more) as house:
        visits = [await chats(house, stream=True) for _ in range(200)]
        served = [visit for visit in visits if visit.requests]
        assert len(served) == 100
        assert {visit.got.status for visit in visits if not visit.requests} == {429}
        await house.pass_s(59.9)
        assert not (await chats(house, stream=True)).requests
        await house.pass_s(0.2)
        assert (await chats(house, stream=True)).requests


@in_virtual_time
async def test_requests_at_once(tmp_path: Path) -> None:
    async with limited(tmp_path, "concurrent: 2") as house:
        streams = [await chats(house, stream=True) for _ in range(3)]
        assert [bool(visit.requests) for visit in streams] == [True, True, False]
        assert (streams[2].got.status, streams[2].got.headers["retry-after"]) == (429, "1")
        await streams[0].leaves()
        again = await chats(house, stream=True)
        await again.says(STREAM, word("Hi"), FINISH, DONE)
        assert again.got.text == "Hi"
        assert (await answered(house, model="n")).status == 200


# -- tokens and budgets -----------------------------------------------------------------------------------------------
@in_virtual_time
async def test_tokens_of_a_day(tmp_path: Path) -> None:
    async with limited(tmp_path, "tokens_per_day: 100") as house:
        got = await answered(house, prompt=60, said=39)
        assert got.headers["x-ratelimit-limit-tokens"] == "100"
        assert got.status == 200
        assert (await answered(house)).status == 200, "what is left may be asked for"
        over = await answered(house)
        assert (over.status, over.headers["x-should-retry"]) == (429, "false")
        assert over.headers["x-ratelimit-reset-tokens"].startswith("24h")


@in_virtual_time
async def test_a_budget_that_is_spent_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    async with limited(tmp_path, "budget: 1.00/total", PRICES) as house:
        assert (await answered(house, prompt=500, said=499)).status == 200
        last = await answered(house)
        assert last.status == 200
        visit = await chats(house)
        assert not visit.requests
        assert (visit.got.status, visit.got.error["code"]) == (429, "insufficient_quota")
        assert visit.got.headers["x-should-retry"] == "false"
        assert "has spent its budget of 1.00/total" in visit.got.error["message"]
        messages = await asked(
            house,
            "/v1/messages",
            "POST",
            {"model": "n", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]},
        )
        assert (messages.status, messages.value["error"]["type"]) == (429, "rate_limit_error")


@in_virtual_time
async def test_a_race_of_two_hundred_does_not_overspend(tmp_path: Path) -> None:
    more = f"{PRICES}\naccounts: {{max_concurrent: 300}}"
    async with limited(tmp_path, "budget: 1.00/day", more) as house:
        visits = [await chats(house, stream=True, max_tokens=19) for _ in range(200)]
        served = [visit for visit in visits if visit.requests]
        assert len(served) == 50
        assert {visit.got.error["code"] for visit in visits if not visit.requests} == {"rate_limit_exceeded"}
        for visit in served:
            usage = {"prompt_tokens": 1, "completion_tokens": 19, "total_tokens": 20}
            await visit.says(STREAM, word("Hi"), FINISH, frame({"id": "u", "choices": [], "usage": usage}), DONE)
        ((meter),) = meters(house)._meters.values()
        assert meter.spent() == DOLLAR
        assert (await chats(house)).got.error["code"] == "insufficient_quota"


@in_virtual_time
async def test_who_leaves_early_has_spent_what_came(tmp_path: Path) -> None:
    async with limited(tmp_path, "tokens_per_day: 1000") as house:
        visit = await chats(house, stream=True)
        await visit.leaves()
        (meter,) = meters(house)._meters.values()
        assert meter.tokens.total(0) == 1
        visit = await chats(house, stream=True)
        await visit.says(STREAM, word("one two three four"))
        await visit.leaves()
        assert meter.tokens.total(0) > 4
        assert meter.under_way == 0


@in_virtual_time
async def test_a_provider_that_fails_costs_nothing(tmp_path: Path) -> None:
    async with limited(tmp_path, "tokens_per_day: 1000, concurrent: 1") as house:
        for _ in range(2):
            visit = await chats(house)
            for _ in range(3):
                if not visit.to_client:
                    await visit.says(whole(400, {"error": {"message": "no"}}))
            assert visit.got.status == 400
        (meter,) = meters(house)._meters.values()
        assert meter.tokens.total(0) == 0


@pytest.mark.parametrize(("over", "ended"), [("finish", False), ("end", True)])
@in_virtual_time
async def test_an_answer_that_runs_over(tmp_path: Path, over: str, ended: bool) -> None:
    async with limited(tmp_path, "tokens_per_day: 50", f"limits: {{over: {over}}}") as house:
        visit = await chats(house, stream=True)
        await visit.says(STREAM, word("a b c d e f g h i j " * 6))
        await house.pass_s(1)
        assert visit.got.complete is ended
        if ended:
            assert visit.got.error["code"] == "insufficient_quota"
            assert "used up its 50 tokens of a day; the answer was ended" in visit.got.error["message"]
            assert "[DONE]" not in visit.got.body.decode()
        else:
            await visit.says(FINISH, DONE)
            assert visit.got.frames[-1] == "[DONE]"


@in_virtual_time
async def test_the_providers_own_limits_get_other_names(tmp_path: Path) -> None:
    async with limited(tmp_path, "rpm: 9") as house:
        visit = await chats(house)
        told = whole(
            200, json.loads(answer("Hi").partition(b"\r\n\r\n")[2]), **{"x-ratelimit-remaining-requests": "77"}
        )
        await visit.says(told)
        assert visit.got.headers["x-ratelimit-remaining-requests"] == "8"
        assert visit.got.headers["x-glassgate-upstream-ratelimit-remaining-requests"] == "77"


@in_virtual_time
async def test_limits_that_change_count_what_was_used(tmp_path: Path) -> None:
    async with limited(tmp_path, "rpm: 5") as house:
        for _ in range(3):
            await answered(house)
        house.write(tokens=f"[{{name: ada, key: {ADA}, rpm: 3}}]")
        await house.pass_s(3)
        assert (await answered(house)).status == 429
        house.write(tokens=f"[{{name: ada, key: {ADA}}}]")
        await house.pass_s(3)
        got = await answered(house)
        assert got.status == 200
        assert "x-ratelimit-limit-requests" not in got.headers


@in_virtual_time
async def test_after_a_restart_meters_go_on_with_what_the_ledger_knows(tmp_path: Path) -> None:
    more = f"{PRICES}\nusage: {{}}"
    async with limited(tmp_path, "budget: 1.00/total, tokens_per_day: 2000", more) as house:
        assert (await answered(house, prompt=600, said=400)).status == 200
    async with limited(tmp_path, "budget: 1.00/total, tokens_per_day: 2000", more) as house:
        visit = await chats(house)
        assert not visit.requests
        assert visit.got.error["code"] == "insufficient_quota"
        assert visit.got.headers["x-ratelimit-remaining-tokens"] == "1000"


@in_virtual_time
async def test_what_a_clock_gone_wrong_has_dated_into_the_future_counts_in_the_total_alone(tmp_path: Path) -> None:
    """It was years ahead after a boot, until it was set right."""
    more = f"{PRICES}\nusage: {{}}"
    house = limited(tmp_path, "budget: 1.00/day, tokens_per_day: 1000", more)
    house.ahead_s = 30 * 366 * 86_400
    async with house:
        assert (await answered(house, prompt=600, said=400)).status == 200
    async with limited(tmp_path, "budget: 1.00/day, tokens_per_day: 1000", more) as house:
        got = await answered(house)
        assert (got.status, got.headers["x-ratelimit-limit-tokens"]) == (200, "1000")
    async with limited(tmp_path, "budget: 1.00/total", more) as house:
        assert (await chats(house)).got.error["code"] == "insufficient_quota"


@in_virtual_time
async def test_a_ledger_that_cannot_be_read_is_said_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away(NoSpending):
        def spent(self, since_by_key: Mapping[str, float]) -> Mapping[str, Spent]:
            raise LedgerError("it is away")

    monkeypatch.setattr(metered_keys, "spending_of", lambda config: Away())
    async with limited(tmp_path, "rpm: 5") as house:
        assert (await answered(house)).status == 200
        assert any("it is away. Their limits count from now on" in line for line in house.said)


@in_virtual_time
async def test_a_budget_alone_ends_answers_too(tmp_path: Path) -> None:
    async with limited(tmp_path, "budget: 0.05/day", f"{PRICES}\nlimits: {{over: end}}") as house:
        visit = await chats(house, stream=True)
        await visit.says(STREAM, word("a b c d e f g h i j " * 6))
        await house.pass_s(1)
        assert "used up its budget of 0.05/day" in visit.got.error["message"]


@pytest.mark.parametrize(
    ("path", "body", "whole_end"),
    [
        ("/v1/messages", {"max_tokens": 900, "messages": [{"role": "user", "content": "Hi"}]}, "message_stop"),
        ("/v1/responses", {"input": "Hi"}, "response.completed"),
        ("/v1/completions", {"prompt": "Hi"}, "[DONE]"),
    ],
    ids=["messages", "responses", "completions"],
)
@in_virtual_time
async def test_what_runs_over_ends_with_an_error_in_every_form(
    tmp_path: Path, path: str, body: dict[str, Any], whole_end: str
) -> None:
    async with limited(tmp_path, "tokens_per_day: 50", "limits: {over: end}") as house:
        visit = await house.visit().asks({"model": "m", "stream": True, **body}, path, authorization=f"Bearer {ADA}")
        await visit.says(STREAM, word("a b c d e f g h i j " * 6))
        await house.pass_s(1)
        text = visit.got.body.decode()
        assert "used up its 50 tokens of a day" in text
        assert whole_end not in text
        refused = await house.visit().asks({"model": "m", **body}, path, authorization=f"Bearer {ADA}")
        assert refused.got.status == 429
