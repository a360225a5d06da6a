"""`glassgate vault init|check|info`."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import CONFIG, KEY, OTHER, SECRET, WORDS, Run
from tests.vault.support import body_of, edited


@pytest.mark.parametrize(
    ("option", "name"), [("argon2id", "argon2id"), ("scrypt", "scrypt"), ("pbkdf2", "pbkdf2-sha256")]
)
def test_a_vault_is_made_with_the_kdf_asked_for(run: Run, house: Path, option: str, name: str) -> None:
    result = run("vault", "init", "--kdf", option, key=WORDS)
    assert result.exit_code == 0, result.output
    kdf = body_of(house / ".sessions" / "vault.json")["slots"][0]["kdf"]
    assert kdf["name"] == name
    assert kdf.get("rounds", 600_000) >= 600_000
    assert name in result.output
    assert run("vault", "check", key=WORDS).exit_code == 0


def test_a_vault_is_not_made_over_another_one(run: Run, made: Path) -> None:
    before = made.read_bytes()
    result = run("vault", "init", key=OTHER)
    assert result.exit_code == 1
    assert "already" in result.stderr
    assert made.read_bytes() == before


def test_info_tells_everything_but_secrets(run: Run, made: Path, house: Path) -> None:
    run("vault", "add-slot", "--key-stdin", given=WORDS)
    body = body_of(made)
    told = json.loads(run("vault", "info", "--json").stdout)
    assert bytes.fromhex(told["vault_id"])
    assert (told["generation"], told["term"]) == (body["generation"], 1)
    assert [(slot["kind"], slot["opened_by_this_key"]) for slot in told["slots"]] == [
        ("rawkey", True),
        ("passphrase", False),
    ]
    assert told["slots"][1]["kdf"] == {"name": "argon2id", "m_kib": 65536, "t": 3, "p": 4}
    assert [(r["provider"], r["account"], r["revision"]) for r in told["records"]] == [("official", "key1", 1)]
    assert told["rollback_guard"] == {"on": True, "folder": str(house / "state" / "glassgate")}
    text = run("vault", "info").stdout
    assert "official/key1" in text
    assert [line for line in text.splitlines() if "<- this key" in line] == [
        f"slot        {told['slots'][0]['id']}  raw key  <- this key"
    ]
    for shown in (text, json.dumps(told)):
        assert not [secret for secret in (SECRET, KEY, WORDS, body["slots"][0]["wrapped"]) if secret in shown]


def test_a_whole_vault_is_said_to_be(run: Run, made: Path) -> None:
    result = run("vault", "check", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["ok"]) == (0, True)
    assert {line["status"] for line in told["checks"]} == {"ok"}
    assert "1 session is whole" in run("vault", "check").stdout


def replaced(change: Callable[[Path], bytes]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        path.write_bytes(change(path))

    return spoil


def copied_beside(path: Path) -> None:
    path.with_name("vault.json.bak").write_bytes(path.read_bytes())


def linked(path: Path) -> None:
    path.rename(path.with_name("v"))
    path.symlink_to("v")


WRONG: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (Path.unlink, "vault init makes one"),
    "open file": (lambda path: path.chmod(0o644), "chmod 600"),
    "open folder": (lambda path: path.parent.chmod(0o755), "chmod 700"),
    "open lock": (lambda path: path.with_name("vault.json.lock").chmod(0o666), "chmod 600"),
    "cut": (replaced(lambda path: path.read_bytes()[:-9]), "damaged"),
    "empty": (replaced(lambda path: b""), "damaged"),
    "foreign": (replaced(lambda path: b'{"cookies":[]}\n'), "damaged"),
    "binary": (replaced(lambda path: b"\x89PNG\r\n"), "damaged"),
    "newer format": (replaced(lambda path: edited(path, lambda body: body.update(version=2))), "Update Glassgate"),
    "link": (linked, "not a regular file"),
    "hard link": (lambda path: os.link(path, path.with_name("v")), "hard links"),
}


@pytest.mark.parametrize(("spoil", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_the_way_out(run: Run, made: Path, spoil: Callable[[Path], Any], words: str) -> None:
    spoil(made)
    before = made.read_bytes() if made.exists() else None
    result = run("vault", "check", "--json")
    assert result.exit_code == 1
    errors = [
        f"{line['message']} {line['fix']}" for line in json.loads(result.stdout)["checks"] if line["status"] == "error"
    ]
    assert any(words in error for error in errors), errors
    for other in (("rotate-key",), ("add-slot", "--key-stdin"), ("rotate-passphrase", "--new-key-stdin")):
        refused = run("vault", *other, given=OTHER)
        assert refused.exit_code == 1, other
        assert len(refused.stderr.splitlines()) == 1
        assert "Traceback" not in refused.output
    assert (made.read_bytes() if made.exists() else None) == before


def test_all_wrong_modes_are_told_at_once(run: Run, made: Path) -> None:
    made.chmod(0o640)
    made.parent.chmod(0o750)
    checks = json.loads(run("vault", "check", "--json").stdout)["checks"]
    assert [line["check"] for line in checks if line["status"] == "error"] == ["folder", "file"]


@pytest.mark.parametrize(
    ("key", "words"), [(OTHER, "does not open"), (WORDS, "does not open"), ("short", "too short"), (None, "is not set")]
)
def test_a_wrong_key_is_told(run: Run, made: Path, key: str | None, words: str) -> None:
    for command in (("check",), ("info",), ("add-slot", "--key-stdin"), ("remove-slot", "x"), ("rotate-key",)):
        result = run("vault", *command, key=key, given="22" * 32)
        assert result.exit_code == 1
        assert words in result.output
        assert "Traceback" not in result.output


def test_copies_beside_the_vault_are_named(run: Run, made: Path) -> None:
    copied_beside(made)
    result = run("vault", "check")
    assert result.exit_code == 0
    assert "vault.json.bak is a copy of this vault" in result.stdout


# -- an older copy (attack 6) -----------------------------------------------------------------------------------------
def roll_back(run: Run, made: Path) -> bytes:
    """Puts the file of before the last write back; gives the newer one."""
    old = made.read_bytes()
    assert run("sessions", "add", "official", "key1", "--api-key-stdin", given="sk-newer-0123456789").exit_code == 0
    new = made.read_bytes()
    made.write_bytes(old)
    return new


def test_an_older_copy_is_refused_until_it_is_accepted_and_then_once(run: Run, made: Path) -> None:
    new = roll_back(run, made)
    for command in (("vault", "check"), ("vault", "info"), ("sessions", "list"), ("vault", "rotate-key")):
        refused = run(*command)
        assert refused.exit_code == 1
        assert "--accept-rollback" in refused.output
    accepted = run("vault", "check", "--accept-rollback")
    assert accepted.exit_code == 0
    assert "an older copy of the vault was accepted: generation 2 after 3" in accepted.stderr
    again = run("vault", "check")
    assert (again.exit_code, again.stderr) == (0, "")
    older = made.read_bytes()
    made.write_bytes(new)
    assert run("vault", "check").exit_code == 0
    made.write_bytes(older)
    assert run("vault", "check").exit_code == 1


def test_an_older_copy_opens_with_a_warning_where_the_guard_is_off(run: Run, made: Path, house: Path) -> None:
    roll_back(run, made)
    (house / "config.yaml").write_text(f"vault: {{rollback_guard: false}}\n{CONFIG}")
    result = run("vault", "check", "--json")
    assert result.exit_code == 0
    assert [line["check"] for line in json.loads(result.stdout)["checks"] if line["status"] == "warning"] == ["guard"]


def test_without_a_place_to_remember_the_way_out_is_told(
    run: Run, made: Path, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(house / "file"))
    result = run("vault", "check")
    assert result.exit_code == 1
    assert "vault.rollback_guard: false" in result.stdout


def test_a_state_folder_that_is_not_absolute_does_not_count(
    run: Run, made: Path, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("HOME", str(house / "home"))
    assert run("vault", "check").exit_code == 0
    assert list((house / "home" / ".local" / "state" / "glassgate").iterdir())
