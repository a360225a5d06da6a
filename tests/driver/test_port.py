"""Which connections are the own driver's, and that the acceptor's rules hold for them as for all."""

import asyncio
from typing import Any

import pytest
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.events import Start
from mitmproxy.proxy.mode_servers import ServerInstance

from addons.driver.port import PlainHttpDriver
from tests.driver.own_clients import House, eagerly


@pytest.mark.parametrize(
    ("mode", "taken"),
    [
        ("reverse:http://127.0.0.1:1", True),
        ("reverse:http://127.0.0.1:1@127.0.0.1:2", True),
        ("reverse:https://127.0.0.1:1", False),
        ("reverse:tcp://127.0.0.1:1", False),
        ("regular", False),
        ("socks5", False),
    ],
)
def test_reverse_mode_of_plain_http_is_taken_once_all_is_so(mode: str, taken: bool) -> None:
    instance: ServerInstance[Any] = ServerInstance.make(mode, Proxyserver())
    driver = PlainHttpDriver(lambda accepted: asyncio.Protocol())
    assert not driver.takes(instance), "before the configuration is read"
    driver.is_wanted = True
    assert driver.takes(instance) is taken
    driver.lacks = "Some.name"
    assert not driver.takes(instance)


def test_without_a_protocol_nothing_is_taken() -> None:
    driver = PlainHttpDriver()
    driver.is_wanted = True
    assert not driver.is_there
    assert not driver.takes(ServerInstance.make("reverse:http://127.0.0.1:1", Proxyserver()))


def test_another_choice_is_for_new_connections() -> None:
    async def work() -> None:
        async with House() as house:
            reader, writer = await house.dial()
            await house.until(lambda: bool(house.made))
            house.driver.is_wanted = False
            other, others = await house.dial()
            others.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await other.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            writer.write(b"Hi")
            assert await reader.read(100) == b"own:Hi"
            assert len(house.made) == 1
            assert len(house.limiter) == 2

    eagerly(work)


@pytest.mark.parametrize("how", ["silence", "room"])
def test_the_acceptor_ends_an_own_connection(how: str) -> None:
    async def work() -> None:
        async with House() as house:
            if how == "silence":
                house.acceptor._silence_s = lambda: 0.0
            reader, _ = await house.dial()
            await house.until(lambda: bool(house.made))
            if how == "room":
                assert house.limiter._evict(house.limiter._idle)
            assert await reader.read() == b""
            await house.until(lambda: not len(house.limiter) and not house.proxyserver.connections)

    eagerly(work)


def test_a_protocol_that_cannot_be_made_costs_one_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        async with House() as house:

            def fails(accepted: object) -> asyncio.Protocol:
                raise ZeroDivisionError

            house.driver._make = fails
            reader, _ = await house.dial()
            assert await reader.read() == b""
            await house.until(lambda: not len(house.limiter))

    eagerly(work)
    assert "a client's connection failed" in caplog.text


def test_other_events_of_mitmproxys_are_nothing_to_an_own_connection() -> None:
    async def work() -> None:
        async with House() as house:
            await house.dial()
            await house.until(lambda: bool(house.made))
            await house.made[0].server_event(Start())
            assert house.made[0].ticked == []

    eagerly(work)
