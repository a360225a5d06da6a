"""Asking a gateway whose providers are hostile, and reading how the answer ended."""

import json
from pathlib import Path
from typing import Any

import httpx

from tests.support.hostile import CHUNKED, chunk, framed, head
from tests.support.processes import NO_REST, Gateway, SandboxThread
from tests.support.served import NOTHING, Served
from tests.support.sites import Sites

MODEL = "m"
TIMES = {
    "connect_s": 1,
    "first_token_s": 1,
    "first_token_thinking_s": 1,
    "idle_s": 1,
    "keepalive_s": 0.4,
    "total_s": 20,
}
PATIENT = {
    **TIMES,
    "connect_s": 30,
    "first_token_s": 60,
    "first_token_thinking_s": 60,
    "idle_s": 60,
    "total_s": 90,
}
"""For tests in which nobody falls silent: a busy machine is no fault of a site."""
BEGUN = head(CHUNKED) + framed(chunk("Hello "))


def provider(url: str, **more: Any) -> dict[str, Any]:
    entry = {"type": "openai_compatible", "base_url": url, "models": [MODEL], "accounts": [{"name": "key"}]}
    return {**entry, **more}


def _entries(urls: dict[str, str], names: tuple[str, ...], models: tuple[str, ...]) -> dict[str, Any]:
    """A provider for each site; `models` are dealt out to them in turn."""
    return {name: provider(f"{urls[name]}/v1", models=[models[n % len(models)]]) for n, name in enumerate(names)}


def made(
    folder: Path,
    thread: SandboxThread,
    names: tuple[str, ...] = ("hostile",),
    models: tuple[str, ...] = (MODEL,),
    **sections: Any,
) -> Gateway:
    """A gateway with these sites as providers, one account each."""
    gateway = Gateway(folder, providers=_entries(thread.description()["base_urls"], names, models), **sections)
    for name in names:
        gateway.vault.put(name, "key", thread.site(name).session())
    return gateway


def served(
    folder: Path,
    sites: Sites,
    names: tuple[str, ...] = ("hostile",),
    models: tuple[str, ...] = (MODEL,),
    **sections: Any,
) -> Served:
    """The same in this process."""
    entries = _entries(sites.description()["base_urls"], names, models)
    gateway = Served(folder, sites, NOTHING, providers=entries, **sections)
    for name in names:
        gateway.vault.put(name, "key", sites.site(name).session())
    return gateway


def scripted(folder: Path, thread: SandboxThread, script: str, **sections: Any) -> Gateway:
    """A gateway beside which another script runs, as one of mitmproxy's own: it changes what a test wants changed."""
    file = folder / "beside.py"
    file.write_text(script)
    gateway = made(folder, thread, hurried=True, **{**NO_REST, **sections})
    gateway.arguments = ("-s", str(file))
    return gateway


def asking(name: str, *, stream: bool = True) -> dict[str, Any]:
    return {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": f"{name} please"}]}


def ask(gateway: Gateway | Served, name: str, *, stream: bool = True, timeout: float = 60) -> httpx.Response:
    return gateway.post(asking(name, stream=stream), timeout=timeout)


def read(answer: httpx.Response) -> tuple[str, str]:
    """Text and how it ended: `done`, the code of an error, or `nothing`."""
    if answer.status_code != 200:
        return "", f"{answer.status_code} {answer.json()['error']['code']}"
    text, end = "", "nothing"
    for line in answer.text.splitlines():
        if line == "data: [DONE]":
            end = "done"
        elif line.startswith("data: "):
            value = json.loads(line[6:])
            if "error" in value:
                end = str(value["error"]["code"])
            else:
                text += "".join(choice["delta"].get("content") or "" for choice in value["choices"])
    return text, end
