"""A changed vault is taken up off the event loop: what is slow about it holds nobody."""

import asyncio
import os
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.accounts.sessions import SessionVault, StoredCredentials, StoredSession, credentials_of, record_of
from addons.vault.errors import VaultError
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials, Session
from tests.accounts.renewing import FakeSite
from tests.support.accounts import NOBODY
from tests.support.counting import work_of

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
    assert caplog.text == "", "all has been well"
    away = folder / "elsewhere"
    vault.path.rename(away)
    for _ in range(3):
        await reader.refresh()
    assert "there is no vault" in str(vault.problem)
    assert (token(reader), vault.reads) == ("old", 2)
    assert caplog.text.count("there is no vault") == caplog.text.count("known so far keep serving") == 1
    away.rename(vault.path)
    for _ in range(3):
        await reader.refresh()
    assert vault.problem is None
    assert caplog.text.count("well again") == 1


async def test_a_session_stored_meanwhile_stands_against_one_that_no_disk_took(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "old")
    vault = SessionVault(Vault.open(folder / "vault.json", KEY, sync=False))
    session = StoredSession(("site", "me"), NOBODY, vault)
    old = session.stored()
    assert old is not None
    with monkeypatch.context() as patch:
        patch.setattr(Vault, "put_all", lambda *_, **__: (_ for _ in ()).throw(VaultError("disk full")))
        assert await session.store(old, Credentials(token="renewed"))
    assert token(vault) == "renewed"
    put(folder, "captured")
    await vault.refresh()
    assert token(vault) == "captured"
    assert not await session.write()
    assert not vault.unwritten
    assert token(vault) == "captured"
    assert await session.write(), "there is nothing to write any more"


async def test_a_session_that_no_disk_took_is_a_secret_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "old-0123456789")
    vault = SessionVault(Vault.open(folder / "vault.json", KEY, sync=False))
    session = StoredSession(("site", "me"), NOBODY, vault)
    old, before = session.stored(), vault.version()
    assert old is not None
    monkeypatch.setattr(Vault, "put_all", lambda *_, **__: (_ for _ in ()).throw(VaultError("disk full")))
    await session.store(old, Credentials(token="renewed-0123456789"))
    assert any(one is not other for one, other in zip(vault.version(), before, strict=True))
    assert {"renewed-0123456789", "old-0123456789"} <= {secret.value for secret in vault.secrets()}


async def test_a_conflict_leaves_the_other_session_in_force_and_is_no_failure(folder: Path) -> None:
    put(folder, "old")
    vault = SessionVault(Vault.open(folder / "vault.json", KEY, sync=False))
    session = StoredSession(("site", "me"), NOBODY, vault)
    old = session.stored()
    assert old is not None
    put(folder, "captured")
    assert not await session.store(old, Credentials(token="renewed"))
    assert (token(vault), vault.unwritten) == ("captured", {})


async def test_only_another_persons_storing_is_another_session(folder: Path) -> None:
    put(folder, "old")
    vault = SessionVault(Vault.open(folder / "vault.json", KEY, sync=False))
    session = StoredSession(("site", "me"), NOBODY, vault)
    first = session.standing()
    for renewed in ("one", "two"):
        old = session.stored()
        assert old is not None
        assert await session.store(old, Credentials(token=renewed))
        assert token(vault) == renewed
        assert session.standing() == first
    again = StoredSession(("site", "me"), NOBODY, vault)
    again.adopt(session)
    assert again.standing() == first, "another configuration is no storing either"
    put(folder, "captured")
    await vault.refresh()
    assert session.standing() != first


async def test_what_stood_before_the_first_renewal_is_what_somebody_stored(folder: Path) -> None:
    """Nobody need have asked before."""
    put(folder, "old")
    vault = SessionVault(Vault.open(folder / "vault.json", KEY, sync=False))
    session = StoredSession(("site", "me"), NOBODY, vault)
    old = session.stored()
    assert old is not None
    await session.store(old, Credentials(token="renewed"))
    assert session.standing() == old.rev


async def test_what_is_tried_is_in_force_meanwhile_and_not_longer(folder: Path) -> None:
    put(folder, "old")
    session = StoredSession(("site", "me"), NOBODY, SessionVault(Vault.open(folder / "vault.json", KEY, sync=False)))
    old = session.stored()
    assert old is not None
    with session.trying(old, Credentials(token="new")):
        found = session.stored()
        assert found == StoredCredentials(Credentials(token="new"), old.rev, old.updated)
    assert session.stored() == old


async def test_secrets_and_their_version_change_with_what_is_stored(folder: Path) -> None:
    put(folder, "old-0123456789")
    vault = SessionVault(Vault.open(folder / "vault.json", KEY, sync=False))
    before = vault.version()
    assert all(one is other for one, other in zip(vault.version(), before, strict=True))
    session = StoredSession(("site", "me"), NOBODY, vault)
    old = session.stored()
    assert old is not None
    await session.store(old, Credentials(token="renewed-0123456789"))
    assert any(one is not other for one, other in zip(vault.version(), before, strict=True))
    assert "renewed-0123456789" in {secret.value for secret in vault.secrets()}


async def test_the_version_changes_with_what_others_store(folder: Path) -> None:
    put(folder, "old-0123456789")
    vault = SessionVault(Vault.open(folder / "vault.json", KEY, sync=False))
    before = vault.version()
    put(folder, "captured-0123456789")
    await vault.refresh()
    assert any(one is not other for one, other in zip(vault.version(), before, strict=True))
    assert "captured-0123456789" in {secret.value for secret in vault.secrets()}


async def test_after_a_write_only_the_secrets_of_what_has_changed_are_listed_anew(folder: Path) -> None:
    def work(accounts: int) -> int:
        path = folder / str(accounts) / "vault.json"
        vault = Vault.create(path, KEY, sync=False)
        for number in range(accounts):
            vault.put("site", str(number), {"token": f"the-token-of-{number}"})
        reader = SessionVault(vault)
        list(reader.secrets())
        vault.put("site", "1", {"token": "another-token"})
        found, count = work_of(lambda: {one.account: one.value for one in reader.secrets() if one.name == "token"})
        assert found == {str(at): "another-token" if at == 1 else f"the-token-of-{at}" for at in range(accounts)}
        return count

    few, many = work(3), work(33)
    assert (many - few) / 30 < 20, "for each that is the same a look and no more"


async def test_sessions_that_are_stored_together_are_written_at_once(folder: Path) -> None:
    path = folder / "vault.json"
    vault = Vault.create(path, KEY, sync=False)
    reader = SessionVault(vault)
    sessions = [StoredSession(("site", str(number)), NOBODY, reader) for number in range(20)]
    for session in sessions:
        vault.put(*session.key, {"token": "old"})
    vault.put("site", "3", {"token": "of somebody else"})
    before, outdated = vault.facts().generation, StoredCredentials(Credentials(token="old"), 1, 1)

    def store(session: StoredSession, token: str) -> Coroutine[Any, Any, bool]:
        old = outdated if session.key[1] == "3" else session.stored()
        assert old is not None
        return session.store(old, Credentials(token=token))

    told = await asyncio.gather(*(store(session, f"new of {session.key[1]}") for session in sessions))
    assert told == [session.key[1] != "3" for session in sessions]
    assert vault.facts().generation == before + 1
    assert reader.unwritten == {}
    kept = {account: record.material["token"] for (_, account), record in Vault.open(path, KEY).known.items()}
    assert kept == {str(at): "of somebody else" if at == 3 else f"new of {at}" for at in range(20)}


async def test_what_is_stored_during_a_write_comes_with_the_next(folder: Path) -> None:
    vault = Vault.create(folder / "vault.json", KEY, sync=False)
    reader, begun, went_on = SessionVault(vault), threading.Event(), threading.Event()
    plain = vault.put_all

    def slow(sessions: Any) -> Any:
        begun.set()
        assert went_on.wait(60)
        return plain(sessions)

    vault.put_all = slow  # type: ignore[method-assign]
    first = asyncio.ensure_future(stored(reader, "a"))
    assert await asyncio.to_thread(begun.wait, 60)
    others = [asyncio.ensure_future(stored(reader, name)) for name in "bcd"]
    left = asyncio.ensure_future(stored(reader, "left"))
    await asyncio.sleep(0)
    left.cancel()
    went_on.set()
    await asyncio.gather(first, *others)
    assert vault.facts().generation == 3, "made, the first, the others"
    assert set(vault.known) == {("site", name) for name in ("a", "b", "c", "d", "left")}


async def stored(reader: SessionVault, name: str) -> None:
    reader.unwritten["site", name] = StoredCredentials(Credentials(token=name), 0)
    assert await reader.write(("site", name)) is not None


def test_without_a_vault_there_is_what_the_environment_gives() -> None:
    vault = SessionVault(None)
    assert (dict(vault.known), list(vault.secrets())) == ({}, [])
    session = StoredSession(("site", "me"), NOBODY, vault, Credentials(token="t"))
    assert session.stored() == StoredCredentials(Credentials(token="t"))
    assert session.standing() == Credentials(token="t")
    assert StoredSession(("site", "me"), NOBODY, vault).stored() is None


def test_an_api_that_wants_no_key_needs_no_session() -> None:
    session = StoredSession(("site", "me"), NOBODY, SessionVault(None), needed=False)
    assert session.read() == Session("site", "me")


class Refuses(FakeSite):
    """Reads no session."""

    def __init__(self, credential: Literal["session", "key"]) -> None:
        super().__init__()
        self.credential = credential

    def read_session(self, account: str, credentials: Credentials) -> Session:
        raise ProviderError(ErrorKind.SESSION_EXPIRED, "no token", credential=self.credential)


@pytest.mark.parametrize(("credential", "advised"), [("session", True), ("key", False)])
def test_what_cannot_be_read_is_said_each_time_and_whether_it_says_what_to_do(
    credential: Literal["session", "key"], advised: bool
) -> None:
    session = StoredSession(("site", "me"), Refuses(credential), SessionVault(None), Credentials(token="t"))
    for _ in range(2):
        with pytest.raises(ProviderError, match="no token") as caught:
            session.read()
        assert caught.value.advised is advised


def test_what_is_not_there_is_said_with_what_to_do() -> None:
    with pytest.raises(ProviderError, match=r"Add one: .*glassgate login site me") as caught:
        StoredSession(("site", "me"), FakeSite(), SessionVault(None)).read()
    assert (caught.value.credential, caught.value.advised) == ("session", True)


WORD = st.text(min_size=1, max_size=8)
TABLE = st.dictionaries(WORD, WORD, max_size=3)
MAYBE = st.none() | WORD


@given(
    st.builds(
        Credentials, MAYBE, TABLE, TABLE, MAYBE, MAYBE, MAYBE, st.none() | st.integers(1_000_000_000, 4_000_000_000)
    )
)
def test_a_session_is_kept_as_it_is(credentials: Credentials) -> None:
    assert credentials_of(record_of(credentials)) == credentials


@pytest.mark.parametrize("odd", [None, 5, [], ["x"], {"a": 1}, "", True], ids=repr)
def test_what_is_of_another_shape_counts_as_absent(odd: Any) -> None:
    names = ("token", "cookies", "headers", "api_key", "email", "password")
    assert credentials_of(dict.fromkeys(names, odd)) == Credentials()
    assert credentials_of({"cookies": {"a": "1", "b": odd or 0}}) == Credentials(cookies={"a": "1"})


def test_secrets_are_opened_once_for_each_session_that_is_stored(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    vault = Vault.create(tmp_path / "vault.json", VaultKey(raw=b"k" * 32))
    session = StoredSession(("p", "a"), NOBODY, SessionVault(vault))
    assert session.secrets() is None
    vault.put("p", "a", {"api_key": "first"})
    first = session.secrets()
    assert first is not None
    assert first["api_key"] == "first"
    assert session.secrets() is first
    vault.put("p", "a", {"api_key": "second"})
    second = session.secrets()
    assert second is not None
    assert second["api_key"] == "second"
