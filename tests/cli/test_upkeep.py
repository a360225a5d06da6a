"""`glassgate sessions list` and `prune`: what has ended goes, what can still serve stays."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from addons.accounts.health import AccountState, Health
from addons.accounts.state_store import FileStateStore
from addons.cli.main import main
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.sandbox.tokens import jwt
from tests.support.accounts import health_in, saved
from tests.support.ports import free_port
from tests.support.processes import Gateway
from tests.support.waiting import until

KEY = "55" * 32
NOW = int(time.time())
CONFIG = """
vault: {path: vault/v.json}
providers:
  qwen: {type: qwen, accounts: [{name: ended}, {name: renewable}, {name: fresh}, {name: unreadable}]}
  k2: {type: k2think, accounts: [{name: remembered}, {name: ended}]}
  cat: {type: longcat, accounts: [{name: refused}, {name: well}]}
"""
ENDED, FRESH = jwt({"id": "u", "exp": NOW - 60}), jwt({"id": "u", "exp": NOW + 3600})
STORED: dict[tuple[str, str], dict[str, Any]] = {
    ("qwen", "ended"): {"token": ENDED},
    ("qwen", "renewable"): {"token": ENDED, "cookies": {"refresh_token": "r"}},
    ("qwen", "fresh"): {"token": FRESH},
    ("qwen", "unreadable"): {"headers": {"a": "b"}},
    ("k2", "remembered"): {"token": ENDED, "email": "me@example.com", "password": "word"},
    ("k2", "ended"): {"token": ENDED},
    ("cat", "refused"): {"cookies": {"passport_token_key": "p"}},
    ("cat", "well"): {"cookies": {"passport_token_key": "q"}},
}
GOING = {("qwen", "ended"), ("k2", "ended"), ("cat", "refused")}
type Run = Callable[..., Result]


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    tmp_path.chmod(0o700)
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "vault").mkdir(mode=0o700)
    made = Vault.create(tmp_path / "vault" / "v.json", VaultKey.from_text(KEY), sync=False)
    for name, material in STORED.items():
        made.put(*name, material)
    store = FileStateStore(tmp_path / "vault" / "accounts.json", time.time)
    health_in(store, ("cat", "refused")).record(AccountState(Health.EXPIRED, int(time.time()), None, "signed out"))
    saved(store)
    return made


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def invoke(*arguments: str) -> Result:
        command = ["--config", str(tmp_path / "config.yaml"), "sessions", *arguments]
        return CliRunner().invoke(main, command, env={"SESSION_ENCRYPTION_KEY": KEY})

    return invoke


def test_ended_sessions_go_and_their_key_too(run: Run, vault: Vault) -> None:
    before = vault.path.read_bytes()
    dry = run("prune", "--dry-run", "--json")
    assert {(row["provider"], row["account"]) for row in json.loads(dry.stdout)["sessions"]} == GOING
    assert vault.path.read_bytes() == before
    done = json.loads(run("prune", "--json").stdout)
    assert (done["removed"], done["erased"]) == (True, True)
    left = Vault.open(vault.path, VaultKey.from_text(KEY))
    assert set(left.records()) == STORED.keys() - GOING
    assert run("prune").stdout == "every stored session can still serve\n"


def test_with_other_slots_the_way_to_erase_is_told(run: Run, vault: Vault) -> None:
    vault.add_key(VaultKey.from_text("66" * 32))
    result = run("prune")
    assert result.exit_code == 0
    assert "vault rotate-key makes" in result.stdout
    assert set(Vault.open(vault.path, VaultKey.from_text(KEY)).records()) == STORED.keys() - GOING


def test_the_list_tells_ends_and_renewal(run: Run, vault: Vault) -> None:
    rows = {(row["provider"], row["account"]): row for row in json.loads(run("list", "--json").stdout)}
    assert rows["qwen", "fresh"]["expires_at"] == NOW + 3600
    assert [rows["qwen", name]["renewable"] for name in ("renewable", "fresh")] == [True, False]
    assert (rows["k2", "remembered"]["remembered"], rows["k2", "remembered"]["renewable"]) == (True, True)
    assert rows["k2", "remembered"]["holds"] == ["token"]
    text = run("list").stdout
    for words in ("renewed by itself", "password kept", "min ago"):
        assert words in text
    for secret in ("word", ENDED, FRESH, "me@example.com"):
        assert secret not in text.replace("password kept", "")


def test_a_token_comes_from_stdin(tmp_path: Path, vault: Vault) -> None:
    command = ["--config", str(tmp_path / "config.yaml"), "sessions", "add", "qwen", "ended", "--token-stdin"]
    result = CliRunner().invoke(main, command, env={"SESSION_ENCRYPTION_KEY": KEY}, input=f"{FRESH}\n")
    assert result.exit_code == 0, result.output
    record = Vault.open(vault.path, VaultKey.from_text(KEY)).get("qwen", "ended")
    assert record
    assert record.material["token"] == FRESH


@pytest.mark.processes
def test_a_gateway_prunes_where_it_shall(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    nobody = f"http://127.0.0.1:{free_port()}"
    accounts = [{"name": "a"}, {"name": "b"}]
    providers = {"qwen": {"type": "qwen", "base_url": nobody, "auth_url": nobody, "accounts": accounts}}
    gateway = Gateway(tmp_path, providers=providers, sessions={"prune_expired": True})
    gateway.vault.put("qwen", "a", {"token": ENDED})
    gateway.vault.put("qwen", "b", {"token": FRESH})
    with gateway:
        until(lambda: "qwen/a was removed from the vault: it has ended" in gateway.log)
        assert gateway.vault.get("qwen", "a") is None
        assert gateway.vault.get("qwen", "b") is not None
