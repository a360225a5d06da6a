"""The ledger of a real process: killed, drained, beside another gateway, and what it takes in memory."""

import signal
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Gateway, SandboxThread
from tests.support.waiting import until

HELLO = {"model": "sandbox-large", "messages": [{"role": "user", "content": "Hi"}]}
MOST_IDLE_MB = 130


def count(gateway: Gateway) -> int:
    file = gateway.vault_path.with_name("usage.db")
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM glassgate_requests").fetchone()[0])
    return 0


@pytest.fixture
def described(sites: SandboxThread) -> dict[str, Any]:
    return sites.description()


def test_what_was_answered_a_moment_ago_outlives_a_kill(folder: Path, described: dict[str, Any]) -> None:
    """It is written a quarter of a second later, while the gateway has nothing else to do."""
    gateway = Gateway(folder, described, usage={})
    with gateway:
        for _ in range(5):
            assert gateway.post(HELLO).status_code == 200
        until(lambda: count(gateway) == 5)
        assert gateway.post(HELLO).status_code == 200
        assert gateway.process
        gateway.process.send_signal(signal.SIGKILL)
        gateway.process.wait(30)
        assert count(gateway) in (5, 6)
    before = count(gateway)
    with gateway:  # the file is whole, and goes on
        assert gateway.post(HELLO).status_code == 200
        until(lambda: count(gateway) == before + 1)


def test_nothing_is_lost_at_the_end(folder: Path, described: dict[str, Any]) -> None:
    gateway = Gateway(folder, described, usage={}, metrics={"enabled": True})
    with gateway:
        for _ in range(5):
            assert gateway.post(HELLO).status_code == 200
        assert gateway.process
        gateway.process.send_signal(signal.SIGTERM)
        gateway.process.wait(60)
    assert count(gateway) == 5
    assert "Traceback" not in gateway.log


def test_an_idle_one_takes_little_memory_with_ledger_and_metrics(folder: Path, described: dict[str, Any]) -> None:
    official = {"base_urls": {"openai": described["base_urls"]["openai"]}, "sessions": described["sessions"]}
    with Gateway(folder, official, by_itself=True, usage={}, metrics={"enabled": True}) as gateway:
        assert gateway.post(HELLO).status_code == 200
        until(lambda: count(gateway) == 1)  # the tables were made
        assert gateway.memory_mb() < MOST_IDLE_MB
