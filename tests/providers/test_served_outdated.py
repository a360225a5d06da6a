"""Many requests refused as an outdated client at once: the page is read once, and all are told alike."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from providers.sandbox.qwen.site import QwenSite
from providers.sandbox.server import Request, Site, Wire
from providers.sandbox.zai.site import ZaiSite
from tests.providers.qwen.asking import chat, told
from tests.support.processes import NO_REST
from tests.support.served import Served
from tests.support.sites import Sites

CROWD = 8


async def when_all_are_refused(site: Site, request: Request) -> None:
    """Holds the page back until the whole crowd has been refused."""
    if request.path == "/":
        await site.wait_for(lambda: sum(one.path.endswith("/completions") for one in site.requests) >= CROWD, 20)


class SlowQwen(QwenSite):
    async def handle(self, request: Request, wire: Wire) -> None:
        await when_all_are_refused(self, request)
        await super().handle(request, wire)


class SlowZai(ZaiSite):
    async def handle(self, request: Request, wire: Wire) -> None:
        await when_all_are_refused(self, request)
        await super().handle(request, wire)


type Slow = SlowQwen | SlowZai


def readings(site: Site) -> int:
    return sum(one.path == "/" for one in site.requests)


MODELS = {"qwen": "qwen3.7-plus", "zai": "GLM-4.6"}
NEWER = {"qwen": "0.5.1", "zai": "prod-fe-1.2.1"}


@pytest.fixture(params=["qwen", "zai"])
def own(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[tuple[str, Served, Slow]]:
    name = request.param
    site: Slow = SlowQwen() if name == "qwen" else SlowZai()
    entry = {"accounts": [{"name": "demo", "max_concurrent": CROWD}]}
    with (
        Sites((), own={name: site}) as thread,
        Served(tmp_path, thread, providers={name: entry}, **NO_REST) as gateway,
    ):
        yield name, gateway, site


def crowd(name: str, gateway: Served, directive: str = "") -> list[httpx.Response]:
    words = [f"Hi {number}\n!sandbox pace_ms=0 text=done {directive}" for number in range(CROWD)]
    return gateway.at_once([chat(one, model=MODELS[name], stream=False) for one in words])


def test_a_newer_page_is_read_once_for_all(own: tuple[str, Served, Slow]) -> None:
    name, gateway, site = own
    site.client_version = NEWER[name]
    assert [told(answer)[0] for answer in crowd(name, gateway)] == ["done"] * CROWD
    assert readings(site) == 1


def test_what_stays_refused_is_told_alike(own: tuple[str, Served, Slow]) -> None:
    name, gateway, site = own
    site.client_version = NEWER[name]
    answers = crowd(name, gateway, "fault=bad_request_final" if name == "qwen" else "fault=outdated")
    told_as = {(answer.status_code, answer.json()["error"]["code"]) for answer in answers}
    assert told_as == {(502, "provider_outdated_client")}
    assert readings(site) == 1
