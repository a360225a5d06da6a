"""Steps over the network: each call with its secrets, each answer back into the steps, every fault in words."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import httpx
import pytest

from addons.cleaning.cleaner import Cleaner
from addons.cleaning.index import KnownSecret
from addons.transport.carrier import BODY_LIMIT_BYTES, Carrier
from addons.transport.httpx_carrier import HttpxCarrier
from addons.transport.pool_carrier import PoolCarrier
from addons.transport.sealing import Seals
from addons.transport.step_runner import AT_ONCE, STEP_LIMIT, CallRecord, StepRunner
from addons.upstream.pool import UpstreamPool
from providers.contract.call import Call
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Session
from providers.contract.steps import Answer, Steps, Wait, Work, together
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible
from tests.support.own_calls import Sides
from tests.support.virtual_time import in_virtual_time

KEY = "ak_9fPq2LzR7tXw4mVbN8sKd3"
SESSION = Session("p", "a", ("api_key",))
PROVIDER: Any = OpenAICompatible("p", OpenAIOptions(base_url="https://x.example"))
CALL = Call("GET", "https://x.example/a?token=nobody-knows-it-1")
type Site = Callable[[httpx.Request], httpx.Response]


class Pieces(httpx.AsyncByteStream):
    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


@pytest.fixture(params=["httpx", "pool"])
def over(request: Any) -> Any:
    """What carries the calls."""
    return request.param


class House:
    """A runner before a site; what went out and what it told."""

    def __init__(self, over: str, site: Site = lambda request: httpx.Response(200), proxy: str | None = None) -> None:
        self.sent: list[httpx.Request] = []
        self.seen: list[CallRecord] = []
        self.cookies: list[tuple[Session, Mapping[str, str]]] = []
        self._site = site
        self.runner = StepRunner(
            Seals(lambda provider, account: {"api_key": KEY}),
            self._carrier(over),
            Cleaner.knowing([KnownSecret(KEY, "api_key", "p", "a")]),
            lambda session, cookies: self.cookies.append((session, cookies)),
            self.seen.append,
            lambda name: proxy,
        )

    def _carrier(self, over: str) -> Carrier:
        if over == "httpx":
            return HttpxCarrier(transport=httpx.MockTransport(self._answer))
        connect, clock = Sides(self._answer).connect, asyncio.get_running_loop().time
        return PoolCarrier(UpstreamPool(connect, clock))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        made = self._site(request)
        if made.is_closed:  # one with its content at hand, which comes as from the wire
            return httpx.Response(made.status_code, headers=made.headers, stream=Pieces(made.content))
        return made

    async def refused(self, call: Call = CALL) -> ProviderError:
        with pytest.raises(ProviderError) as caught:
            await self.runner.send(PROVIDER, call, SESSION)
        assert "nobody-knows-it" not in caught.value.message
        return caught.value


def raising(fault: Exception) -> Site:
    def site(request: httpx.Request) -> httpx.Response:
        raise fault

    return site


def steps(*calls: Call, into: list[Answer]) -> Steps[str]:
    for call in calls:
        into.append((yield call))
    return "done"


@in_virtual_time
async def test_each_answer_goes_back_into_the_steps_in_order(over: str) -> None:
    house = House(over, lambda request: httpx.Response(201, headers={"X-Path": request.url.path}, content=b"body"))
    found: list[Answer] = []
    made = steps(*(Call("GET", f"https://x.example/{number}") for number in range(3)), into=found)
    assert await house.runner.run(PROVIDER, made, SESSION) == "done"
    assert [(one.status, one.headers["x-path"], one.body) for one in found] == [
        (201, f"/{number}", b"body") for number in range(3)
    ]
    assert [one.call.shown_url for one in house.seen] == [f"https://x.example/{number}" for number in range(3)]
    assert all(one.answer in found and one.error == "" and one.began <= one.ended for one in house.seen)


@in_virtual_time
async def test_secrets_stand_on_the_wire_and_nowhere_else(over: str) -> None:
    house = House(over)
    made = Call("POST", "https://x.example/a", (("Authorization", "Bearer " + SESSION.seal("api_key")),), b"hi")
    await house.runner.send(PROVIDER, made, SESSION)
    assert house.sent[0].headers["authorization"] == f"Bearer {KEY}"
    assert house.sent[0].content == b"hi"
    assert KEY not in repr(house.seen)


@pytest.mark.parametrize(("headers", "asked"), [((), "identity"), ((("accept-encoding", "gzip"),), "gzip")])
@in_virtual_time
async def test_nothing_packed_is_asked_for_unless_the_call_does(over: str, headers: Any, asked: str) -> None:
    house = House(over)
    await house.runner.send(PROVIDER, Call("GET", "https://x.example/", headers), SESSION)
    assert house.sent[0].headers.get_list("accept-encoding") == [asked]


@in_virtual_time
async def test_a_foreign_address_is_called_by_nobody(over: str) -> None:
    house = House(over)
    error = await house.refused(Call("GET", "https://y.example/"))
    assert (error.kind, "foreign address" in error.message, house.sent) == (ErrorKind.PROVIDER_DOWN, True, [])


@in_virtual_time
async def test_a_secret_that_is_not_there_ends_the_session(over: str) -> None:
    house = House(over)
    session = Session("p", "a", ("token",))
    error = await house.refused(Call("GET", "https://x.example/", (("x", session.seal("token")),)))
    assert (error.kind, house.sent) == (ErrorKind.SESSION_EXPIRED, [])


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        (httpx.ConnectError("no route"), "upstream_unreachable", "x.example"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] bad"), "upstream_tls", "x.example"),
        (httpx.ProxyError("407"), "upstream_unreachable", "x.example"),
        (httpx.ConnectTimeout("late"), "timeout", "x.example"),
        (httpx.ReadTimeout("late"), None, "GET /a did not answer in time"),
        (httpx.PoolTimeout("late"), None, "GET /a did not answer in time"),
        (httpx.ReadError("reset"), None, "GET /a failed ("),
        (httpx.RemoteProtocolError("odd"), None, "GET /a failed (RemoteProtocolError)"),
    ],
)
@in_virtual_time
async def test_every_fault_of_the_network_is_the_providers_in_words(
    over: str, fault: Exception, code: str | None, words: str
) -> None:
    house = House(over, raising(fault))
    error = await house.refused()
    assert (error.kind, error.site_code) == (ErrorKind.PROVIDER_DOWN, code)
    assert words in error.message
    assert [(one.answer, one.error) for one in house.seen] == [(None, error.message)]


@in_virtual_time
async def test_a_fault_is_thrown_into_the_steps_that_may_go_on(over: str) -> None:
    house = House(
        over,
        lambda request: httpx.Response(200) if request.url.path == "/b" else raising(httpx.ReadError("x"))(request),
    )

    def made() -> Steps[int]:
        try:
            yield CALL
        except ProviderError:
            return (yield Call("GET", "https://x.example/b")).status
        return 0

    assert await house.runner.run(PROVIDER, made(), SESSION) == 200
    assert [bool(one.error) for one in house.seen] == [True, False]


@pytest.mark.parametrize("more", [0, 1])
@in_virtual_time
async def test_steps_that_never_end_are_ended(over: str, more: int) -> None:
    house = House(over)
    made = steps(*[CALL] * (STEP_LIMIT + more), into=[])
    if not more:
        assert await house.runner.run(PROVIDER, made, SESSION) == "done"
        return
    with pytest.raises(ProviderError, match="took too many steps"):
        await house.runner.run(PROVIDER, made, SESSION)
    assert len(house.sent) == STEP_LIMIT + 1 - more


# -- work that is more than calls --------------------------------------------------------------------------------------
def part(number: int, into: list[int]) -> Work[int]:
    for step in range(3):
        yield Call("GET", f"https://x.example/{number}/{step}")
        into.append(number)
    yield Wait()
    return number


@in_virtual_time
async def test_parts_of_work_run_a_few_at_a_time_and_keep_their_order(over: str) -> None:
    running, most = 0, 0

    class Slow(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(1)
            running -= 1
            yield b"x"

    house = House(over, lambda request: httpx.Response(200, stream=Slow()))
    done: list[int] = []
    found = await house.runner.run(PROVIDER, together([part(number, done) for number in range(10)]), SESSION)
    assert found == list(range(10))
    assert most == AT_ONCE
    assert len(done) == len(house.seen) == 30


@in_virtual_time
async def test_the_first_part_that_fails_ends_the_others_and_is_told(over: str) -> None:
    house = House(over)

    def fails() -> Work[int]:
        yield Wait(1)
        raise ProviderError(ErrorKind.BAD_REQUEST, "no")

    def lasts() -> Work[int]:
        yield Wait(100)
        yield CALL
        return 0

    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(ProviderError, match="no"):
        await house.runner.run(PROVIDER, together([lasts(), fails(), lasts()]), SESSION)
    assert loop.time() - began < 10  # virtual
    await asyncio.sleep(200)
    assert not house.sent


@in_virtual_time
async def test_who_asked_for_parts_may_go_on_after_a_failure(over: str) -> None:
    house = House(over, raising(httpx.ReadError("x")))

    def outer() -> Work[str]:
        try:
            yield from together([part(1, [])])
        except ProviderError:
            return "mended"
        return ""

    assert await house.runner.run(PROVIDER, outer(), SESSION) == "mended"


@in_virtual_time
async def test_pauses_are_no_steps_and_waits_are(over: str) -> None:
    house = House(over)

    def pauses(count: int, seconds: float) -> Work[str]:
        for _ in range(count):
            yield Wait(seconds)
        return "done"

    assert await house.runner.run(PROVIDER, pauses(10 * STEP_LIMIT, 0), SESSION) == "done"
    with pytest.raises(ProviderError, match="too many steps"):
        await house.runner.run(PROVIDER, pauses(STEP_LIMIT + 1, 1), SESSION)


# -- cookies ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("keep", [True, False])
@in_virtual_time
async def test_cookies_on_the_way_are_told_to_whom_it_concerns(over: str, keep: bool) -> None:
    headers = [("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2")]
    house = House(over, lambda request: httpx.Response(200, headers=headers))
    found: list[Answer] = []
    await house.runner.run(PROVIDER, steps(CALL, into=found), SESSION, keep_cookies=keep)
    assert found[0].set_cookies == ("a=1; Path=/", "b=2")
    assert house.cookies == ([(SESSION, {"a": "1", "b": "2"})] if keep else [])


@in_virtual_time
async def test_an_answer_without_cookies_tells_nobody(over: str) -> None:
    house = House(over)
    await house.runner.run(PROVIDER, steps(CALL, into=[]), SESSION)
    assert house.cookies == []


# -- bodies -----------------------------------------------------------------------------------------------------------
def answering(*pieces: bytes, **headers: str) -> Site:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx.Response(200, headers=named, stream=Pieces(*pieces))


@in_virtual_time
async def test_who_wants_to_know_is_told_of_each_piece_and_shows_the_call_itself(over: str) -> None:
    house, lengths = House(over, answering(b"abc", b"de")), list[int]()
    answer = await house.runner.send(PROVIDER, CALL, SESSION, lengths.append)
    assert (answer.body, lengths, house.seen) == (b"abcde", [3, 2], [])


@pytest.mark.parametrize("cut", range(0, 30, 7))
@in_virtual_time
async def test_packed_bodies_are_unpacked_however_they_come(over: str, cut: int) -> None:
    packed = gzip.compress(b"hello", mtime=0)
    house = House(over, answering(packed[:cut], packed[cut:], content_encoding="gzip"))
    assert (await house.runner.send(PROVIDER, CALL, SESSION)).body == b"hello"


@pytest.mark.parametrize(
    "site",
    [
        answering(b"no gzip", content_encoding="gzip"),
        answering(gzip.compress(b"hello")[:-3], content_encoding="gzip"),
        answering(b"x", content_encoding="of-tomorrow"),
        answering(b"x" * (BODY_LIMIT_BYTES + 1)),
        answering(gzip.compress(b"x" * (BODY_LIMIT_BYTES + 1)), content_encoding="gzip"),
    ],
)
@in_virtual_time
async def test_bodies_that_cannot_be_read_or_are_too_large_are_faults(over: str, site: Site) -> None:
    error = await House(over, site).refused()
    assert (error.kind, "GET /a failed (DecodingError)" in error.message) == (ErrorKind.PROVIDER_DOWN, True)


@in_virtual_time
async def test_a_body_of_the_limit_is_read(over: str) -> None:
    answer = await House(over, answering(b"x" * BODY_LIMIT_BYTES)).runner.send(PROVIDER, CALL, SESSION)
    assert len(answer.body) == BODY_LIMIT_BYTES


@in_virtual_time
async def test_no_redirect_is_followed(over: str) -> None:
    house = House(over, lambda request: httpx.Response(302, headers={"location": "https://y.example/"}))
    assert (await house.runner.send(PROVIDER, CALL, SESSION)).status == 302
    assert len(house.sent) == 1
