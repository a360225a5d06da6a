"""Policies and observers are plugged in by a tuple: here some of the tests' own, served by the whole gateway."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from addons.app import wiring
from addons.errors import GatewayError
from addons.exchange.observer import Observer
from addons.exchange.outcome import AttemptRecord, ExchangeInfo, Outcome
from addons.ingress.gate import Admission
from tests.support.answers import DONE, FINISH, STREAM, answer, whole, word
from tests.support.harness import api, is_quiet, zai
from tests.support.virtual_time import in_virtual_time


@dataclass
class Ledger(Observer):
    """Counts tokens by key, as a usage ledger would, and remembers what it was told."""

    told: list[object] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)

    async def begun(self, info: ExchangeInfo) -> None:
        self.told.append(info)

    async def attempted(self, record: AttemptRecord) -> None:
        self.told.append(record)

    async def ended(self, outcome: Outcome) -> None:
        self.told.append(outcome)
        if outcome.usage is not None:
            self.tokens[outcome.key] = self.tokens.get(outcome.key, 0) + outcome.usage.total_tokens


class Broken(Observer):
    async def begun(self, info: ExchangeInfo) -> None:
        raise ValueError("no room left")

    async def attempted(self, record: AttemptRecord) -> None:
        raise ValueError("no room left")

    async def ended(self, outcome: Outcome) -> None:
        raise ValueError("no room left")


@dataclass
class Budget:
    """A policy: nobody may ask a model once the ledger says so."""

    ledger: Ledger
    most: int

    def check(self, admission: Admission) -> None:
        if admission.asks_model and self.ledger.tokens.get(admission.key, 0) >= self.most:
            raise GatewayError(429, "the budget of this key is used up", code="budget")


def plug_in(monkeypatch: pytest.MonkeyPatch, *more: Observer) -> None:
    own = wiring.observers
    monkeypatch.setattr(wiring, "observers", lambda *given: (*more, *own(*given)))


def limit(monkeypatch: pytest.MonkeyPatch, budget: Budget) -> None:
    own = wiring.policies
    monkeypatch.setattr(wiring, "policies", lambda *given: (*own(*given), budget))


@in_virtual_time
async def test_a_ledger_and_a_budget_over_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger()
    plug_in(monkeypatch, ledger)
    limit(monkeypatch, Budget(ledger, most=5))
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=False)
        await visit.says(answer("Hi"))
        assert list(ledger.tokens.values()) == [5]
        refused = await house.visit().chats("m")
        assert (refused.got.status, refused.got.error["code"]) == (429, "budget")
        assert not refused.requests
        assert (await house.visit().asks(None, "/v1/models", "GET")).got.status == 200
        assert is_quiet(house)


@in_virtual_time
async def test_an_observer_is_told_of_the_beginning_each_attempt_and_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger()
    plug_in(monkeypatch, ledger)
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m")
        (info,) = ledger.told
        assert isinstance(info, ExchangeInfo)
        assert (info.dialect, info.method, info.path) == ("chat_completions", "POST", "/v1/chat/completions")
        assert info.progress.model == "m"
        await visit.says(whole(503, {"error": {"message": "overloaded"}}))
        await house.pass_s(1)
        await visit.says(STREAM, word("Good "), word("day"), FINISH, DONE)
        _, first, second, outcome = ledger.told
        assert isinstance(first, AttemptRecord)
        assert isinstance(second, AttemptRecord)
        assert isinstance(outcome, Outcome)
        assert (first.number, first.model, first.provider) == (1, "m", "api")
        assert first.error is not None
        assert first.flow is not None
        assert first.flow is not info.flow
        assert (second.number, second.error, second.flow) == (2, None, None)
        assert {first.account, second.account} == {"a", "b"}
        assert (outcome.outcome, outcome.attempts, outcome.account, outcome.asked) == ("ok", 2, second.account, "m")
        assert outcome.last == outcome.records[1]
        assert outcome.flow is info.flow
        assert outcome.delivered == second.delivered
        assert b"Good " in outcome.delivered
        assert b"Hello" in outcome.client_body
        assert {info.id, first.request_id, second.request_id, outcome.id} == {visit.got.headers["x-request-id"]}


@in_virtual_time
async def test_what_is_answered_at_the_door_has_an_end_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger()
    plug_in(monkeypatch, ledger)
    async with api(tmp_path) as house:
        await house.visit().asks(None, "/v1/models", "GET")
        await house.visit().asks({"model": "m"}, authorization="")
        own, refused = ledger.told
        assert isinstance(own, Outcome)
        assert isinstance(refused, Outcome)
        assert (own.outcome, own.dialect, own.error) == ("ok", "", None)
        assert refused.error is not None
        assert (refused.outcome, refused.status, refused.error.code) == ("refused", 401, "invalid_api_key")


@in_virtual_time
async def test_a_broken_observer_hurts_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger()
    plug_in(monkeypatch, Broken(), ledger)
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=False)
        await visit.says(answer("Hi"))
        assert visit.got.value["choices"][0]["message"]["content"] == "Hi"
        assert [type(one) for one in ledger.told] == [ExchangeInfo, AttemptRecord, Outcome]
        assert (house.line.outcome, visit.note.outcome) == ("ok", "ok")
        faults = [words for words in house.said if words.startswith("Broken failed over")]
        assert len(faults) == 3
        assert is_quiet(house)


@in_virtual_time
async def test_an_attempt_that_could_not_be_prepared_has_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger()
    plug_in(monkeypatch, ledger)
    house = zai(tmp_path, "retries: {enabled: false}")
    house.site.replies["POST /api/v1/chats/new"] = (500, {})
    async with house:
        visit = await house.visit().chats("GLM-4.7")
        assert visit.got.status == 502
        records = [one for one in ledger.told if isinstance(one, AttemptRecord)]
        assert [(one.number, one.provider, one.attempt, one.usage) for one in records] == [
            (1, "zai", None, None),
            (2, "zai", None, None),
        ]
        outcome: Any = ledger.told[-1]
        assert (outcome.records, outcome.last, outcome.delivered) == (tuple(records), None, b"")
