"""A dialect's own answer to a body: it is a request under way as those to models are, and no provider hears of it."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mitmproxy import http

from addons.dialects import registry
from addons.dialects.body import Reading, read_object
from addons.dialects.completions.dialect import Completions
from addons.dialects.local import Catalog, LocalRequest
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.dialects.routes import POST, Route
from addons.errors import GatewayError
from addons.exchange.observer import Observer, Observers
from addons.exchange.outcome import ExchangeInfo, Outcome
from addons.exchange.request_body import AT_ONCE_BYTES
from tests.support.harness import House, api, is_quiet
from tests.support.virtual_time import in_virtual_time
from tests.support.visit import KEY

PATH = "/v1/things/{id}/count"
COUNT = "/v1/things/a%2Fb/count"
BIG = {"texts": ["x" * AT_ONCE_BYTES], "turns": 100}
TAKEN: list[LocalRequest] = []
MEANWHILE: list[Callable[[], object]] = []
"""What happens between two steps of an answer."""


def count(request: LocalRequest, catalog: Catalog) -> Reading[http.Response]:
    TAKEN.append(request)
    raw = yield from read_object(request.body, request.most_values)
    if raw.get("broken"):
        raise ZeroDivisionError
    for _ in range(int(raw.get("turns", 0))):
        if MEANWHILE:
            MEANWHILE.pop()()
        yield
    told = {"of": request.head.params["id"], "tokens": catalog.tokens(raw["texts"])}
    return http.Response.make(202, json.dumps(told), {"content-type": "application/json"})


class Counting(Completions):
    """A Dialect."""

    name = "counting"
    routes = (Route(POST, PATH, "count", local_reading=count, reads=("session-id",)),)

    def error(self, error: GatewayError, head: RoutedHead = NO_HEAD) -> http.Response:
        return http.Response.make(error.status, json.dumps({"no": error.code}), {"content-type": "application/json"})


@pytest.fixture(autouse=True)
def dialect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "DIALECTS", (*registry.DIALECTS, Counting()))
    TAKEN.clear()
    MEANWHILE.clear()


async def counted(house: House, **body: object) -> Any:
    return await house.visit().asks({"texts": ["one two", "three"], **body}, COUNT, session_id="s-1")


@in_virtual_time
async def test_it_is_given_head_body_and_bounds(tmp_path: Path) -> None:
    async with api(tmp_path, "limits: {body_values: 1077}") as house:
        visit = await counted(house)
        assert (visit.got.status, visit.got.value) == (202, {"of": "a/b", "tokens": 3})
        (taken,) = TAKEN
        assert (taken.head.operation, taken.head.headers, taken.most_values) == ("count", {"session-id": "s-1"}, 1077)
        assert json.loads(taken.body) == {"texts": ["one two", "three"]}
        assert (house.line.status, house.line.outcome, house.line.dialect) == (202, "ok", "counting")
        assert is_quiet(house)


@in_virtual_time
async def test_two_on_one_connection(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = house.visit()
        for name in ("one", "two"):
            await visit.asks({"texts": []}, f"/v1/things/{name}/count")
            assert visit.got.value == {"of": name, "tokens": 0}
        assert visit.got.headers["x-request-id"] == house.line.id


@in_virtual_time
async def test_observers_hear_of_its_end_alone(tmp_path: Path) -> None:
    told: list[str] = []

    class Listener(Observer):
        async def begun(self, info: ExchangeInfo) -> None:
            told.append(f"begun {info.id}")

        async def ended(self, outcome: Outcome) -> None:
            told.append(f"ended {outcome.outcome} {outcome.records}")

    async with api(tmp_path) as house:
        house.gate.observers = Observers([Listener()])
        await counted(house)
        assert told == ["ended ok ()"]


@in_virtual_time
async def test_secrets_in_its_body_are_not_kept(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        await counted(house, more=f"my key is {KEY}")
        assert KEY.encode() in TAKEN[0].body
        kept = repr([flow.get_state() for flow in house.flows()]) + repr(house.said)
        assert "my key is" in kept
        assert KEY not in kept
        assert "s-1" not in kept


@in_virtual_time
async def test_a_fault_in_it_is_a_500_in_its_own_form(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await counted(house, broken=True)
        assert (visit.got.status, visit.got.value) == (500, {"no": "internal_error"})
        assert (house.line.status, house.line.outcome) == (500, "failed")
        assert is_quiet(house)


@in_virtual_time
async def test_a_client_that_leaves_meanwhile_ends_it(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = house.visit()
        MEANWHILE.append(visit.client_leaves)
        await visit.asks(BIG, COUNT)
        assert (house.line.outcome, house.line.status) == ("client_left", 499)
        assert not visit.to_client
        assert is_quiet(house)


@in_virtual_time
async def test_a_big_one_leaves_others_their_turns_and_counts_as_under_way(tmp_path: Path) -> None:
    async with api(tmp_path, "limits: {requests: 1}") as house:
        budget = house.gate._stream.body_budget
        names, refused, chat = house.visit(), house.visit(), house.visit()
        others: list[asyncio.Future[Any]] = []
        held: list[int] = []

        def come() -> None:
            held.append(budget.total)
            assert house.parts.context.budget.active == 0  # what asks no provider earns no attempts for others
            others.append(asyncio.ensure_future(names.asks(None, "/v1/models", "GET")))
            others.append(asyncio.ensure_future(refused.asks({"texts": []}, COUNT)))
            others.append(asyncio.ensure_future(chat.chats("m")))

        MEANWHILE.append(come)
        visit = await house.visit().asks(BIG, COUNT)
        await asyncio.gather(*others)
        assert [(line.status, line.path) for line in house.lines] == [
            (200, "/v1/models"),
            (429, "/v1/things/a%2Fb/count"),
            (429, "/v1/chat/completions"),
            (202, "/v1/things/a%2Fb/count"),
        ]
        assert (names.got.status, visit.got.status) == (200, 202)
        assert (refused.got.status, refused.got.value) == (429, {"no": "too_many_requests"})
        assert held[0] > AT_ONCE_BYTES
        assert budget.total == 0
        assert is_quiet(house)


@in_virtual_time
async def test_it_is_ended_with_the_gateway(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        ending: list[asyncio.Future[None]] = []
        MEANWHILE.append(lambda: ending.append(asyncio.ensure_future(house.gate.exchanges.end_all())))
        visit = await house.visit().asks(BIG, COUNT)
        await asyncio.gather(*ending)
        assert (visit.got.status, visit.got.value) == (503, {"no": "shutting_down"})
        assert (house.line.status, house.line.outcome) == (503, "failed")
        assert is_quiet(house)
