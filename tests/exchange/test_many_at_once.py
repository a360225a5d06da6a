"""Many streams begun at once, each of which needs a chat made first: none waits for another's."""

import asyncio
from pathlib import Path

import httpx

from addons.transport.carrier import STEP_S
from tests.support.answers import ALL_SAID, STREAM, Said, said, zai_token
from tests.support.harness import House
from tests.support.virtual_time import in_virtual_time

MANY = 80
PROVIDERS = """
  zai: {type: zai, base_url: 'http://127.0.0.1:1001', accounts: [{name: a, max_concurrent: 1000}]}
"""


@in_virtual_time
async def test_all_chats_are_made_together_by_a_slow_site(tmp_path: Path) -> None:
    async with House(tmp_path, PROVIDERS, {("zai", "a"): {"token": zai_token("a")}}) as house:
        under_way, most = 0, 0

        async def made(request: httpx.Request) -> Said:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(STEP_S - 1)
            under_way -= 1
            return 200, {"id": f"chat-{most}"}

        house.site.replies["POST /api/v1/chats/new"] = made
        visits = [await house.visit().chats("GLM-4.7") for _ in range(MANY)]
        assert most == MANY
        await house.pass_s(STEP_S)
        for visit in visits:
            await visit.says(STREAM, said("Hi"), ALL_SAID)
        assert {(visit.got.status, visit.got.text) for visit in visits} == {(200, "Hi")}
