"""The vault as a configuration names it."""

from pathlib import Path

import pytest

from addons.app.configured_vault import LateVault, lacks_sessions, open_vault, rollback_guard, state_path, vault_path
from addons.config.configuration import Config
from addons.config.loader import load_config
from addons.vault.errors import VaultError
from addons.vault.keys import ENV_NAME, VaultKey
from addons.vault.store import Vault

KEY = b"v" * 32


def configured(folder: Path, *, session: str = "vault", more: str = "", **environ: str) -> Config:
    folder.chmod(0o700)
    file = folder / "config.yaml"
    file.write_text(
        f"auth: {{tokens: [sk-vault-0123456789abcdef01234567]}}\nvault: {{path: s/vault.json{more}}}\nproviders:\n"
        "  api: {type: openai_compatible, base_url: 'http://127.0.0.1:1/v1', models: [m], "
        f"accounts: [{{name: a, session: {session}}}]}}\n"
    )
    file.chmod(0o600)
    return load_config(file, {ENV_NAME: KEY.hex(), **environ})


def test_files_lie_beside_it(tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert vault_path(config) == tmp_path / "s" / "vault.json"
    assert state_path(config) == tmp_path / "s" / "accounts.json"


def test_nobody_opens_one_that_nobody_needs(tmp_path: Path) -> None:
    config = configured(tmp_path, session="none")
    assert open_vault(config) is None
    assert not lacks_sessions(config)


def test_one_that_is_there_is_opened(tmp_path: Path) -> None:
    config = configured(tmp_path, more=", rollback_guard: false")
    Vault.create(vault_path(config), VaultKey(raw=KEY), sync=False).put("api", "a", {"api_key": "k" * 20})
    vault = open_vault(config)
    assert vault is not None
    assert vault.known["api", "a"].material == {"api_key": "k" * 20}


def test_a_wrong_key_is_told(tmp_path: Path) -> None:
    config = configured(tmp_path, more=", rollback_guard: false")
    Vault.create(vault_path(config), VaultKey(raw=b"w" * 32), sync=False)
    with pytest.raises(VaultError):
        open_vault(config)


def test_one_that_is_not_there_yet_is_waited_for_and_missed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = configured(tmp_path, more=", rollback_guard: false")
    vault = open_vault(config)
    assert isinstance(vault, LateVault)
    assert "there is no vault at" in str(vault.problem)
    assert "there is no vault at" in caplog.text
    assert lacks_sessions(config)


def test_the_memory_of_generations_lies_in_the_users_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert rollback_guard(configured(tmp_path)) is not None
    assert rollback_guard(configured(tmp_path, more=", rollback_guard: false")) is None
