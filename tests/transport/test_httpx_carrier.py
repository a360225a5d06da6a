"""The carrier over httpx: one client for each proxy, and httpx's faults as the port's three kinds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from addons.transport import httpx_carrier
from addons.transport.carrier import CONNECT_S, STEP_S, BrokenAnswer, NotConnected, NotInTime
from addons.transport.httpx_carrier import HttpxCarrier, new_client
from addons.upstream.port import Target
from providers.contract.call import Call
from tests.support.virtual_time import in_virtual_time

PLAIN = Target("x.example", 443, tls=True)
CALL = Call("GET", "https://x.example/a")


class Nothing(httpx.AsyncByteStream):
    """A body as it comes from the wire."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b""


def carried(site: Callable[[httpx.Request], httpx.Response]) -> Any:
    async def run() -> Any:
        async with HttpxCarrier(transport=httpx.MockTransport(site)) as carrier:
            return await carrier.carry(CALL, PLAIN)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (httpx.ConnectError("refused"), NotConnected),
        (httpx.ProxyError("407"), NotConnected),
        (httpx.ConnectTimeout("late"), NotConnected),
        (httpx.ReadTimeout("late"), NotInTime),
        (httpx.WriteTimeout("late"), NotInTime),
        (httpx.ReadError("reset"), BrokenAnswer),
        (httpx.RemoteProtocolError("odd"), BrokenAnswer),
    ],
)
def test_a_fault_is_one_of_three_kinds(fault: Exception, kind: type[Exception]) -> None:
    def site(request: httpx.Request) -> httpx.Response:
        raise fault

    with pytest.raises(kind) as caught:
        carried(site)
    if isinstance(caught.value, NotConnected):
        assert (caught.value.why, caught.value.in_time) == (str(fault), not isinstance(fault, httpx.ConnectTimeout))


class Drips(httpx.AsyncByteStream):
    """A body of which a byte comes now and then."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(STEP_S - 1)
            yield b"x"


@pytest.mark.parametrize("head", [False, True], ids=["the body", "the head"])
@in_virtual_time
async def test_an_answer_that_never_ends_is_given_up(head: bool) -> None:
    """A command waited for as long as a byte came now and then."""

    async def site(request: httpx.Request) -> httpx.Response:
        if head:
            await asyncio.Event().wait()
        return httpx.Response(200, stream=Drips())

    async with HttpxCarrier(transport=httpx.MockTransport(site)) as carrier:
        with pytest.raises(NotInTime):
            await carrier.carry(CALL, PLAIN)


def test_a_redirect_is_an_answer_and_cookies_are_kept_apart() -> None:
    cookies = [("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2")]
    site = lambda request: httpx.Response(302, headers=[("Location", "https://y.example/"), *cookies], stream=Nothing())  # noqa: E731
    answer = carried(site)
    assert (answer.status, answer.headers["location"]) == (302, "https://y.example/")
    assert answer.set_cookies == ("a=1; Path=/", "b=2")


def test_each_proxy_has_a_client_of_its_own_and_all_are_closed() -> None:
    made: list[tuple[str | None, httpx.AsyncClient]] = []

    def client(proxy: str | None, **more: Any) -> httpx.AsyncClient:
        site = httpx.MockTransport(lambda request: httpx.Response(200, stream=Nothing()))
        made.append((proxy, new_client(proxy, transport=site)))
        return made[-1][1]

    async def run() -> None:
        async with HttpxCarrier() as carrier:
            for via in (None, ("http", ("proxy", 3128)), None, ("https", ("proxy", 443)), ("http", ("proxy", 3128))):
                await carrier.carry(CALL, Target("x.example", 443, tls=True, via=via))
            assert not any(one.is_closed for _, one in made)

    with patch.object(httpx_carrier, "new_client", client):
        asyncio.run(run())
    assert [proxy for proxy, _ in made] == [None, "http://proxy:3128", "https://proxy:443"]
    assert all(one.is_closed for _, one in made)


def test_a_client_waits_no_longer_than_is_said_and_looks_at_no_environment() -> None:
    client = new_client(None)
    assert client.timeout == httpx.Timeout(STEP_S, connect=CONNECT_S, pool=CONNECT_S)
    assert (client.follow_redirects, client.trust_env) == (False, False)
