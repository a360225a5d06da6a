"""What failures cost the clients: how fast a provider is left, and who sees an error when an account dies under load.

    python benchmarks/failures.py [--rounds 200] [--streams 32] [--seconds 10]

One gateway; the sites run in this process, so that both ends are measured by one clock.
"""

import argparse
import asyncio
import json
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from providers.sandbox.qwen.site import QwenSite  # noqa: E402
from providers.sandbox.run import Sandbox  # noqa: E402
from providers.sandbox.server import Request, Site, Wire  # noqa: E402
from providers.sandbox.zai.site import ZaiSite  # noqa: E402
from tests.support.hostile import CHUNKED, Hostile, chunk, framed, head  # noqa: E402
from tests.support.processes import KEY, Gateway, SandboxThread  # noqa: E402

BEGUN = head(CHUNKED) + framed(chunk("Hello "))


@dataclass
class Left(Site):
    """An official API that says a word (or nothing) and notes when it is left."""

    name: str = "left"
    speaks: bool = True
    asked: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    gone_at: float = 0.0

    async def handle(self, request: Request, wire: Wire) -> None:
        if self.speaks:
            await wire.raw(BEGUN)
        self.asked.set()
        try:
            await wire.wait_gone()
        finally:
            self.gone_at = time.monotonic()
            self.gone.set()


@dataclass
class Mortal(Hostile):
    """An official API that answers steadily until it is dead: then its key is refused, or its connections are cut."""

    name: str = "mortal"
    dead: str = ""

    async def handle(self, request: Request, wire: Wire) -> None:
        if self.dead == "refused":
            error = {
                "message": "Incorrect API key provided",
                "type": "invalid_request_error",
                "code": "invalid_api_key",
            }
            await wire.respond(401, {"error": error})
            return
        await wire.raw(head(CHUNKED))
        for _ in range(20):
            if self.dead == "cut":
                wire.reset()
            await wire.raw(framed(chunk("word ")))
            await wire.pause(0.02)
        await wire.raw(framed(chunk(finish="stop") + b"data: [DONE]\n\n") + b"0\r\n\r\n")


def entry(url: str, models: list[str]) -> dict[str, Any]:
    return {"type": "openai_compatible", "base_url": f"{url}/v1", "models": models, "accounts": [{"name": "key"}]}


@contextmanager
def running(sites: dict[str, Site], **sections: Any) -> Iterator[tuple[SandboxThread, Gateway]]:
    with tempfile.TemporaryDirectory() as folder, SandboxThread(Sandbox((), own=sites)) as thread:
        Path(folder).chmod(0o700)
        urls = thread.description()["base_urls"]
        providers = {name: entry(urls[name], ["m"]) for name in sites}
        gateway = Gateway(Path(folder), providers=providers, **sections)
        for name in sites:
            gateway.vault.put(name, "key", {"api_key": f"sk-{name}-0123456789"})
        with gateway:
            yield thread, gateway


# -- the client leaves ------------------------------------------------------------------------------------------------
def leaving(rounds: int) -> None:
    for speaks in (False, True):
        site = Left(speaks=speaks)
        with running({"left": site}) as (_, gateway):
            times = sorted(_leave_once(gateway, site) for _ in range(rounds))
        told("in the middle of its answer" if speaks else "before the first word", times)


def _leave_once(gateway: Gateway, site: "Left | LeftPreparing", model: str = "m") -> float:
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}).encode()
    lines = ["POST /v1/chat/completions HTTP/1.1", f"host: 127.0.0.1:{gateway.port}", f"authorization: Bearer {KEY}"]
    lines += ["content-type: application/json", f"content-length: {len(body)}", "", ""]
    site.asked.clear()
    site.gone.clear()
    with socket.create_connection(("127.0.0.1", gateway.port)) as client:
        client.sendall("\r\n".join(lines).encode() + body)
        assert site.asked.wait(10)
        if site.speaks:
            client.recv(1000)
        left_at = time.monotonic()
    assert site.gone.wait(10)
    return (site.gone_at - left_at) * 1000


@dataclass
class LeftPreparing(ZaiSite):
    """Z.AI's stand-in, which never comes to an end with making a chat."""

    asked: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    gone_at: float = 0.0
    speaks = False

    async def handle(self, request: Request, wire: Wire) -> None:
        if not request.path.endswith("/chats/new"):
            await super().handle(request, wire)
            return
        self.asked.set()
        try:
            await wire.wait_gone()
        finally:
            self.gone_at = time.monotonic()
            self.gone.set()


def leaving_while_preparing(rounds: int) -> None:
    site = LeftPreparing()
    with tempfile.TemporaryDirectory() as folder, SandboxThread(Sandbox((), own={"zai": site})) as thread:
        Path(folder).chmod(0o700)
        gateway = Gateway(Path(folder), thread.description())
        with gateway:
            times = sorted(_leave_once(gateway, site, "GLM-4.6") for _ in range(rounds))
    told("while its chat is made", times)


def told(moment: str, times: list[float]) -> None:
    cuts = statistics.quantiles(times, n=100)
    print(f"client gone {moment}: the provider is left after p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")


# -- an account dies, a session ends ----------------------------------------------------------------------------------
async def under_load(
    gateway: Gateway, model: str, prompt: str, streams: int, seconds: float, halfway: Callable[[], None]
) -> Counter[str]:
    """`streams` at a time for so long; `halfway` happens in the middle. How the answers ended."""
    ends: Counter[str] = Counter()
    stop = time.monotonic() + seconds
    happened = asyncio.create_task(_at(stop - seconds / 2, halfway))

    async def worker() -> None:
        fields = {"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}]}
        async with httpx.AsyncClient(timeout=60, headers=gateway.headers) as client:
            while time.monotonic() < stop:
                answer = await client.post(f"{gateway.url}/v1/chat/completions", json=fields)
                if answer.status_code != 200:
                    ends[f"refused {answer.status_code} {answer.json()['error']['code']}"] += 1
                elif answer.text.rstrip().endswith("data: [DONE]"):
                    ends["whole"] += 1
                else:
                    ends["told of an error in the middle"] += 1

    await asyncio.gather(*(worker() for _ in range(streams)))
    await happened
    return ends


async def _at(moment: float, act: Callable[[], None]) -> None:
    await asyncio.sleep(moment - time.monotonic())
    act()


def dying(streams: int, seconds: float) -> None:
    for how, words in (("refused", "its key is refused from then on"), ("cut", "all its connections are reset")):
        first, second = Mortal(name="first"), Mortal(name="second")
        room = {"max_concurrent": streams * 2}
        with running({"first": first, "second": second}, accounts=room) as (_, gateway):
            kill = lambda first=first, how=how: setattr(first, "dead", how)  # noqa: E731
            ends = asyncio.run(under_load(gateway, "m", "Hi", streams, seconds, kill))
        said = ", ".join(f"{name} {count}" for name, count in ends.most_common())
        print(f"one of two accounts dies under {streams} streams ({words}): {said}")


def renewing(streams: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder, SandboxThread(Sandbox(("qwen",))) as thread:
        Path(folder).chmod(0o700)
        site: QwenSite = thread.site("qwen")
        gateway = Gateway(Path(folder), thread.description(), accounts={"max_concurrent": streams})
        with gateway:
            before = site.people.refreshes
            prompt = "Hi\n!sandbox pace_ms=10"
            ends = asyncio.run(under_load(gateway, "qwen3.7-plus", prompt, streams, seconds, site.people.expire_all))
        said = ", ".join(f"{name} {count}" for name, count in ends.most_common())
        print(f"a session ends under {streams} streams: {said}; renewals {site.people.refreshes - before}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    leaving(options.rounds)
    leaving_while_preparing(options.rounds)
    dying(options.streams, options.seconds)
    renewing(options.streams, options.seconds)


if __name__ == "__main__":
    main()
