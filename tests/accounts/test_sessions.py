"""A changed vault is taken up off the event loop: what is slow about it holds nobody."""

import asyncio
import os
import threading
import time
from pathlib import Path

import pytest

from addons.accounts.sessions import SessionVault, StoredSession
from addons.vault.errors import VaultError
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.contract.session import Credentials
from tests.support.accounts import NOBODY

pytestmark = pytest.mark.anyio

KEY = VaultKey(raw=b"k" * 32)


class SlowVault(Vault):
    """Reads its file when it is let, and never on the event loop's thread."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, KEY, os.urandom, time.time, False)
        self.loop_thread = threading.get_ident()
        self.gate = threading.Event()
        self.reads = 0

    def _load(self) -> None:
        assert threading.get_ident() != self.loop_thread
        self.reads += 1
        assert self.gate.wait(60)
        super()._load()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def put(folder: Path, token: str) -> None:
    """As another process would."""
    path = folder / "vault.json"
    vault = Vault.open(path, KEY, sync=False) if path.exists() else Vault.create(path, KEY, sync=False)
    vault.put("site", "me", {"token": token})


def made(folder: Path) -> tuple[SlowVault, SessionVault]:
    vault = SlowVault(folder / "vault.json")
    return vault, SessionVault(vault)


def token(reader: SessionVault) -> str | None:
    stored = StoredSession(("site", "me"), NOBODY, reader).stored()
    return stored.credentials.token if stored else None


async def test_a_slow_reading_keeps_nobody_waiting_and_runs_once(folder: Path) -> None:
    put(folder, "old")
    vault, reader = made(folder)
    vault.gate.set()
    await reader.refresh()
    assert token(reader) == "old"
    vault.gate.clear()
    put(folder, "new")
    await asyncio.gather(*(reader.refresh(0.01) for _ in range(50)))
    assert token(reader) == "old", "it serves meanwhile"
    vault.gate.set()
    await reader.refresh()
    assert token(reader) == "new"
    assert vault.reads == 2


async def test_an_unchanged_vault_costs_no_reading(folder: Path) -> None:
    put(folder, "old")
    vault, reader = made(folder)
    vault.gate.set()
    for _ in range(5):
        await reader.refresh()
    assert vault.reads == 1


async def test_what_goes_wrong_is_logged_and_the_next_look_reads_again(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "old")
    vault, reader = made(folder)
    with monkeypatch.context() as patch:
        patch.setattr(SlowVault, "_load", lambda self: 1 / 0)
        await reader.refresh()
    assert "could not be read" in caplog.text
    vault.gate.set()
    await reader.refresh()
    assert token(reader) == "old"


async def test_a_lost_vault_is_said_and_its_return_too(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(folder, "old")
    vault, reader = made(folder)
    vault.gate.set()
    await reader.refresh()
    away = folder / "elsewhere"
    vault.path.rename(away)
    for _ in range(3):
        await reader.refresh()
    assert "there is no vault" in str(vault.problem)
    assert (token(reader), vault.reads) == ("old", 2)
    assert caplog.text.count("there is no vault") == 1
    away.rename(vault.path)
    await reader.refresh()
    assert vault.problem is None
    assert "well again" in caplog.text


async def test_a_session_stored_meanwhile_stands_against_one_that_no_disk_took(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "old")
    vault = SessionVault(Vault.open(folder / "vault.json", KEY, sync=False))
    session = StoredSession(("site", "me"), NOBODY, vault)
    old = session.stored()
    assert old is not None
    with monkeypatch.context() as patch:
        patch.setattr(Vault, "put", lambda *_, **__: (_ for _ in ()).throw(VaultError("disk full")))
        assert await session.store(old, Credentials(token="renewed"))
    assert token(vault) == "renewed"
    put(folder, "captured")
    await vault.refresh()
    assert token(vault) == "captured"
    assert not await session.write()
    assert not vault.unwritten
    assert token(vault) == "captured"
    assert await session.write(), "there is nothing to write any more"
