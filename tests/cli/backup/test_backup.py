"""`glassgate backup`: what is in it, what is not, and that a ledger in use is copied as a whole."""

import sqlite3
import stat
import tarfile
from pathlib import Path

import pytest

from tests.cli.conftest import SECRET, Run


@pytest.fixture
def ledger(made: Path) -> sqlite3.Connection:
    """A ledger that somebody writes to."""
    database = sqlite3.connect(made.with_name("usage.db"))
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE requests (id)")
    database.execute("INSERT INTO requests VALUES (1)")
    database.commit()
    return database


def test_all_that_cannot_be_made_anew_is_in_one_private_file(
    run: Run, made: Path, ledger: sqlite3.Connection, tmp_path: Path
) -> None:
    made.with_name("accounts.json").write_text("{}")
    made.with_name("keys.json").write_text("{}")
    (tmp_path / ".env").write_text("A=secret-of-env\n")
    ledger.execute("INSERT INTO requests VALUES (2)")  # not committed
    result = run("backup", str(tmp_path / "b"))
    assert result.exit_code == 0, result.output
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o600
    with tarfile.open(tmp_path / "b") as tar:
        assert tar.getnames()[1:] == ["config.yaml", "vault.json", "keys.json", "accounts.json", "usage.db"]
        tar.extract("usage.db", tmp_path / "out", filter="data")
    ledger.rollback()
    copied = sqlite3.connect(tmp_path / "out" / "usage.db")
    assert copied.execute("SELECT id FROM requests").fetchall() == [(1,)]
    copied.close()
    ledger.close()
    assert "not in it: .env (--with-env)" in result.stdout
    data = (tmp_path / "b").read_bytes()
    assert SECRET.encode() not in data
    assert b"secret-of-env" not in data
    assert '"action": "backup"' in made.with_name("audit.jsonl").read_text()


def test_the_environment_comes_along_when_that_is_wanted(run: Run, made: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=secret-of-env\n")
    result = run("backup", "--with-env", str(tmp_path / "b"))
    assert "who can read it can open the vault" in result.stdout
    assert b"secret-of-env" in (tmp_path / "b").read_bytes()


def test_what_is_left_out_is_said(run: Run, house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_TOKEN", SECRET)
    (house / "keys.txt").write_text("sk-one-0123456789abcdef\n")
    with (house / "config.yaml").open("a") as file:
        file.write("usage: {url: 'postgresql://ledger.example/x'}\nauth: {tokens_file: keys.txt}\n")
    said = run("backup", str(house / "b")).stdout
    assert "not in it: the ledger, which is in PostgreSQL" in said
    assert "not in it: auth.tokens_file, keys.txt" in said


def test_a_vault_that_does_not_open_is_no_backup(run: Run, made: Path, tmp_path: Path) -> None:
    result = run("backup", str(tmp_path / "b"), key="22" * 32)
    assert (result.exit_code, "does not open this vault" in result.stderr) == (1, True)
    (tmp_path / "there").touch()
    assert "already" in run("backup", str(tmp_path / "there")).stderr
    assert "cannot be written" in run("backup", str(tmp_path / "no" / "folder")).stderr
    made.with_name("usage.db").write_bytes(b"no database" * 100)
    assert "usage.db cannot be copied" in run("backup", str(tmp_path / "b")).stderr
    assert not (tmp_path / "b").exists()
