"""What a request costs before its provider is asked: reading it, building the call, sealing, and the whole way through.

The whole way is the real addon in mitmproxy, without a socket: from the client's bytes to the provider's, and with the
provider's answer back to the client.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from addons.dialects.chat_completions.dialect import ChatCompletions
from addons.transport.places import places_of
from addons.transport.sealing import Owner, Seals
from addons.transport.upstream_request import request_of
from benchmarks.vaults import put_all
from providers.contract.operation import Turn
from providers.contract.session import Session
from providers.contract.steps import Moment
from tests.providers.seeds import provider_of
from tests.support.answers import answer
from tests.support.harness import House
from tests.support.turns import turn_of
from tests.support.virtual_time import VirtualLoop
from tests.support.visit import Visit

TOKEN = "t" * 400
NOW = Moment(1_700_000_000_000, lambda: "11111111-2222-4333-8444-555555555555")
SESSION = Session("openai_compatible", "a", ("api_key",))


def body(**more: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hello"}], **more}).encode()


def history(turns: int) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[at % 2], "content": f"turn {at} " * 20} for at in range(turns * 2 + 1)]


@pytest.mark.parametrize(
    "content",
    [body(), body(messages=history(100)), body(messages=[{"role": "user", "content": "words " * 20_000}])],
    ids=["short", "100 turns", "120 KB"],
)
def test_reading_a_request(benchmark: BenchmarkFixture, content: bytes) -> None:
    benchmark(ChatCompletions().parse, content)


def turn() -> Turn:
    """Of an official API, for a short chat."""
    return turn_of(provider_of("openai_compatible"), ChatCompletions().parse(body()).request, SESSION)


def test_building_a_call(benchmark: BenchmarkFixture) -> None:
    """A turn, its call, and the request as it stands in the flow."""
    provider, request = provider_of("openai_compatible"), ChatCompletions().parse(body()).request
    benchmark(lambda: request_of(turn_of(provider, request, SESSION).call(NOW)))


def test_sealing(benchmark: BenchmarkFixture) -> None:
    """A token of 400 characters into a request, on its way to the wire."""
    call = turn().call(NOW)
    seals, request, places = Seals(lambda *_: {"api_key": TOKEN}), request_of(call), places_of(call)
    benchmark(seals.wire_request, request, places, Owner(SESSION.provider, SESSION.account))


class Accounts(House):
    """A gateway with so many accounts of an official API."""

    def _store(self, now: Callable[[], float]) -> None:
        many, self.sessions = self.sessions, {}
        super()._store(now)
        put_all(self.vault, many)


def accounts(folder: Path, count: int) -> Accounts:
    names = [f"a{number}" for number in range(count)]
    provider = (
        f"\n  api: {{type: openai_compatible, base_url: 'http://127.0.0.1:1002/v1', models: [m], accounts: {names}}}\n"
    )
    return Accounts(folder, provider, {("api", name): {"api_key": f"key-of-{name}-0123456789abcdef"} for name in names})


class Gateway:
    """The gateway on a loop of its own, whose time is virtual."""

    def __init__(self, folder: Path, count: int) -> None:
        self.loop = VirtualLoop()
        self.house: House = accounts(folder, count)
        self.loop.run_until_complete(self.house.__aenter__())

    def connected(self) -> Visit:
        async def visit() -> Visit:
            return self.house.visit()  # (a connection of the own driver asks for the running loop)

        return self.loop.run_until_complete(visit())

    def planned(self, visit: Visit) -> Visit:
        """A request on a connection has gone to its provider."""
        return self.loop.run_until_complete(visit.chats("m", stream=False))

    def answered(self, visit: Visit) -> None:
        self.loop.run_until_complete(self.planned(visit).says(answer("word")))

    def left(self, visit: Visit) -> None:
        self.loop.run_until_complete(visit.leaves())

    def end(self) -> None:
        self.loop.run_until_complete(self.house.__aexit__())
        self.loop.close()


@pytest.fixture(params=[1, 1000], ids=["1 account", "1000 accounts"])
def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Gateway]:
    found = Gateway(tmp_path, request.param)
    asyncio.set_event_loop(found.loop)
    yield found
    asyncio.set_event_loop(None)
    found.end()


def on_new_connections(benchmark: Any, gateway: Gateway, what: Callable[[Visit], object]) -> None:
    """Each time on a connection of its own; its opening and its end are not measured."""
    benchmark.pedantic(what, setup=lambda: ((gateway.connected(),), {}), teardown=gateway.left, rounds=200)


def test_planning_a_request(benchmark: BenchmarkFixture, gateway: Gateway) -> None:
    """From the client's first byte to the provider's."""
    on_new_connections(benchmark, gateway, gateway.planned)


def test_a_whole_request(benchmark: BenchmarkFixture, gateway: Gateway) -> None:
    """And the answer back to the client."""
    on_new_connections(benchmark, gateway, gateway.answered)
