"""GET /metrics of a running gateway: what was and what is, for who may know; off it is not there and costs nothing."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as families

from tests.support.answers import DONE, FINISH, STREAM, word
from tests.support.harness import House, api, is_quiet
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import KEY, Got

TOKEN = "metrics-token-0123456789abcdef"
ON = "metrics: {enabled: true}\n"
WHO = {"provider": "api", "account": "a"}


async def scrape(house: House, **fields: str) -> Got:
    visit = await house.visit().asks(None, "/metrics", "GET", **{"authorization": ""} | fields)
    for _ in range(1000):
        if visit.to_client:
            break
        await asyncio.sleep(0)
        await house.settle()
    return visit.got


def samples(got: Got) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in families(got.body.decode()):
        for one in family.samples:
            found.setdefault(one.name, []).append((one.labels, one.value))
    return found


def value(got: Got, name: str, **labels: str) -> float | None:
    """The sum of the samples with these labels, beside others."""
    fitting = [one for have, one in samples(got).get(f"glassgate_{name}", []) if labels.items() <= have.items()]
    return sum(fitting) if fitting else None


@in_virtual_time
async def test_what_was_and_what_is_stands_in_them(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        visit = await house.visit().chats("M")
        await visit.says(STREAM, word("Good "))
        during = await scrape(house)
        assert during.headers["content-type"].startswith("text/plain")
        assert (value(during, "requests_running"), value(during, "streams_running")) == (1, 1)
        assert value(during, "account_requests_running", **WHO) == 1
        assert value(during, "requests_total") is None
        await visit.says(word("day"), FINISH, DONE)
        await house.visit().chats("made-up")
        await house.visit().asks({}, authorization="Bearer sk-wrong")
        got = await scrape(house)
        assert (value(got, "requests_running"), value(got, "streams_running")) == (0, 0)
        assert value(got, "requests_total", model="m", key=house.lines[0].key, outcome="ok", **WHO) == 1
        assert value(got, "requests_total", model="other", status="4xx") == 1
        assert value(got, "errors_total", code="model_not_found") == 1
        assert value(got, "attempts_total", model="m", result="ok", **WHO) == 1
        assert value(got, "request_duration_seconds_count", model="m") == 1
        assert value(got, "account_state", state="ok", **WHO) == 1
        assert value(got, "account_state", state="expired", **WHO) == 0
        assert value(got, "queue_waiting", **WHO) == 0
        assert value(got, "client_sent_bytes_total") is not None
        assert "process_resident_memory_bytes" in samples(got)
        assert is_quiet(house)


@in_virtual_time
async def test_openmetrics_and_the_head_alone_where_they_are_asked_for(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        got = await scrape(house, accept="application/openmetrics-text; version=1.0.0")
        assert got.headers["content-type"].startswith("application/openmetrics-text")
        found = open_families(got.body.decode())  # type: ignore[no-untyped-call]
        assert "glassgate_requests_running" in {family.name for family in found}
        assert got.headers["cross-origin-resource-policy"] == "same-origin"
        visit = await house.visit().asks(None, "/metrics", "HEAD", authorization="")
        await house.pass_s(1)
        assert b" 200 " in visit.to_client
        assert b"glassgate" not in visit.to_client


@in_virtual_time
async def test_the_token_opens_them_and_stands_nowhere(tmp_path: Path) -> None:
    async with api(tmp_path, f"metrics: {{token: {TOKEN}}}\n") as house:
        assert (await scrape(house)).status == 401
        assert (await scrape(house, authorization=f"Bearer {KEY}")).status == 401
        got = await scrape(house, authorization=f"Bearer {TOKEN}", host="127.0.0.1:8080", x_forwarded_for="192.0.2.1")
        assert got.status == 200
        await house.visit().asks(None, f"/metrics?token={TOKEN}", "GET", user_agent=TOKEN, authorization="")
        kept = [json.dumps(flow.get_state(), default=str) for flow in house.flows()]
        assert len(kept) == 4
        assert TOKEN not in "".join(kept) + repr(house.lines) + repr(house.said)


@in_virtual_time
async def test_off_they_are_not_there_and_a_reload_turns_them_on(tmp_path: Path) -> None:
    async with api(tmp_path, "metrics: {enabled: false}\n") as house:
        assert (await scrape(house, authorization=f"Bearer {KEY}")).status == 404
        house.write(more=ON)
        await house.pass_s(5)
        assert (await scrape(house)).status == 200
        house.write(more="metrics: {enabled: false}\n")
        await house.pass_s(5)
        assert (await scrape(house)).status == 401


@in_virtual_time
async def test_what_left_with_a_reload_leaves_the_metrics(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Good "), FINISH, DONE)
        name = house.line.key
        assert value(await scrape(house), "requests_total", key=name, account="a") == 1
        house.write(tokens="[{name: bob, key: sk-other-0123456789abcdef0123456789abcdef}]")
        await house.pass_s(5)
        assert value(await scrape(house), "requests_total", key=name) is None


@in_virtual_time
async def test_many_who_scrape_at_once_cost_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with api(tmp_path, ON) as house:
        page: Any = next(how for action, how in house.gate._answering.items() if action == "metrics").__self__._page  # type: ignore[attr-defined]
        looks = []
        look = page._look

        async def counted() -> None:
            looks.append(1)
            await look()

        monkeypatch.setattr(page, "_look", counted)
        answers = await asyncio.gather(*(page.answer("") for _ in range(50)))
        assert len(looks) == 1
        assert len({answer.content for answer in answers}) == 1


@in_virtual_time
async def test_while_it_drains_they_are_still_told(tmp_path: Path) -> None:
    async with api(tmp_path, ON) as house:
        visit = await house.visit().chats("m")
        await visit.says(STREAM, word("Good "))
        house.gate.drain.asked()
        assert value(await scrape(house), "draining") == 1
        await visit.says(FINISH, DONE)
