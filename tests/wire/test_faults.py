"""Faults of real sockets: hosts that nobody is at, and hundreds of broken streams at once through a real mitmdump."""

import contextlib
import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.support.fault_cases import CASES
from tests.support.faulty import PATIENT, TIMES, ask, made, provider, read
from tests.support.hostile import TEXT, Hostile
from tests.support.ports import free_port
from tests.support.processes import NO_REST, Gateway, SandboxThread
from tests.support.waiting import until


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway whose providers are not there: a model each."""
    folder = tmp_path_factory.mktemp("nowhere")
    folder.chmod(0o700)
    with socket.socket() as hole, contextlib.ExitStack() as stack:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(4):  # the queue is full: further SYNs are dropped
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(hole.getsockname())
        urls = {
            "gone": f"http://127.0.0.1:{free_port()}/v1",
            "unknown": "https://nobody.invalid/v1",
            "hole": f"http://127.0.0.1:{hole.getsockname()[1]}/v1",
        }
        entries = {name: provider(url, models=[name]) for name, url in urls.items()}
        rules = {**NO_REST, "retries": {"base_s": 0.01}}
        gateway = Gateway(folder, providers=entries, timeouts=TIMES, **rules)
        for name in urls:
            gateway.vault.put(name, "key", {"api_key": "sk-0123456789"})
        yield stack.enter_context(gateway)


def asked(gateway: Gateway, model: str) -> httpx.Response:
    return gateway.post({"model": model, "messages": [{"role": "user", "content": "x"}]})


def test_1_nobody_listens(nowhere: Gateway) -> None:
    answer = asked(nowhere, "gone")
    assert read(answer) == ("", "502 upstream_unreachable")
    assert answer.headers["x-glassgate-attempts"] == "3"


def test_1_a_name_nobody_knows(nowhere: Gateway) -> None:
    assert read(asked(nowhere, "unknown"))[1] in ("502 upstream_unreachable", "504 upstream_timeout")


def test_2_a_host_that_swallows_connections(nowhere: Gateway) -> None:
    assert read(asked(nowhere, "hole")) == ("", "504 upstream_timeout")


@pytest.fixture(scope="module")
def gateway(thread: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Without rest for accounts, and asking each once."""
    folder = tmp_path_factory.mktemp("faults")
    folder.chmod(0o700)
    with made(folder, thread, timeouts=PATIENT, **NO_REST) as running:
        yield running


def test_two_hundred_streams_with_a_random_fault_each(gateway: Gateway, site: Hostile) -> None:
    rng = random.Random(7)
    programs = {f"r{number}": case.values[0] for number, case in enumerate(CASES)}
    site.programs |= programs
    names = [rng.choice([*programs, "well"]) for _ in range(200)]
    assert gateway.process
    descriptors = Path(f"/proc/{gateway.process.pid}/fd")
    before = len(list(descriptors.iterdir()))
    with ThreadPoolExecutor(40) as pool:
        ends = list(pool.map(lambda name: read(ask(gateway, name, timeout=60)), names))
    for name, (text, end) in zip(names, ends, strict=True):
        assert end != "nothing", name
        assert end != "done" or text in (TEXT, "x" * 4_000_000), name
    until(lambda: len(list(descriptors.iterdir())) <= before + 12)
