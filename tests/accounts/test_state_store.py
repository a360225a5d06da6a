"""Accounts' states in a file beside the vault: a large one holds nobody, and a reset by hand is heeded."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from addons.accounts.account_record import RESET
from addons.accounts.health import AccountState, Health
from addons.accounts.state_store import FileStateStore
from tests.support.accounts import health_in, saved
from tests.support.counting import work_of

STATE = {"health": "limited", "since": 1, "until": 4_000_000_000, "reason": "x"}
MOST_WORK = 10_000
"""Calls and rounds of loops in the loop's thread (tests/support/counting.py). Measured: below 2,600, of 30,000."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path / "accounts.json"


def put(file: Path, accounts: object) -> None:
    file.write_text(json.dumps({"version": 1, "accounts": accounts}))
    file.chmod(0o600)


def test_a_large_file_is_read_and_written_beside_the_loop(file: Path) -> None:
    models = {f"m{number}": STATE for number in range(500)}
    put(file, {f"p/a{number}": {"models": models} for number in range(60)})

    store = FileStateStore(file, time.time)
    store.get(("p", "a"))  # read at the start

    async def tended() -> None:
        put(file, {f"p/a{number}": {"state": {**STATE, "reason": "y"}, "models": models} for number in range(60)})
        assert await store.resets() == []
        health_in(store, ("p", "a1")).record(AccountState(Health.EXPIRED, 1, None, "z"))
        await store.save()

    _, work = work_of(lambda: asyncio.run(tended()))
    assert work < MOST_WORK
    assert len(json.loads(file.read_bytes())["accounts"]["p/a59"]["models"]) == 500


def test_a_reset_of_another_process_is_heeded_once(file: Path) -> None:
    store = FileStateStore(file, lambda: 100.0)
    health_in(store, ("p", "a")).record(AccountState(Health.LIMITED, 1, 5000, "x"))
    saved(store)
    assert FileStateStore(file, lambda: 100.0).reset([("p", "a")])
    assert asyncio.run(store.resets()) == [("p", "a")]
    assert asyncio.run(store.resets()) == []
    state = store.get(("p", "a")).state
    assert state is not None
    assert (state.health, state.reason) == (Health.OK, RESET)


@pytest.mark.parametrize(
    "accounts",
    [[], "x", {"p/a": 5}, {"p/a": {"state": RESET}}, {"p/a": {"state": {"reason": RESET, "health": "x"}}}, {"": {}}],
)
def test_nonsense_in_the_file_resets_nothing(file: Path, accounts: object) -> None:
    store = FileStateStore(file, time.time)
    put(file, accounts)
    assert asyncio.run(store.resets()) == []
