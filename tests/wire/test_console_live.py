"""A flow that is open in mitmproxy's console while it runs: Chat grows with the answer."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from providers.sandbox.run import Sandbox
from providers.sandbox.server import Wire
from tests.support.gate import Gate
from tests.support.hostile import CHUNKED, DONE, END, Hostile, chunk, framed, head
from tests.support.processes import SandboxThread
from tests.support.terminal import TerminalGateway
from tests.support.waiting import until


def painted(gateway: TerminalGateway) -> str:
    """What was written to the screen, without colours and places."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b()[A-Z0-9]|[\x0e\x0f]", "", gateway.screen)


def test_an_open_chat_grows(folder: Path) -> None:
    gates = [Gate(), Gate()]

    async def program(wire: Wire) -> None:
        await wire.raw(head(CHUNKED))
        for gate, words in zip(
            gates, ("Once there was a king and he ", "had a daughter who was no princess, "), strict=True
        ):
            await wire.raw(framed(chunk(words)))
            await gate.passed()
        await wire.raw(framed(chunk(finish="stop") + DONE) + END)

    site = Hostile(programs={"tell": program})
    with SandboxThread(Sandbox((), own={"p": site})) as thread:
        url = f"{thread.description()['base_urls']['p']}/v1"
        entry: dict[str, Any] = {"type": "openai_compatible", "base_url": url, "models": ["m"]}
        gateway = TerminalGateway(folder, providers={"p": {**entry, "accounts": [{"name": "main"}]}})
        gateway.tool = "mitmproxy"
        gateway.vault.put("p", "main", {"api_key": "sk-hostile-0123456789"})
        with gateway, ThreadPoolExecutor() as pool:
            fields = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "tell me"}]}
            chat = f"{gateway.url}/v1/chat/completions"
            answer = pool.submit(httpx.post, chat, json=fields, headers=gateway.headers, timeout=60)
            thread.wait_for("p", lambda: len(site.requests) == 1)
            gateway.type("G\r")
            until(lambda: "Once there was" in painted(gateway))
            assert "running" in painted(gateway)
            gates[0].open()
            until(lambda: "had a daughter" in painted(gateway))
            assert not answer.done()
            gates[1].open()
            assert answer.result(60).status_code == 200
            until(lambda: "finish reason: stop" in painted(gateway))
