"""Two people's week: what the ledger has of each is what the provider counted, to the token.

The gateway is whole and in this process, the provider a stand-in that counts what it is asked and says. Wall time jumps
from request to request, and once back; the rest of time is virtual.
"""

import json
import random
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from unittest.mock import Mock

import pytest

from addons.features.token_estimate import estimated
from providers.sandbox.server import Request, Site, Wire
from providers.sandbox.zai import frames
from tests.support.served import Served
from tests.support.sites import Sites

PEOPLE: Final = ("ada", "bob")
BACK: Final = 33
"""Before this request somebody sets the clock back."""
DAY: Final = 86_400.0
PLANS: Final = ("whole", "stream", "busy", "other", "cut", "left", "cached", "broken")
PRICES: Final[dict[str, dict[str, float]]] = {
    "m": {"input": 2, "output": 8, "cached_input": 0.5},
    "n": {"input": 1, "output": 4},
}


@dataclass
class Counted:
    """Tokens: of prompts, of those what was cached, of answers."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0

    def add(self, prompt: int, cached: int, completion: int) -> None:
        self.prompt, self.cached, self.completion = (
            self.prompt + prompt, self.cached + cached, self.completion + completion,
        )  # fmt: skip


@dataclass
class Meter(Site):
    """An API that counts by person and model. A prompt is `PERSON NUMBER PLAN`; the plan says how it behaves."""

    name: str = "meter"
    counted: dict[tuple[str, str], Counted] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def session(self) -> dict[str, Any]:
        return {"api_key": "sk-meter-0123456789abcdef"}

    async def handle(self, request: Request, wire: Wire) -> None:
        body = request.json()
        if request.method != "POST" or body is None:
            await wire.respond(200, {"object": "list", "data": [{"id": "m"}, {"id": "n"}]})
            return
        said, model = body["messages"][0]["content"], body["model"]
        person, number, plan = said.split()
        count = self.counted.setdefault((person, model), Counted())
        if plan == "busy" and said not in self.refused:
            self.refused.add(said)
            await wire.respond(503, {"error": {"message": "busy"}})
            return
        if plan == "other" and model == "m":
            await wire.respond(404, {"error": {"message": "no such model", "code": "model_not_found"}})
            return
        await self._answered(body, wire, int(number), said, count)

    async def _answered(self, body: Mapping[str, Any], wire: Wire, number: int, said: str, count: Counted) -> None:
        prompt, words = 100 + number, ["word "] * (3 + number % 7)
        usage = {"prompt_tokens": prompt, "completion_tokens": len(words), "total_tokens": prompt + len(words)}
        usage["prompt_tokens_details"] = {"cached_tokens": number}  # type: ignore[assignment]
        head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
        if not body.get("stream"):
            message = {"role": "assistant", "content": "".join(words)}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            count.add(prompt, number, len(words))
            await wire.respond(200, {**head, "object": "chat.completion", "choices": choices, "usage": usage})
            return
        await wire.begin()
        sent = ""
        try:
            for word in words:
                sent += word
                await wire.send(_frame({**head, "choices": [_delta(word)]}))
                if said.endswith(("cut", "broken")) and len(sent) >= 10:
                    wire.hang_up()
                await wire.pause(0.5)
        except BaseException:
            count.add(estimated([said]), 0, estimated([sent]))  # as an API bills what it has said by then
            raise
        count.add(prompt, number, len(words))
        await wire.send(_frame({**head, "choices": [_delta(reason="stop")]}))
        await wire.send(_frame({**head, "choices": [], "usage": usage}))
        await wire.send(b"data: [DONE]\n\n")
        await wire.end()


def _frame(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _delta(text: str = "", reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": reason}


@pytest.fixture
def sites() -> Iterator[Sites]:
    with Sites((), own={"meter": Meter()}) as found:
        yield found


def test_two_peoples_week_is_what_the_provider_counted(tmp_path: Path, sites: Sites) -> None:
    keys = {person: f"sk-{person}-0123456789abcdef0123456789abcdef" for person in PEOPLE}
    address = sites.site("meter").address
    provider = {
        "type": "openai_compatible", "base_url": f"{address}/v1", "models": ["m", "n"], "stream_usage": True,
        "accounts": [{"name": "main"}, {"name": "spare"}],
    }  # fmt: skip
    described: dict[str, Any] = {"base_urls": {}, "sessions": {}}
    served = Served(
        tmp_path, sites, described, providers={"api": provider}, usage={}, prices=PRICES, cache={"ttl_s": 10 * DAY},
        auth={"tokens": [{"name": person, "key": key} for person, key in keys.items()]},
        routing={"fallbacks": {"m": ["n"]}},
        # A week of faults lies within virtual seconds: neither breakers nor the budget of retries are looked at here.
        breaker={"enabled": False}, cooldown={"enabled": False}, retries={"budget": 1},
    )  # fmt: skip
    for account in ("main", "spare"):
        served.vault.put("api", account, sites.site("meter").session())
    dice = random.Random(18)
    with served:
        for number in range(56):
            person = PEOPLE[number % 2]
            served.house.ahead_s += DAY / 8 if number != BACK else -DAY / 2
            _ask(served, {"authorization": f"Bearer {keys[person]}"}, f"{person} {number} {dice.choice(PLANS)}")
    meter: Meter = sites.site("meter")
    assert _sums(tmp_path) == {key: count for key, count in meter.counted.items() if count != Counted()}
    assert _cost(tmp_path) == sum((_price(model, count) for (_, model), count in meter.counted.items()), Decimal(0))
    outcomes = _query(tmp_path, "SELECT outcome, count(*) FROM glassgate_requests GROUP BY 1")
    assert {name for name, _ in outcomes} == {"ok", "broken_off", "client_left"}
    assert _query(tmp_path, "SELECT count(*) FROM glassgate_requests WHERE cache = 'hit'")[0][0] > 3
    assert _query(tmp_path, "SELECT count(*) FROM glassgate_requests WHERE attempts > 1")[0][0] > 3


def _ask(served: Served, headers: dict[str, str], said: str) -> None:
    plan = said.split()[2]
    body: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": said}]}
    with served.http(headers=headers, timeout=60) as http:
        if plan in ("whole", "busy", "other"):
            assert http.post("/v1/chat/completions", json=body).status_code == 200, said
        elif plan == "cached":
            for state in ("miss", "hit"):  # of a model that no other stands in for
                told = http.post("/v1/chat/completions", json=body | {"model": "n", "temperature": 0})
                assert told.headers["x-glassgate-cache"] == state
        elif plan == "left":
            with http.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as answer:
                next(answer.iter_lines())
                served.pass_s(0.7)
        else:
            told = http.post("/v1/chat/completions", json=body | {"stream": True})
            assert ("error" in told.text) is (plan in ("cut", "broken")), told.text


def _query(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "s" / "usage.db")) as connection:
        return connection.execute(statement).fetchall()


def _sums(folder: Path) -> dict[tuple[str, str], Counted]:
    sums = "sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens)"
    found = _query(folder, f"SELECT key, model, {sums} FROM glassgate_requests WHERE attempts > 0 GROUP BY 1, 2")
    return {(key, model): Counted(*counts) for key, model, *counts in found}


def _cost(folder: Path) -> Decimal:
    return Decimal(_query(folder, "SELECT sum(cost_nano) FROM glassgate_requests")[0][0]) / 10**9


def _price(model: str, count: Counted) -> Decimal:
    price = {name: Decimal(str(value)) for name, value in PRICES[model].items()}
    kept = price.get("cached_input", price["input"])
    plain = count.prompt - count.cached
    return (plain * price["input"] + count.cached * kept + count.completion * price["output"]) / 10**6


MISFIT: Final = 'Weather\n!sandbox text="I would rather not."'
OBJECT: Final = {
    "type": "json_schema",
    "json_schema": {"name": "w", "schema": {"type": "object", "required": ["town"]}},
}


@pytest.mark.parametrize(
    ("more", "answers"),
    [({"n": 3}, 3), ({"n": 2, "stream": True}, 2), ({"response_format": OBJECT}, 2), ({}, 1)],
    ids=["three", "two in a stream", "mended", "one"],
)
def test_what_the_gateway_asks_beside_and_anew_counts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], answers: int
) -> None:
    """A site that gives one answer at a time, and words where an object was wanted: each answer has its tokens."""
    usage = Mock(side_effect=frames._usage)
    monkeypatch.setattr(frames, "_usage", usage)
    with Sites(("zai",)) as sites, Served(tmp_path, sites, usage={}) as served:
        body = {"model": "GLM-4.6", "messages": [{"role": "user", "content": MISFIT}], **more}
        assert served.post(body).status_code == 200
    sums = "SELECT prompt_tokens, completion_tokens, cached_tokens FROM glassgate_requests"
    assert usage.call_count == answers
    assert _query(tmp_path, sums) == [(12 * answers, 34 * answers, 4 * answers)]
