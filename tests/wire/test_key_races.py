"""Two hundred clients of one key at once over real sockets: together they get what its limit says, to the token."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import httpx
import pytest

from providers.sandbox.run import Sandbox
from providers.sandbox.server import Request, Site, Wire
from tests.support.faulty import provider
from tests.support.processes import KEY, NO_REST, Gateway, SandboxThread

CLIENTS: Final = 200
PROMPT, SAID = 1, 19
"""Tokens of each request, as its provider tells: as many as are reserved where the client lets it say so many."""
EACH: Final = PROMPT + SAID
LIMIT: Final = 1000
TOKEN: Final = "sk-{}-0123456789abcdef0123456789abcdef"
LIMITS: Final[dict[str, dict[str, Any]]] = {
    "tokens": {"tokens_per_day": LIMIT},
    "budget": {"budget": "1.00/day"},
    "concurrent": {"concurrent": 50},
    "generous": {"tokens_per_day": LIMIT},
    "one": {"tokens_per_day": LIMIT},
    "other": {"budget": "2.00/day"},
    "odd": {"tokens_per_day": LIMIT - 7},
}
PRICES: Final = {"m": {"input": 1000, "output": 1000}}
"""A thousandth of a USD for each token."""


@dataclass
class Counting(Site):
    """Counts what it is asked, and who waits for it at once; it answers whoever `may_go`."""

    may_go: threading.Event = field(default_factory=threading.Event)
    running: int = 0
    most: int = 0
    asked: int = 0

    async def handle(self, request: Request, wire: Wire) -> None:
        self.asked += 1
        self.running += 1
        self.most = max(self.most, self.running)
        while not self.may_go.is_set():
            await wire.pause(0.02)
        self.running -= 1
        message = {"role": "assistant", "content": "Hi"}
        usage = {"prompt_tokens": PROMPT, "completion_tokens": SAID, "total_tokens": EACH}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        await wire.respond(200, {"id": "u", "object": "chat.completion", "choices": [choice], "usage": usage})

    def begin(self) -> None:
        """Forgets what was; nobody is answered from now on."""
        self.may_go.clear()
        self.running = self.most = self.asked = 0


@pytest.fixture(scope="module")
def counting() -> Iterator[SandboxThread]:
    with SandboxThread(Sandbox((), own={"counting": Counting()})) as thread:
        yield thread


@pytest.fixture
def counted(counting: SandboxThread) -> Counting:
    site: Counting = counting.site("counting")
    site.begin()
    return site


@pytest.fixture(scope="module")
def limited(counting: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("races")
    folder.chmod(0o700)
    tokens = [{"name": name, "key": TOKEN.format(name), **limits} for name, limits in LIMITS.items()]
    gateway = Gateway(
        folder,
        providers={"counting": provider(counting.description()["base_urls"]["counting"] + "/v1")},
        auth={"tokens": [{"name": "all", "key": KEY}, *tokens]},
        accounts={"max_concurrent": 2 * CLIENTS, "queue_s": 60},
        prices=PRICES,
        limits={"requests": 4 * CLIENTS, "connections_per_address": 4 * CLIENTS},
        **NO_REST,
    )
    gateway.vault.put("counting", "key", {"api_key": "sk-counting-0123456789"})
    with gateway:
        yield gateway


class Crowd:
    """Clients of one key, each on a connection of its own."""

    def __init__(self, gateway: Gateway, name: str, most: int = SAID) -> None:
        self.statuses: list[int] = []
        self.codes: set[str] = set()
        self._url = f"{gateway.url}/v1/chat/completions"
        self._headers = {"authorization": f"Bearer {TOKEN.format(name)}"}
        self._body = {"model": "m", "max_tokens": most, "messages": [{"role": "user", "content": "Hi"}]}
        self._answered = asyncio.Condition()
        self._asking = 0

    @property
    def served(self) -> int:
        return self.statuses.count(200)

    @property
    def refused(self) -> int:
        return self.statuses.count(429)

    async def ask(self, client: httpx.AsyncClient) -> httpx.Response:
        self._asking += 1
        answer = await client.post(self._url, json=self._body, headers=self._headers)
        self._asking -= 1
        self.statuses.append(answer.status_code)
        if answer.status_code != 200:
            self.codes.add(answer.json()["error"]["code"])
        async with self._answered:
            self._answered.notify_all()
        return answer

    async def until_refused(self, count: int) -> None:
        async with self._answered:
            await self._answered.wait_for(lambda: self.refused >= count)

    async def goes_on(self, client: httpx.AsyncClient) -> None:
        """Asks again and again, as long as a wait is said to help, each time when another was answered."""
        seen = self.served
        while (answer := await self.ask(client)).headers.get("x-should-retry") != "false":
            if answer.status_code == 429:
                async with self._answered:
                    await self._answered.wait_for(partial(self._moved, seen))
            seen = self.served

    def _moved(self, seen: int) -> bool:
        """Whether there may be room now: the gateway counts a request out a moment after its answer."""
        return self.served > seen or not self._asking


def clients() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=100, limits=httpx.Limits(max_connections=None, max_keepalive_connections=None))


async def at_once(site: Counting, *crowds: tuple[Crowd, int, int]) -> None:
    """Crowds of so many clients; their provider answers nobody before so many of each were refused."""
    async with clients() as client, asyncio.TaskGroup() as group:
        for crowd, count, _ in crowds:
            for _ in range(count):
                group.create_task(crowd.ask(client))
        for crowd, _, refused in crowds:
            await crowd.until_refused(refused)
        site.may_go.set()


@pytest.mark.parametrize("name", ["tokens", "budget", "concurrent"])
def test_as_many_are_served_as_the_limit_says(limited: Gateway, counted: Counting, name: str) -> None:
    """Twenty tokens each of a thousand, or of a dollar's worth: fifty of two hundred."""
    crowd = Crowd(limited, name)
    asyncio.run(at_once(counted, (crowd, CLIENTS, CLIENTS - 50)))
    assert (crowd.served, crowd.refused) == (50, CLIENTS - 50)
    assert (counted.asked, counted.most) == (50, 50)
    after = Crowd(limited, name)
    asyncio.run(at_once(counted, (after, 1, 0 if name == "concurrent" else 1)))
    assert after.statuses == [200 if name == "concurrent" else 429]


def test_who_reserves_more_than_is_used_gets_all_of_it_in_the_end(limited: Gateway, counted: Counting) -> None:
    """Each lets its answer have five times what it takes; what is over is asked for again."""
    counted.may_go.set()
    crowd = Crowd(limited, "generous", most=99)

    async def drain() -> None:
        async with clients() as client, asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(crowd.goes_on(client))

    asyncio.run(drain())
    assert crowd.served * EACH == LIMIT == counted.asked * EACH
    assert counted.most <= LIMIT // 100
    assert set(crowd.statuses) == {200, 429}


def test_what_is_left_over_is_less_than_one_answer(limited: Gateway, counted: Counting) -> None:
    """A limit that is no multiple: the last one, alone, may have what is left, and a little more."""
    counted.may_go.set()
    crowd = Crowd(limited, "odd")

    async def drain() -> None:
        async with clients() as client, asyncio.TaskGroup() as group:
            for _ in range(CLIENTS // 4):
                group.create_task(crowd.goes_on(client))

    asyncio.run(drain())
    assert LIMIT - 7 <= crowd.served * EACH < LIMIT - 7 + EACH


def test_two_keys_side_by_side_do_not_disturb_each_other(limited: Gateway, counted: Counting) -> None:
    one, other = Crowd(limited, "one"), Crowd(limited, "other")
    asyncio.run(at_once(counted, (one, CLIENTS, CLIENTS - 50), (other, CLIENTS, CLIENTS - 100)))
    assert (one.served, one.refused) == (50, CLIENTS - 50)
    assert (other.served, other.refused) == (100, CLIENTS - 100)
    assert (counted.asked, counted.most) == (150, 150)
