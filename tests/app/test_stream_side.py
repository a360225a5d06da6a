"""What the stream layer is given to work with."""

import asyncio
from pathlib import Path

import pytest
from mitmproxy.proxy.mode_servers import ServerInstance

import addons.app.stream_side
from addons.driver.port import PlainHttpDriver
from addons.stream.deps import ClientLimits
from tests.support.answers import answer
from tests.support.harness import House, api
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_the_layers_keep_to_the_limits_of_the_configuration(tmp_path: Path) -> None:
    async with api(tmp_path, "timeouts: {head_s: 3}") as house:
        assert ClientLimits().head_s != 3
        visit = house.visit()
        visit.client_sends(b"GET /v1/models HTTP/1.1\r\nhost: 127")
        await house.pass_s(3.2)
        assert visit.got.status == 408


@in_virtual_time
async def test_a_body_counts_until_its_request_is_over(tmp_path: Path) -> None:
    async with api(tmp_path) as house:
        visit = await house.visit().chats("m", stream=False)
        assert visit.deps.body_budget.total > 0
        await visit.says(answer("Hi"))
        assert visit.deps.body_budget.total == 0


def said(house: House, word: str) -> list[str]:
    return [words for words in house.said if word in words]


def chosen(house: House) -> bool:
    return house.gate._stream._driver.is_wanted


@in_virtual_time
async def test_the_configuration_chooses_the_driver_and_mitmproxys_option_goes_before_it(tmp_path: Path) -> None:
    async with api(tmp_path, "listen: {driver: mitmproxy}") as house:
        assert not chosen(house)
        house.write(more="listen: {driver: auto}")
        await house.pass_s(3)
        assert chosen(house)
        house.master.options.update(gateway_driver="mitmproxy")
        assert not chosen(house)
        house.master.options.update(gateway_driver="")
        assert chosen(house)
        assert not said(house, "driver"), "it misses nothing"


@in_virtual_time
async def test_a_mitmproxy_without_some_name_is_told_once_and_serves_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(ServerInstance, "make_top_layer")
    made = PlainHttpDriver(lambda accepted: asyncio.Protocol())
    monkeypatch.setattr(addons.app.stream_side, "PlainHttpDriver", lambda *_: made)
    async with api(tmp_path) as house:
        assert (made.is_wanted, made.lacks) == (True, "ServerInstance.make_top_layer")
        house.write(more="limits: {requests: 7}")
        await house.pass_s(3)
        (words,) = said(house, "own driver")
        assert "misses ServerInstance.make_top_layer in this mitmproxy: install the locked version" in words
