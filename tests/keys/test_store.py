"""The file of managed keys on the disk: whole, private, one writer at a time, and bound to its vault."""

import threading
from pathlib import Path

import pytest

from addons.keys import store as module
from addons.keys.limits import NO_LIMITS
from addons.keys.managed import KeysProblem, ManagedKey, hash_of
from addons.keys.store import KeyStore, keys_path, new_token
from addons.vault.errors import VaultPermissions
from addons.vault.keys import VaultKey
from addons.vault.store import Vault

KEY, OTHER = VaultKey(raw=b"k" * 32), VaultKey(raw=b"o" * 32)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.create(tmp_path / "own" / "vault.json", KEY, sync=False)


def adds(name: str, token: str = "sk"):  # type: ignore[no-untyped-def]
    def change(known: tuple[ManagedKey, ...], secret: bytes) -> tuple[ManagedKey, ...]:
        return (*known, ManagedKey(name, name.encode().ljust(16, b"."), hash_of(token, secret), 1.0, NO_LIMITS))

    return change


def test_keys_are_kept_privately(vault: Vault) -> None:
    keys = KeyStore(vault)
    assert (keys.read(), keys.stamp(), keys.secret()) == ((), None, b"")
    assert [key.name for key in keys.change(adds("ada"))] == ["ada"]
    assert keys.path.stat().st_mode & 0o777 == 0o600
    assert [key.name for key in KeyStore(Vault.open(vault.path, KEY)).read()] == ["ada"]
    assert keys.read()[0].hash == hash_of("sk", keys.secret())


def test_they_outlive_every_change_of_the_vaults_keys(vault: Vault) -> None:
    keys = KeyStore(vault)
    before = keys.change(adds("ada"))
    vault.add_key(OTHER)
    vault.rotate_data_key([OTHER])
    vault.change_key(VaultKey(raw=b"n" * 32))
    assert keys.read() == before
    assert KeyStore(Vault.open(vault.path, OTHER)).read() == before


def test_the_value_that_hashes_them_is_no_session(vault: Vault) -> None:
    vault.put("zai", "ada", {"token": "t"})
    made = vault.make_own_secret("managed keys")
    assert vault.make_own_secret("managed keys") == made
    assert vault.make_own_secret("other") != made
    assert len(made) == 32
    again = Vault.open(vault.path, KEY)
    assert list(again.known) == [("zai", "ada")]
    assert [(record.provider, record.account) for record in again.facts().records] == [("zai", "ada")]
    assert again.own_secret("managed keys") == made
    assert again.own_secret("unknown") == b""


def test_a_value_that_another_process_made_is_taken(vault: Vault) -> None:
    made = Vault.open(vault.path, KEY).make_own_secret("managed keys")
    assert vault.make_own_secret("managed keys") == made


def test_a_file_of_another_vault_or_an_open_one_is_refused(vault: Vault, tmp_path: Path) -> None:
    other = KeyStore(Vault.create(tmp_path / "two" / "vault.json", KEY, sync=False))
    other.change(adds("eve"))
    keys = KeyStore(vault)
    keys.path.write_bytes(other.path.read_bytes())
    keys.path.chmod(0o600)
    with pytest.raises(KeysProblem, match="another vault"):
        keys.change(adds("ada"))
    keys.path.chmod(0o644)
    with pytest.raises(VaultPermissions):
        keys.read()


def test_two_writers_lose_nothing(vault: Vault) -> None:
    names = [f"k{number}" for number in range(8)]
    KeyStore(vault).change(adds("first"))

    def write(name: str) -> None:
        KeyStore(Vault.open(vault.path, KEY)).change(adds(name, name))

    threads = [threading.Thread(target=write, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key.name for key in KeyStore(vault).read()} == {"first", *names}


def test_it_is_bounded(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = KeyStore(vault)
    keys.change(adds("ada"))
    monkeypatch.setattr(module, "MOST_KEYS", 1)
    with pytest.raises(KeysProblem, match="at most 1"):
        keys.change(adds("bob"))
    monkeypatch.setattr(module, "MOST_KEYS", 9)
    monkeypatch.setattr(module, "LIMIT_BYTES", 300)
    with pytest.raises(KeysProblem, match="too large"):
        keys.change(adds("bob"))
    monkeypatch.setattr(module, "LIMIT_BYTES", 100)
    with pytest.raises(KeysProblem, match="larger"):
        keys.read()


def test_tokens_differ() -> None:
    assert new_token() != new_token()
    assert new_token().startswith("sk-glassgate-")
    assert len(new_token()) == 56
    assert keys_path(Path("/a/vault.json")) == Path("/a/keys.json")
