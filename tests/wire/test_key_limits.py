"""Limits of a key over real sockets: what 200 parallel clients get is what the limit says, no more and no less."""

import asyncio
from pathlib import Path

import httpx
from click.testing import CliRunner

from addons.cli.main import main
from tests.support.processes import NO_REST, Gateway, SandboxThread

BODY = {"model": "sandbox-large", "messages": [{"role": "user", "content": "Hi"}]}


def keys(gateway: Gateway, *arguments: str) -> str:
    line = ["--config", str(gateway.config_file), "keys", *arguments]
    done = CliRunner().invoke(main, line, env={"SESSION_ENCRYPTION_KEY": gateway.vault_key})
    assert done.exit_code == 0, done.output
    assert done.stderr.count("\n") <= 1, "the gateway has answered"
    return done.stdout.strip()


async def all_at_once(gateway: Gateway, token: str, count: int) -> list[int]:
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers, timeout=60) as client:
        answers = [client.post("/v1/chat/completions", json=BODY) for _ in range(count)]
        return [answer.status_code for answer in await asyncio.gather(*answers)]


def test_two_hundred_parallel_clients_of_a_key_that_was_just_made(sites: SandboxThread, folder: Path) -> None:
    accounts = {"max_concurrent": 200, "queue_s": 60}
    with Gateway(folder, sites.description(), accounts=accounts, **NO_REST) as gateway:
        token = keys(gateway, "add", "ada", "--rpm", "100")
        statuses = asyncio.run(all_at_once(gateway, token, 200))
        assert (statuses.count(200), statuses.count(429)) == (100, 100)
        keys(gateway, "edit", "ada", "--rpm", "none", "--models", "nothing")
        assert asyncio.run(all_at_once(gateway, token, 1)) == [403]
        keys(gateway, "revoke", "ada")
        assert asyncio.run(all_at_once(gateway, token, 1)) == [401]
        assert token not in gateway.log
