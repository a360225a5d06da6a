"""Where accounts' states are kept: what every store does, and what the file beside the vault does besides."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import pytest

from addons.accounts.account_record import EMPTY, RESET, AccountRecord
from addons.accounts.health import AccountState, Health
from addons.accounts.state_store import LOCK_WAIT_S, FileStateStore, MemoryStateStore, StateStore
from addons.vault.errors import VaultBusy
from tests.support.accounts import health_in, saved
from tests.support.counting import work_of
from tests.support.virtual_time import in_virtual_time

A, B = ("p", "a"), ("p", "b")
STATE = {"health": "limited", "since": 1, "until": 4_000_000_000, "reason": "x"}
LIMITED = AccountState(Health.LIMITED, 90, 500, "slow down")
NOW = 100.0
MOST_WORK = 25_000
"""Calls and rounds of loops in the loop's thread (tests/support/counting.py): fewer than one for each of the 30,000
models of the file. Measured: below 2,600, and 12,900 where what ran before has left its marks on the process."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path / "accounts.json"


def put(file: Path, accounts: object) -> None:
    file.write_text(json.dumps({"version": 1, "accounts": accounts}))
    file.chmod(0o600)


# -- every store ------------------------------------------------------------------------------------------------------
@dataclass
class Users:
    """Two users of the same records; `next` is one that comes later."""

    first: StateStore
    second: StateStore
    next: Callable[[], StateStore]
    reset: Callable[[list[tuple[str, str]]], bool] = field(default=lambda keys: False)


def in_memory(file: Path) -> Users:
    """Which end with the process: whoever comes later is of the same one."""
    store = MemoryStateStore(lambda: NOW)
    return Users(store, store, lambda: store, store.reset)


def in_a_file(file: Path) -> Users:
    def store() -> FileStateStore:
        return FileStateStore(file, lambda: NOW)

    return Users(store(), store(), store, lambda keys: store().reset(keys))


@pytest.fixture(params=[in_memory, in_a_file])
def users(request: pytest.FixtureRequest, file: Path) -> Users:
    made: Users = request.param(file)
    return made


def test_what_was_put_is_got_at_once(users: Users) -> None:
    assert users.first.get(A) == EMPTY
    record = AccountRecord(LIMITED, {"m": LIMITED}, (1.0, 2.0))
    users.first.put(A, record)
    assert users.first.get(A) == record
    assert users.first.get(B) == EMPTY


@in_virtual_time
async def test_what_was_saved_is_there_for_who_comes_later(users: Users) -> None:
    users.first.put(A, AccountRecord(LIMITED, {"m": LIMITED}, (NOW - 2, NOW - 1)))
    await users.first.save()
    found = users.next().get(A)
    assert (found.state, dict(found.models), list(found.starts)) == (LIMITED, {"m": LIMITED}, [NOW - 2, NOW - 1])


def test_others_are_forgotten_where_one_says_who_is_there(users: Users) -> None:
    for key in (A, B):
        users.first.put(key, AccountRecord(LIMITED))
    users.first.keep_only([B])
    assert (users.first.get(A), users.first.get(B)) == (EMPTY, AccountRecord(LIMITED))


@in_virtual_time
async def test_a_reset_is_taken_up_once_and_leaves_the_starts(users: Users) -> None:
    users.first.put(A, AccountRecord(LIMITED, {"m": LIMITED}, (NOW - 1,)))
    users.first.put(B, AccountRecord(LIMITED))
    await users.first.save()
    assert await users.first.resets() == []
    assert users.reset([A])
    assert await users.first.resets() == [A]
    assert await users.first.resets() == []
    found = users.first.get(A)
    assert found.state == AccountState(Health.OK, int(NOW), None, RESET)
    assert (dict(found.models), list(found.starts)) == ({}, [NOW - 1])
    assert users.first.get(B).state == LIMITED


@in_virtual_time
async def test_a_lock_is_held_by_one_at_a_time_and_by_account(users: Users) -> None:
    order: list[str] = []

    async def holds(store: StateStore, key: tuple[str, str], name: str) -> None:
        async with store.lock(key):
            order.append(name)
            await asyncio.sleep(5)
            order.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(holds(users.first, A, "a"))
        await asyncio.sleep(1)
        group.create_task(holds(users.second, A, "then a"))
        group.create_task(holds(users.second, B, "b"))
    assert order == ["a", "b", "a", "then a", "b", "then a"]


@in_virtual_time
async def test_nobody_waits_for_a_lock_for_ever(users: Users) -> None:
    began = asyncio.get_running_loop().time()
    async with users.first.lock(A):
        with pytest.raises(VaultBusy):
            async with users.second.lock(A):
                pass
    assert asyncio.get_running_loop().time() - began == pytest.approx(LOCK_WAIT_S, abs=1)


@in_virtual_time
async def test_who_gives_up_waiting_for_a_lock_or_fails_with_it_holds_none(users: Users) -> None:
    async def holds() -> None:
        async with users.second.lock(A):
            await asyncio.sleep(0.5)
            raise RuntimeError("a bug")

    async with users.first.lock(A):
        waits = asyncio.ensure_future(holds())
        await asyncio.sleep(1)
        waits.cancel()
        await asyncio.wait({waits})
    with pytest.raises(RuntimeError):
        await holds()
    async with users.first.lock(A):
        pass


# -- the file ---------------------------------------------------------------------------------------------------------
def test_a_large_file_is_read_and_written_beside_the_loop(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = {f"m{number}": STATE for number in range(500)}
    put(file, {f"p/a{number}": {"models": models} for number in range(60)})

    store = FileStateStore(file, time.time)
    store.get(A)  # read at the start

    async def tended() -> None:
        put(file, {f"p/a{number}": {"state": {**STATE, "reason": "y"}, "models": models} for number in range(60)})
        assert await store.resets() == []
        health_in(store, ("p", "a1")).record(AccountState(Health.EXPIRED, 1, None, "z"))
        await store.save()

    monkeypatch.setattr(logging.getLogger("glassgate.accounts"), "disabled", True)  # a line's way is not the store's
    asyncio.run(tended())  # nor is what is imported for the first thread
    _, work = work_of(lambda: asyncio.run(tended()))
    assert work < MOST_WORK
    assert len(json.loads(file.read_bytes())["accounts"]["p/a59"]["models"]) == 500


def test_the_file_reads_as_ever(file: Path) -> None:
    store = FileStateStore(file, lambda: NOW)
    store.put(A, AccountRecord(LIMITED, {"m": LIMITED}, [NOW - 1]))
    saved(store)
    fields = {"health": "limited", "since": 90, "until": 500, "reason": "slow down"}
    accounts = {"p/a": {"state": fields, "models": {"m": fields}, "starts": [NOW - 1]}}
    assert json.loads(file.read_bytes()) == {"version": 1, "accounts": accounts}


def test_a_renewal_under_way_is_no_reason_to_write(file: Path) -> None:
    store = FileStateStore(file, lambda: NOW)
    health_in(store, A).record(AccountState(Health.REFRESHING, 1))
    assert store.unsaved() is None
    store.put(B, AccountRecord(LIMITED))
    saved(store)
    assert json.loads(file.read_bytes())["accounts"]["p/a"]["state"] is None


def test_a_full_disk_is_said_once_and_the_states_go_on(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = FileStateStore(file, lambda: NOW)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("addons.accounts.state_store.write_small", full)
        for number in range(3):
            store.put(A, AccountRecord(AccountState(Health.LIMITED, number, 500, "x")))
            saved(store)
        assert not store.reset([B])
    assert caplog.text.count("No space left") == 1
    assert store.get(A).state == AccountState(Health.LIMITED, 2, 500, "x")
    store.put(A, AccountRecord(LIMITED))
    saved(store)
    assert FileStateStore(file, lambda: NOW).get(A).state == LIMITED


def test_nothing_is_written_over_a_reset_that_was_not_seen_yet(file: Path) -> None:
    store = FileStateStore(file, lambda: NOW)
    store.put(A, AccountRecord(LIMITED))
    saved(store)
    FileStateStore(file, lambda: NOW).reset([A])
    store.put(B, AccountRecord(LIMITED))
    assert store.unsaved() is None
    assert asyncio.run(store.resets()) == [A]
    saved(store)
    kept = FileStateStore(file, lambda: NOW)
    assert (kept.get(A).state, kept.get(B).state) == (AccountState(Health.OK, int(NOW), None, RESET), LIMITED)


def test_a_reset_that_was_taken_up_is_not_taken_up_again_as_the_file_changes(file: Path) -> None:
    store = FileStateStore(file, lambda: NOW)
    store.get(A)
    FileStateStore(file, lambda: NOW).reset([A])
    assert asyncio.run(store.resets()) == [A]
    other = FileStateStore(file, lambda: NOW)
    other.put(B, AccountRecord(LIMITED))
    saved(other)
    assert asyncio.run(store.resets()) == []
    FileStateStore(file, lambda: NOW + 1).reset([A])
    assert asyncio.run(store.resets()) == []  # a time that is not here yet is none
    FileStateStore(file, lambda: NOW).reset([B])
    assert asyncio.run(store.resets()) == [B]


@pytest.mark.parametrize(
    "accounts",
    [[], "x", {"p/a": 5}, {"p/a": {"state": RESET}}, {"p/a": {"state": {"reason": RESET, "health": "x"}}}, {"": {}}],
)
def test_nonsense_in_the_file_resets_nothing(file: Path, accounts: object) -> None:
    store = FileStateStore(file, time.time)
    put(file, accounts)
    assert asyncio.run(store.resets()) == []


def test_what_changes_after_a_write_is_written_too(file: Path) -> None:
    store = FileStateStore(file, lambda: NOW)
    for key in (A, B):
        assert store.unsaved() is None, "nothing has changed"
        store.put(key, AccountRecord(LIMITED))
        saved(store)
    assert set(json.loads(file.read_bytes())["accounts"]) == {"p/a", "p/b"}


def test_a_disk_that_fails_again_is_said_again(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = FileStateStore(file, lambda: NOW)
    full = patch("addons.accounts.state_store.write_small", side_effect=OSError(28, "No space left on device"))
    for fails in (True, True, False, True):
        with full if fails else nullcontext():
            store.put(A, AccountRecord(LIMITED))
            saved(store)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
