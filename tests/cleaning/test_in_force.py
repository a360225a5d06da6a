"""Every secret a running gateway holds is known to what cleans: out of each place it may come from."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from addons.accounts.sessions import StoredCredentials
from addons.app.runtime import Running
from addons.cleaning.cleaner import HIDDEN
from addons.config.loader import load_config
from addons.transport.httpx_carrier import HttpxCarrier
from addons.vault.errors import VaultError
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.contract.provider import Model
from providers.contract.session import Credentials

CLIENT = "client-key-0123456789abcdef0123456789abcdef"
STORED, NEWER, WAITING = "what-the-vault-holds-1", "what-another-process-stored-2", "what-no-disk-has-taken-3"
PASSWORD, FROM_ENV = "a-password-of-the-file-4", "what-the-environment-holds-5"
CONFIG = """
auth: {tokens: ["${AUTH_TOKEN}"]}
vault: {path: s/vault.json}
providers:
  p: {type: openai_compatible, base_url: 'https://x.example/v1', accounts: [a]}
  site: {type: k2think, accounts: [{name: a, credentials: {email: "${MAIL}", password: "${PASSWORD}"}}]}
  longcat: {type: longcat, accounts: [a]}
"""


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Running:
    """As after a start, with files beside the vault that an older version has written."""
    for name in ("AUTH_TOKENS_FILE", "SKIP_AUTH_TOKEN", "LONGCAT_TOKENS_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("AUTH_TOKEN", CLIENT), ("MAIL", "ada@x.example"), ("PASSWORD", PASSWORD)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LONGCAT_PASSPORT_TOKEN", FROM_ENV)
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    file.chmod(0o600)
    vault = Vault.create(tmp_path / "s" / "vault.json", VaultKey(raw=b"k" * 32), sync=False)
    vault.put("p", "a", {"api_key": STORED})
    state = {"health": "limited", "since": 1, "until": 4_000_000_000, "reason": f"bad key {STORED}"}
    for name, content in (
        ("accounts.json", {"version": 1, "accounts": {"p/a": {"models": {"m": state}}}}),
        ("drift.json", {"zai": {f"field {STORED}": {"count": 1, "last": 1, "example": "x"}}}),
    ):
        (tmp_path / "s" / name).write_text(json.dumps(content))
        (tmp_path / "s" / name).chmod(0o600)
    return Running(load_config(file), vault, HttpxCarrier())


def hides(running: Running, value: str) -> bool:
    return value not in running.cleaner.text(f"a {value} b")


@pytest.mark.parametrize("secret", [CLIENT, STORED, PASSWORD, FROM_ENV])
def test_it_is_known_from_the_start(running: Running, secret: str) -> None:
    assert hides(running, secret)


def test_a_session_that_somebody_stores_is_known_at_once(running: Running) -> None:
    assert not hides(running, NEWER)
    assert running.vault
    running.vault.put("p", "a", {"api_key": NEWER})
    assert hides(running, NEWER)


def test_a_renewed_session_that_no_disk_has_taken_is_known(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Any, **more: Any) -> None:
        raise VaultError("the disk is full")

    account = running.pool.find("p", "a")
    assert account
    assert running.vault
    old = account.session.stored()
    assert isinstance(old, StoredCredentials)
    monkeypatch.setattr(running.vault, "put_all", full)
    assert not hides(running, WAITING)
    asyncio.run(account.session.store(old, Credentials(api_key=WAITING)))
    assert hides(running, WAITING)


def test_files_of_before_are_read_with_it(running: Running) -> None:
    told = json.dumps(running.archive.drift.plain())
    assert STORED not in told
    assert HIDDEN in told
    running.pool.by_key["p", "a"].health.record_starts([1.0])
    asyncio.run(running.pool.save())
    kept = next(running.config.file.parent.rglob("accounts.json")).read_text()
    assert STORED not in kept
    assert HIDDEN in kept


def test_a_site_that_lists_it_as_a_model_is_not_heard(running: Running) -> None:
    provider: Any = running.providers["p"]
    provider._api.models = {
        name: Model(name, "x", owned_by=by) for name, by in ((STORED, ""), ("b", STORED), ("c", ""))
    }
    running.models.forget()
    assert [model.id for model in running.models().models() if model.site_id == "x"] == ["c"]
