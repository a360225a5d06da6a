"""A client that leaves at any moment: no place at an account is lost, and no account learns what it did not do."""

import asyncio
import random
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import Mock

import httpx
import pytest

from addons.app import wiring
from addons.exchange.observer import Observer
from addons.exchange.outcome import ExchangeInfo
from addons.exchange.stage import Stage
from tests.support.answers import ALL_SAID, STREAM, said, whole, zai_token
from tests.support.harness import House, api, is_quiet, zai
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import Visit

DOWN = whole(503, {"error": {"message": "overloaded"}})
EXPIRED = whole(401, {"detail": "Your session has expired"})
LIMITED = whole(429, {"detail": "slow down"}, retry_after="1")
CROWD = 6
"""So many clients at a time."""
RULES = """
accounts: {max_concurrent: 1, queue_s: 5}
breaker: {enabled: false}
cooldown: {enabled: false}
"""


@dataclass
class Moody:
    """Z.AI, which takes its time, forgets sessions, hands out others, and says all sorts of things."""

    house: House
    rng: random.Random
    persons: dict[str, str] = field(default_factory=dict)
    """Token → whose it is."""

    def __post_init__(self) -> None:
        self.persons = {self.house.sessions["zai", name]["token"]: name for name in "ab"}
        self.house.site.replies |= {"GET /api/v1/auths/": self.renews, "POST /api/v1/chats/new": self.makes}

    async def renews(self, request: httpx.Request) -> tuple[int, object]:
        await self.house.pass_s(self.rng.random())
        if self.rng.random() < 0.1:
            return 500, {}
        person = self.persons[request.headers["authorization"].removeprefix("Bearer ")]
        self.persons[fresh := zai_token(person)] = person
        return 200, {"id": person, "email": f"{person}@example.com", "token": fresh}

    async def makes(self, request: httpx.Request) -> tuple[int, object]:
        await self.house.pass_s(self.rng.random())
        known = self.rng.random() < 0.8
        return (200, {"id": f"chat-{len(self.house.site.asked)}"}) if known else (401, {"detail": "expired"})

    def says(self) -> bytes:
        answers = [EXPIRED, DOWN, LIMITED, STREAM + said("Hi"), STREAM + said("Hi") + ALL_SAID]
        return self.rng.choice(answers)


@in_virtual_time
async def test_two_hundred_who_leave_at_any_time_leave_nothing_behind(tmp_path: Path) -> None:
    rng, house = random.Random(1), zai(tmp_path, RULES)
    site, visits, stages = Moody(house, rng), list[Visit](), set[Stage]()
    async with house:
        for _ in range(200):
            visits.append(await house.visit().chats("GLM-4.7"))
            await house.pass_s(rng.choice([0, 0, 0.05, 0.6]))
            waiting = [visit for visit in visits if visit.requests and not visit.to_client]
            for visit in rng.sample(waiting, min(len(waiting), 2)):
                await visit.says(site.says())
            stages |= {one.attempt_loop.stage for one in house.gate.exchanges if one.attempt_loop}
            if len(visits) > CROWD:
                leaving = rng.choice(visits)
                await leaving.leaves()
                visits.remove(leaving)
        for visit in rng.sample(visits, len(visits)):
            await visit.leaves()
        await house.pass_s(20)
        assert {Stage.QUEUED, Stage.RENEWING, Stage.PREPARING, Stage.PAUSED, Stage.READY} <= stages
        assert is_quiet(house)
        accounts = house.parts.pool.all()
        assert [(one.limiter.busy, one.limiter.waiting, one.renewal.flight) for one in accounts] == [(0, 0, None)] * 2


@in_virtual_time
async def test_who_leaves_in_a_pause_makes_no_failure_count_twice(tmp_path: Path) -> None:
    house = api(tmp_path, "breaker: {failures: 2}")
    house.providers = house.providers.replace("[a, b]", "[a]")
    async with house:
        visit = await house.visit().chats("m")
        await visit.says(DOWN)
        await visit.leaves()
        assert house.parts.pool.by_key["api", "a"].availability.blocked("m") is None
        assert is_quiet(house)


@in_virtual_time
async def test_who_leaves_while_the_next_account_is_made_ready_blames_neither(tmp_path: Path) -> None:
    house = zai(tmp_path, "breaker: {failures: 2}\nretries: {enabled: false}")
    never = asyncio.Event()

    async def makes(request: httpx.Request) -> tuple[int, object]:
        if request.headers["authorization"].endswith(house.sessions["zai", "b"]["token"]):
            await never.wait()
        return 200, {"id": "chat"}

    house.site.replies["POST /api/v1/chats/new"] = makes
    async with house:
        visit = await house.visit().chats("GLM-4.7")
        await visit.says(DOWN)
        await visit.leaves()
        for account in house.parts.pool.all():
            assert account.availability.blocked("GLM-4.7") is None
        faults = [len(account.availability._faults) for account in house.parts.pool.all()]
        assert faults == [1, 0]
        assert is_quiet(house)


@in_virtual_time
async def test_who_leaves_while_a_session_is_renewed_does_not_make_it_expired(tmp_path: Path) -> None:
    house = zai(tmp_path)
    go = asyncio.Event()

    async def renews(request: httpx.Request) -> tuple[int, object]:
        await go.wait()
        return 200, {"id": "a", "email": "a@example.com", "token": zai_token("a")}

    house.site.replies["GET /api/v1/auths/"] = renews
    async with house:
        visit = await house.visit().chats("GLM-4.7")
        await visit.says(EXPIRED)
        await visit.leaves()
        account = house.parts.pool.by_key["zai", "a"]
        assert account.health.state is not None
        assert account.health.state.health.value == "refreshing"
        go.set()
        await house.settle()
        assert account.health.state.health.value == "ok"
        assert is_quiet(house)


@in_virtual_time
async def test_who_leaves_while_an_observer_is_told_makes_nobody_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Observer):
        async def begun(self, info: ExchangeInfo) -> None:
            await asyncio.sleep(5)

    builtin = wiring.observers
    monkeypatch.setattr(wiring, "observers", lambda *given: (Slow(), *builtin(*given)))
    async with zai(tmp_path) as house:
        visit = await house.visit().chats("GLM-4.7")
        await visit.leaves()
        await house.pass_s(10)
        assert house.site.count("POST /api/v1/chats/new") == 0
        assert not visit.requests
        assert house.line.outcome == "client_left"
        assert is_quiet(house)


@in_virtual_time
async def test_a_fault_of_the_tidying_up_keeps_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with zai(tmp_path, delete_chats="true") as house:
        visit = await house.visit().chats("GLM-4.7")
        (exchange,) = house.gate.exchanges
        assert exchange.attempt_loop is not None
        assert exchange.attempt_loop.progress is not None
        turn = type(exchange.attempt_loop.progress.turn)
        monkeypatch.setattr(turn, "cleanup", Mock(side_effect=RuntimeError("a provider's fault")))
        await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert house.line.outcome == "ok"
        assert "what follows an attempt at zai could not be done" in "\n".join(house.said)
        assert is_quiet(house)
