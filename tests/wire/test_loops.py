"""Faults in what goes on beside the requests: told, and nothing else stops. Through a real mitmdump."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.faulty import BEGUN, MODEL, TIMES, ask, made, read, scripted
from tests.support.hostile import CHUNKED, END, TEXT, Hostile, framed, head, sends
from tests.support.processes import NO_REST, Gateway, SandboxThread
from tests.support.waiting import until


def health(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{gateway.url}/healthz", headers=gateway.headers, timeout=60).json()
    return found


def takes_up_changes(gateway: Gateway) -> None:
    """Raises TimeoutError when a changed configuration is not in force soon."""
    name = f"new-{time.monotonic_ns()}"
    gateway.config["providers"]["hostile"]["models"] = [MODEL, name]
    gateway.write_config()
    until(lambda: name in httpx.get(f"{gateway.url}/v1/models?all=1", headers=gateway.headers, timeout=60).text)


@pytest.mark.parametrize(
    ("broken", "loop"),
    [
        pytest.param("addons.accounts.state_store.FileStateStore.unsaved", "records", id="states"),
        pytest.param("addons.recordings.drift.Drift.unsaved", "recording", id="unknown kinds"),
        pytest.param("addons.accounts.state_store.FileStateStore.resets", "sessions", id="resets"),
        pytest.param("addons.app.live_models.LiveModels.learn", "models", id="models"),
        pytest.param("addons.app.loop_watch.LoopWatch.step", "event loop watch", id="watch"),
    ],
)
def test_a_step_that_raises_is_told_and_nothing_else_stops(
    folder: Path, thread: SandboxThread, broken: str, loop: str
) -> None:
    module, _, name = broken.rpartition(".")
    module, _, kind = module.rpartition(".")
    script = f"""
from {module} import {kind}
def fails(self, *args):
    raise UnicodeEncodeError("utf-8", "x", 0, 1, "a bug")
{kind}.{name} = fails
"""
    with scripted(folder, thread, script) as gateway:
        until(lambda: health(gateway)["status"] == "degraded")
        assert f"the background loop '{loop}' fails (UnicodeEncodeError)" in health(gateway)["problem"]
        takes_up_changes(gateway)
        assert read(ask(gateway, "well")) == (TEXT, "done")
        told = [line for line in gateway.log.splitlines() if f"the background loop '{loop}' failed" in line]
        assert len(told) == 1, "once, however often"


def test_a_fault_while_a_configuration_is_read_is_told(folder: Path, thread: SandboxThread) -> None:
    script = """
from addons.app import reload
def fails(file):
    raise KeyError("a bug")
reload.load_config = fails
"""
    with scripted(folder, thread, script) as gateway:
        gateway.config["models"] = {"aliases": {"x": "m"}}
        gateway.write_config()
        until(lambda: health(gateway)["status"] == "degraded")
        assert "could not be taken up (KeyError)" in health(gateway)["problem"]
        assert read(ask(gateway, "well")) == (TEXT, "done")


TICK_RAISES = """
from addons.stream import sweeper
real, first = sweeper.Tick, []
def fails(stream):
    if getattr(stream, "committed", False):
        first.append(stream)
    if stream in first[:1]:
        raise RuntimeError("a bug")
    return real(stream)
sweeper.Tick = fails
"""


def test_a_stream_the_clock_cannot_reach_ends_alone(folder: Path, thread: SandboxThread, site: Hostile) -> None:
    site.programs["silent"] = sends(BEGUN, then="silence")
    with (
        scripted(folder, thread, TICK_RAISES, timeouts=TIMES | {"keepalive_s": 0.2}) as gateway,
        ThreadPoolExecutor(1) as pool,
    ):
        lost = pool.submit(ask, gateway, "silent")
        with pytest.raises(httpx.HTTPError):
            lost.result(60)
        assert read(ask(gateway, "silent")) == ("Hello ", "upstream_timeout"), "its timers still go"
        assert "its connection is ended, the others go on" in gateway.log


@pytest.mark.parametrize("status", ["401 No", "429 Slow"])
def test_half_a_surrogate_in_a_providers_words_ends_nothing(
    folder: Path, thread: SandboxThread, site: Hostile, status: str
) -> None:
    words = rb'{"error":{"message":"no \ud800 key \u001b]0;x\u0007"}}'
    site.programs["odd"] = sends(head(CHUNKED, status=status, kind="application/json") + framed(words) + END)
    with made(folder, thread, hurried=True, retries={"enabled": False}) as gateway:
        assert read(ask(gateway, "odd"))[1][:3] in ("502", "429")
        kept = gateway.vault_path.with_name("accounts.json")
        until(lambda: kept.exists() and b"key" in kept.read_bytes())
        takes_up_changes(gateway)
        assert health(gateway)["status"] == "ok"


def test_half_a_surrogate_among_unknown_fields_ends_nothing(folder: Path, thread: SandboxThread, site: Hostile) -> None:
    piece = rb'data: {"choices":[{"index":0,"delta":{"content":"a","k\ud800":"v"}}]}' + b"\n\n"
    end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    site.programs["field"] = sends(head(CHUNKED) + framed(piece + end) + END)
    record = {"enabled": True, "folder": str(folder / "records")}
    with made(folder, thread, hurried=True, record=record, **NO_REST) as gateway:
        assert read(ask(gateway, "field")) == ("a", "done")
        takes_up_changes(gateway)
        assert health(gateway)["status"] == "ok"
        until(lambda: len(list((folder / "records").iterdir())) == 1)
        assert not list((folder / "records").glob(".*"))
