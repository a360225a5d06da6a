"""The life of the process: draining, a second signal, a configuration that changes under live streams."""

import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from addons.cli.main import main
from providers.sandbox.run import Sandbox
from tests.support.faulty import MODEL, ask, made, read, scripted
from tests.support.hostile import TEXT, Hostile, held
from tests.support.processes import KEY, Gateway, SandboxThread
from tests.support.waiting import until

OFFICIAL = "sandbox-large"


def body(prompt: str = "Hi", model: str = OFFICIAL) -> dict[str, Any]:
    return {"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}]}


class Reader:
    """Reads one stream in a thread; `begun` is set at the first data."""

    def __init__(self, gateway: Gateway, prompt: str, model: str) -> None:
        self.begun = threading.Event()
        self.text = ""
        self._gateway, self._asked = gateway, body(prompt, model)

    def read(self) -> str:
        with (
            httpx.Client(headers=self._gateway.headers, timeout=60) as client,
            client.stream("POST", f"{self._gateway.url}/v1/chat/completions", json=self._asked) as answer,
        ):
            assert answer.status_code == 200
            for piece in answer.iter_text():
                self.text += piece
                self.begun.set()
        return self.text


def reading(
    pool: ThreadPoolExecutor, gateway: Gateway, prompt: str, many: int = 1, model: str = OFFICIAL
) -> tuple[list[Reader], list[Any]]:
    readers = [Reader(gateway, prompt, model) for _ in range(many)]
    futures = [pool.submit(reader.read) for reader in readers]
    for reader in readers:
        assert reader.begun.wait(60)
    return readers, futures


def until_draining(gateway: Gateway) -> httpx.Response:
    found: list[httpx.Response] = []

    def drains() -> bool:
        found.append(httpx.get(f"{gateway.url}/healthz"))
        return found[-1].status_code == 503

    until(drains)
    return found[-1]


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(60) as pool:
        yield pool


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_live_streams_may_finish(
    thread: SandboxThread, site: Hostile, folder: Path, pool: ThreadPoolExecutor, number: signal.Signals
) -> None:
    let_go = threading.Event()
    site.programs["held"] = held(let_go)
    with made(folder, thread) as gateway:
        _, futures = reading(pool, gateway, "held please", 5, MODEL)
        assert gateway.process
        gateway.process.send_signal(number)
        assert until_draining(gateway).json() == {"status": "draining"}
        refused = gateway.post(body())
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "shutting_down")
        let_go.set()
        for future in futures:
            assert future.result(60).rstrip().endswith("data: [DONE]")
        assert gateway.process.wait(60) == 0


def test_streams_that_take_too_long_are_told(sites: SandboxThread, folder: Path, pool: ThreadPoolExecutor) -> None:
    times = {"drain_s": 0.3}
    with Gateway(folder, sites.description(), timeouts=times) as gateway:
        _, futures = reading(pool, gateway, "Hi\n!sandbox stall_after=3", 50)
        assert gateway.process
        gateway.process.send_signal(signal.SIGTERM)
        for future in futures:
            text = future.result(60)
            error = json.loads(text.rstrip().splitlines()[-1].removeprefix("data: "))["error"]
            assert error["code"] == "shutting_down"
            assert "[DONE]" not in text
        assert gateway.process.wait(60) == 0


def test_requests_that_have_seen_nothing_are_refused_properly(
    sites: SandboxThread, folder: Path, pool: ThreadPoolExecutor
) -> None:
    with Gateway(folder, sites.description(), timeouts={"drain_s": 0.3}) as gateway:
        before = len(sites.site("openai").requests)
        prompt = "Hi\n!sandbox fault=silence"
        futures = [
            pool.submit(
                httpx.post, f"{gateway.url}/v1/chat/completions", json=body(prompt), headers=gateway.headers, timeout=60
            )
            for _ in range(3)
        ]
        sites.wait_for("openai", lambda: len(sites.site("openai").requests) >= before + 3)
        assert gateway.process
        gateway.process.send_signal(signal.SIGTERM)
        for future in futures:
            answer = future.result(60)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "shutting_down")
        assert gateway.process.wait(60) == 0


def test_a_second_signal_ends_at_once(sites: SandboxThread, folder: Path, pool: ThreadPoolExecutor) -> None:
    with Gateway(folder, sites.description(), timeouts={"drain_s": 3600}) as gateway:
        _, futures = reading(pool, gateway, "Hi\n!sandbox stall_after=3")
        assert gateway.process
        gateway.process.send_signal(signal.SIGTERM)
        until_draining(gateway)
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(60) == 0
        with pytest.raises(httpx.HTTPError):
            futures[0].result(60)


# -- a changed configuration ------------------------------------------------------------------------------------------
def health(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{gateway.url}/healthz", headers=gateway.headers).json()
    return found


def status(gateway: Gateway, *arguments: str) -> Result:
    return CliRunner().invoke(
        main, ["--config", str(gateway.config_file), "status", *arguments], env={"AUTH_TOKEN": KEY}
    )


def models(gateway: Gateway) -> set[str]:
    listed = httpx.get(f"{gateway.url}/v1/models?all=true", headers=gateway.headers).json()["data"]
    return {model["id"] for model in listed}


def test_the_end_waits_for_an_addon_that_is_told_of_connections(folder: Path) -> None:
    script = """
import asyncio

async def server_disconnected(data):
    await asyncio.sleep(0.1)
    print("told of its end")
"""
    with SandboxThread(Sandbox((), own={"hostile": Hostile()})) as thread:
        with scripted(folder, thread, script) as gateway:
            assert read(ask(gateway, "well")) == (TEXT, "done")
        assert gateway.log.count("told of its end") == 1
        assert "Traceback" not in gateway.log


def test_a_changed_configuration_is_taken_up_under_a_live_stream(
    thread: SandboxThread, site: Hostile, folder: Path, pool: ThreadPoolExecutor
) -> None:
    let_go = threading.Event()
    site.programs["held"] = held(let_go)
    with made(folder, thread) as gateway:
        _, futures = reading(pool, gateway, "held please", 1, MODEL)
        gateway.config["providers"]["hostile"]["models"] = [MODEL, "renamed"]
        gateway.config["models"] = {"aliases": {"fast": MODEL}}
        gateway.write_config()
        assert gateway.process
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: "renamed" in models(gateway))
        assert gateway.post(body(model="fast")).status_code == 200
        assert not futures[0].done()
        let_go.set()
        assert futures[0].result(60).rstrip().endswith("data: [DONE]")


def test_a_broken_configuration_changes_nothing_and_is_reported(sites: SandboxThread, folder: Path) -> None:
    with Gateway(folder, sites.description()) as gateway:
        good = gateway.config_file.read_text()
        gateway.config_file.write_text(good + "\nroutng: {}\n")
        assert gateway.process
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: health(gateway)["status"] == "degraded")
        assert "routing" in health(gateway)["problem"]
        told = status(gateway)
        assert told.exit_code == 1
        assert "the gateway is degraded" in told.stdout
        assert "routing" in told.stdout
        answer = httpx.post(f"{gateway.url}/v1/chat/completions", json=body(), headers=gateway.headers)
        assert answer.status_code == 200
        gateway.config_file.write_text(good)
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: health(gateway)["status"] == "ok")
        assert "not taken up" in gateway.log
        assert status(gateway).exit_code == 0
        assert json.loads(status(gateway, "--json").stdout)["accounts"][0]["state"] == "ok"


def test_status_without_a_gateway_is_one_line(folder: Path, sites: SandboxThread) -> None:
    told = status(Gateway(folder, sites.description()))
    assert (told.exit_code, told.stderr.count("\n")) == (1, 1)
    assert "no gateway answers" in told.stderr


def test_a_change_is_noticed_without_a_signal(sites: SandboxThread, folder: Path) -> None:
    with Gateway(folder, sites.description()) as gateway:
        gateway.config["providers"]["official"]["models"] = ["sandbox-large", "noticed"]
        gateway.write_config()
        until(lambda: "noticed" in models(gateway))


def test_a_changed_listener_waits_for_the_next_start(sites: SandboxThread, folder: Path) -> None:
    with Gateway(folder, sites.description()) as gateway:
        gateway.config["listen"]["allowed_hosts"] = ["example.com"]
        gateway.write_config()
        assert gateway.process
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: health(gateway)["status"] == "degraded")
        assert "next start" in health(gateway)["problem"]
