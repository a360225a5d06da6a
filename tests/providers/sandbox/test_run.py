"""Starting the stand-ins: which, where, with what said about them, and an end by a signal."""

import asyncio
import os
import signal
from typing import Any

import httpx
import pytest

from providers.sandbox.openai.site import OpenAISite
from providers.sandbox.run import SITES, Sandbox, run
from providers.sandbox.sign_in_page import PATH

pytestmark = pytest.mark.anyio


async def test_sites_and_their_companions_are_told_with_their_sessions() -> None:
    async with Sandbox(("qwen", "openai")) as sandbox:
        told = sandbox.description()
        assert set(told["base_urls"]) == {"qwen", "qwen-auth", "qwen-oss", "openai"}
        assert told["sessions"]["openai"] == {"api_key": sandbox.site("openai").key}
        assert len(set(told["base_urls"].values())) == 4


def test_all_sites_are_there_by_default() -> None:
    assert set(SITES) <= set(Sandbox()._sites)


async def test_a_site_of_ones_own_stands_in_the_place_of_the_built_in_one() -> None:
    own = OpenAISite()
    async with Sandbox(("openai",), own={"openai": own}) as sandbox:
        assert sandbox.site("openai") is own


async def test_a_browser_finds_the_sign_in_page_and_a_program_the_site() -> None:
    async with Sandbox(("zai",)) as sandbox, httpx.AsyncClient(base_url=sandbox.base_url("zai")) as client:
        assert "sandbox: sign in" in (await client.get(PATH)).text
        assert (await client.post(PATH)).status_code == 401
        assert "Z.ai sandbox" in (await client.get("/")).text


async def test_it_runs_until_it_is_told_to_end() -> None:
    told: list[dict[str, Any]] = []

    def announce(description: dict[str, Any]) -> None:
        told.append(description)
        os.kill(os.getpid(), signal.SIGTERM)

    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(20):
            await run(("openai",), 0, announce)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    (description,) = told
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient() as client:
            await client.get(description["base_urls"]["openai"])
