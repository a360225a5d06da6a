"""`glassgate restore`: on the same machine, on another, and everything that makes it change nothing."""

import shutil
import sqlite3
import time
from pathlib import Path
from unittest.mock import patch

import pytest
from click.testing import CliRunner, Result

from addons.app import address_file
from addons.cli.backup.archive import CONFIG, KEYS, USAGE, VAULT, write_archive
from addons.cli.main import main
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.cli.conftest import CONFIG as WORDS
from tests.cli.conftest import KEY, SECRET, Run


@pytest.fixture
def backup(run: Run, made: Path, tmp_path: Path) -> Path:
    with sqlite3.connect(made.with_name("usage.db")) as database:
        database.execute("CREATE TABLE requests (id)")
    database.close()
    made.with_name("keys.json").write_text('{"keys": []}')
    assert run("backup", str(tmp_path / "b")).exit_code == 0
    return tmp_path / "b"


def elsewhere(tmp_path: Path, *words: str, key: str = KEY, given: str | None = None) -> Result:
    """On a machine where nothing is yet."""
    environ = {"SESSION_ENCRYPTION_KEY": key, "XDG_STATE_HOME": str(tmp_path / "other state")}
    config = tmp_path / "other machine" / "config.yaml"
    return CliRunner().invoke(main, ["--config", str(config), "restore", *words], env=environ, input=given)


def state(folder: Path) -> dict[str, bytes]:
    found = {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    return {name: data for name, data in found.items() if not name.endswith((".lock", "audit.jsonl"))}


def test_another_machine_has_it_all(backup: Path, tmp_path: Path) -> None:
    result = elsewhere(tmp_path, str(backup))
    assert result.exit_code == 0, result.output
    folder = tmp_path / "other machine"
    vault = Vault.open(folder / ".sessions/vault.json", VaultKey.from_text(KEY))
    assert vault.get("official", "key1").material["api_key"] == SECRET  # type: ignore[union-attr]
    assert (folder / "config.yaml").read_text() == WORDS
    assert set(state(folder / ".sessions")) == {"vault.json", "keys.json", "usage.db"}
    assert not list(folder.glob(".glassgate-restore-*"))
    assert "generation" in result.stdout
    assert '"action": "restore"' in (folder / ".sessions/audit.jsonl").read_text()


def test_without_its_key_the_right_one_is_asked_for_and_where(backup: Path, tmp_path: Path) -> None:
    """A backup has no .env unless that was wanted; a key made anew would open nothing, and hide what is amiss."""
    result = elsewhere(tmp_path, str(backup), key="")
    assert result.exit_code == 1
    assert "put the key that the vault was made with back into .env" in result.stderr
    assert str(tmp_path / "other machine" / ".env") in result.stderr
    assert "keygen" not in result.stderr
    assert state(tmp_path / "other machine") == {}


def test_an_older_vault_is_the_newest_again_on_the_same_machine(run: Run, backup: Path, made: Path) -> None:
    """The rollback guard knows that a person has decided it."""
    assert run("sessions", "add", "official", "key1", "--api-key-stdin", given="sk-newer-0123456789").exit_code == 0
    made.with_name("usage.db-wal").write_bytes(b"of the ledger that goes")
    refused = run("restore", str(backup))
    assert (refused.exit_code, "--yes replaces what is there" in refused.stderr) == (1, True)
    result = run("restore", str(backup), "--yes")
    assert result.exit_code == 0, result.output
    assert f"replaces {made}" in result.stdout
    assert not made.with_name("usage.db-wal").exists()
    assert run("vault", "check").exit_code == 0


def test_keys_that_its_vault_does_not_know_are_put_aside(run: Run, made: Path, tmp_path: Path) -> None:
    """They stayed, and their file was called damaged from then on: no key could be made."""
    backup = tmp_path / "of before"
    assert run("backup", str(backup)).exit_code == 0
    assert run("keys", "add", "ada").exit_code == 0
    result = run("restore", str(backup), "--yes")
    assert result.exit_code == 0, result.output
    assert "managed keys that the vault of the backup does not know were put aside" in result.stdout
    assert len(list(made.parent.glob("keys.json.*.old"))) == 1
    assert run("keys", "add", "bob").exit_code == 0


def test_keys_that_its_vault_knows_stay(run: Run, made: Path, tmp_path: Path) -> None:
    run("keys", "add", "ada")
    (tmp_path / "keys.json").write_bytes(made.with_name("keys.json").read_bytes())
    made.with_name("keys.json").unlink()
    backup = tmp_path / "without keys"
    assert run("backup", str(backup)).exit_code == 0
    made.with_name("keys.json").write_bytes((tmp_path / "keys.json").read_bytes())
    made.with_name("keys.json").chmod(0o600)
    assert "put aside" not in run("restore", str(backup), "--yes").stdout
    assert "ada" in run("keys", "list").stdout


def test_nothing_is_replaced_while_a_gateway_runs(run: Run, backup: Path, made: Path) -> None:
    address_file.leave(made.parent, made, "http://127.0.0.1:9")
    before = state(made.parent)
    with patch("addons.cli.backup.restore.is_gateway", lambda url: True):
        result = run("restore", str(backup), "--yes")
    assert (result.exit_code, "a gateway runs there (http://127.0.0.1:9)" in result.stderr) == (1, True)
    assert state(made.parent) == before
    assert run("restore", str(backup), "--yes").exit_code == 0, "one that was killed has left the file"


@pytest.mark.parametrize("fault", ["key", "cut", "keys", "ledger", "place", "config", "none"])
def test_what_cannot_be_used_changes_nothing(run: Run, backup: Path, made: Path, tmp_path: Path, fault: str) -> None:
    parts = {CONFIG: tmp_path / "config.yaml", VAULT: made, KEYS: tmp_path / "keys", USAGE: made.with_name("usage.db")}
    parts[KEYS].write_text("{}")
    odd = tmp_path / "odd"
    match fault:
        case "cut":
            odd.write_bytes(backup.read_bytes()[:-2048])
        case "key":
            shutil.copy(backup, odd)
        case _:
            wrong = tmp_path / "wrong"
            words = {"keys": "[" * 100_000, "ledger": "no database" * 99, "config": "listen: {port: x}", "none": ""}
            wrong.write_text(words.get(fault, WORDS + "vault: {path: /elsewhere/vault.json}\n"))
            name = {"keys": KEYS, "ledger": USAGE}.get(fault, CONFIG)
            parts[name] = wrong
            if fault == "none":
                del parts[CONFIG]
            write_archive(odd, parts, "x", int(time.time()))
    before = state(made.parent)
    result = elsewhere(tmp_path, str(odd), "--yes", key="22" * 32 if fault == "key" else KEY)
    assert result.exit_code == 1, result.output
    assert state(tmp_path / "other machine") == {}
    assert state(made.parent) == before
    said = {
        "key": "does not open this vault",
        "cut": "its end is missing",
        "keys": "keys.json in it cannot be read",
        "ledger": "its ledger cannot be used",
        "place": "--anywhere allows that",
        "config": "its configuration is not right",
        "none": "it has no configuration",
    }
    assert said[fault] in result.stderr
