"""What a capture is for: provider and account of config.yaml, and the vault that takes the session."""

from pathlib import Path
from typing import Any

import pytest

from addons.accounts.sessions import record_of
from addons.capturing.target import VaultSink, target_of
from addons.cli.base import CliContext, Problem
from addons.vault.errors import VaultConflict, VaultError
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.contract.session import Credentials

KEY = "11" * 32
CONFIG = """
vault: {path: vault/v.json, rollback_guard: false}
providers:
  zai: {type: zai, proxy: "http://127.0.0.1:1", accounts: [{name: main}]}
  qwen: {type: qwen, accounts: [{name: one}, {name: two, session: none}]}
  off: {type: zai, enabled: false, accounts: [{name: main}]}
  api: {type: openai_compatible, preset: openai, accounts: [{name: key}]}
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("SESSION_ENCRYPTION_KEY", KEY)
    monkeypatch.setattr("addons.cli.base.harden", lambda: None)
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def vault(house: Path) -> Vault:
    (house / "vault").mkdir(mode=0o700)
    return Vault.create(house / "vault" / "v.json", VaultKey.from_text(KEY), sync=False)


def opened(house: Path) -> Vault:
    return Vault.open(house / "vault" / "v.json", VaultKey.from_text(KEY))


@pytest.mark.parametrize(
    ("provider", "account", "name"),
    [("zai", None, "zai/main"), ("zai", "main", "zai/main"), ("qwen", "one", "qwen/one")],
)
def test_a_target_is_named_as_in_the_configuration(house: Path, provider: str, account: str | None, name: str) -> None:
    target = target_of(house / "config.yaml", provider, account)
    assert target.name == name
    assert target.provider.name == provider
    assert target.proxy == ("http://127.0.0.1:1" if provider == "zai" else None)
    assert not (house / "vault").exists(), "nothing is made before there is something to store"


@pytest.mark.parametrize(
    ("provider", "account", "words"),
    [
        ("qwen", None, "has several accounts; name one: one, two"),
        ("qwen", "two", "has `session: none` in config.yaml: it needs no sign-in"),
        ("qwen", "three", "no account 'three'"),
        ("zia", None, "Did you mean 'zai'"),
        ("off", None, "'off' is disabled"),
        ("api", None, "is an official API: there is no sign-in to capture. Store its key: "),
    ],
)
def test_what_cannot_be_captured_is_said(house: Path, provider: str, account: str | None, words: str) -> None:
    with pytest.raises(Problem) as caught:
        target_of(house / "config.yaml", provider, account)
    assert words in caught.value.format_message()


def test_a_wrong_key_shows_at_the_start(house: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_ENCRYPTION_KEY", "22" * 32)
    with pytest.raises(Problem):
        target_of(house / "config.yaml", "zai", None)


def sink(house: Path) -> VaultSink:
    return VaultSink(CliContext(house / "config.yaml"))


def test_a_vault_that_is_missing_is_made_when_it_is_needed(house: Path) -> None:
    made = sink(house)
    made.put("zai", "main", Credentials(token="t-0123456789"), "")
    assert opened(house).records()["zai", "main"].material["token"] == "t-0123456789"
    made.put("zai", "main", Credentials(token="u-0123456789"), "")
    assert opened(house).records()["zai", "main"].rev == 2


def test_one_that_was_made_meanwhile_is_opened(house: Path) -> None:
    made = sink(house)
    (house / "vault").mkdir(mode=0o700)
    other = Vault.create(house / "vault" / "v.json", VaultKey.from_text(KEY), sync=False)
    other.put("qwen", "one", {"token": "q"})
    made.put("zai", "main", Credentials(token="t-0123456789"), "")
    assert set(opened(house).records()) == {("qwen", "one"), ("zai", "main")}


@pytest.mark.parametrize(("email", "kept"), [("", True), ("me@example.com", True), ("you@example.com", False)])
def test_a_remembered_password_stays_with_its_person(house: Path, vault: Vault, email: str, kept: bool) -> None:
    old = Credentials(token="old-0123456789", email="me@example.com", password="word")
    vault.put("zai", "main", record_of(old))
    sink(house).put("zai", "main", Credentials(token="new-0123456789"), email)
    credentials = opened(house).records()["zai", "main"].material
    assert credentials["token"] == "new-0123456789"
    assert (credentials.get("password") == "word") is kept


def test_a_renewal_in_between_does_not_keep_it_from_being_stored(
    house: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.put("zai", "main", {"token": "old-0123456789"})
    made, real, raced = sink(house), Vault.get, list[bool]()

    def racing(self: Vault, provider: str, account: str) -> Any:
        found = real(self, provider, account)
        if not raced:
            raced.append(True)
            opened(house).put(provider, account, {"token": "renewed-0123456789"})
        return found

    monkeypatch.setattr(Vault, "get", racing)
    made.put("zai", "main", Credentials(token="new-0123456789"), "")
    monkeypatch.undo()
    record = opened(house).records()["zai", "main"]
    assert (record.material["token"], record.rev) == ("new-0123456789", 3)


def test_one_that_is_always_changed_is_told(house: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sink(house)

    def conflict(*a: object, **k: object) -> None:
        raise VaultConflict("changed")

    monkeypatch.setattr(Vault, "put", conflict)
    with pytest.raises(VaultConflict):
        made.put("zai", "main", Credentials(token="new-0123456789"), "")


def test_a_vault_that_was_spoilt_meanwhile_takes_nothing(house: Path, vault: Vault) -> None:
    made = sink(house)
    vault.path.write_bytes(vault.path.read_bytes()[:-20])
    with pytest.raises(VaultError):
        made.put("zai", "main", Credentials(token="new-0123456789"), "")
