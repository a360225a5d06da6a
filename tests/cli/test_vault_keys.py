"""`glassgate vault rotate-passphrase|rotate-key|add-slot|remove-slot`."""

import json
from pathlib import Path
from typing import Any

import pytest

from addons.vault import kdf as vault_kdf
from addons.vault.errors import VaultRefused
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.cli.conftest import CONFIG, KEY, OTHER, SECRET, WORDS, Run
from tests.vault.support import body_of, edited


def slots(run: Run, key: str = KEY) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(run("vault", "info", "--json", key=key).stdout)["slots"]
    return told


def opens(run: Run, key: str) -> bool:
    return run("vault", "check", key=key).exit_code == 0


def test_another_passphrase_leaves_the_records_and_no_backup(run: Run, made: Path) -> None:
    """Attack 20."""
    names = ["vault.json.bak", "vault.json.bak.1", "vault.bak2"]
    for name in [*names, "vault-2025.json"]:
        made.with_name(name).write_bytes(made.read_bytes())
    made.with_name("notes.bak").write_text("not a vault")
    before = body_of(made)
    result = run("vault", "rotate-passphrase", "--new-key-stdin", given=WORDS + "\n")
    assert result.exit_code == 0, result.output
    assert body_of(made)["records"] == before["records"]
    assert opens(run, WORDS)
    assert not opens(run, KEY)
    assert "SESSION_ENCRYPTION_KEY" in result.stdout
    assert WORDS not in result.output
    assert not [name for name in names if made.with_name(name).exists()]
    assert "vault-2025.json is a copy" in result.stderr
    assert made.with_name("vault-2025.json").exists()
    assert made.with_name("notes.bak").exists()


def test_the_dotenv_that_holds_the_key_is_named(run: Run, made: Path, house: Path) -> None:
    (house / ".env").write_text(f"SESSION_ENCRYPTION_KEY={KEY}\n")
    result = run("vault", "rotate-passphrase", "--new-key-stdin", given=OTHER, key=None)
    assert result.exit_code == 0, result.output
    assert f"in {house / '.env'}" in result.stdout


@pytest.fixture
def key_file(made: Path, house: Path) -> Path:
    file = house / "vault.key"
    file.touch(0o600)
    file.write_text(KEY + "\n")
    (house / "config.yaml").write_text(f"vault: {{key_source: file, key_file: vault.key}}\n{CONFIG}")
    return file


def test_the_key_file_is_rewritten_when_asked_for(run: Run, key_file: Path, made: Path) -> None:
    result = run("vault", "rotate-passphrase", "--new-key-stdin", "--write-key-file", given=WORDS, key=None)
    assert result.exit_code == 0, result.output
    assert key_file.read_text() == WORDS + "\n"
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert run("vault", "check", key=None).exit_code == 0
    assert len(body_of(made)["slots"]) == 1
    key_file.write_text(KEY)
    assert run("vault", "check", key=None).exit_code == 1


def test_the_key_file_is_named_when_it_is_not_rewritten(run: Run, key_file: Path, house: Path) -> None:
    (house / "next.key").touch(0o600)
    (house / "next.key").write_text(OTHER)
    result = run("vault", "rotate-passphrase", "--new-key-file", str(house / "next.key"), key=None)
    assert result.exit_code == 0, result.output
    assert f"set vault.key_file to {house / 'next.key'}" in result.stdout
    assert key_file.read_text() == KEY + "\n"
    again = run("vault", "rotate-passphrase", "--new-key-stdin", key=None, given=WORDS)
    assert again.exit_code == 1, "the key file still holds the old key"


def test_a_key_file_that_cannot_be_written_leaves_the_old_key_in_force(
    run: Run, key_file: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise VaultRefused("full")

    monkeypatch.setattr("addons.cli.vault_keys.replace_file", full)
    result = run("vault", "rotate-passphrase", "--new-key-stdin", "--write-key-file", given=WORDS, key=None)
    assert result.exit_code == 1
    assert "the old key is still in force" in result.stderr
    assert key_file.read_text() == KEY + "\n"
    assert run("vault", "check", key=None).exit_code == 0
    assert [slot["kind"] for slot in body_of(made)["slots"]] == ["rawkey"]


def test_writing_a_key_file_wants_that_key_source(run: Run, made: Path) -> None:
    assert run("vault", "rotate-passphrase", "--new-key-stdin", "--write-key-file", given=WORDS).exit_code == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "empty"),
        ("\n", "empty"),
        ("too short\n", "too short"),
        (b"\xff\xfe\xfd no text at all\n", "not UTF-8"),
        (KEY, "already"),
    ],
    ids=["nothing", "line", "short", "binary", "the same"],
)
def test_new_keys_that_are_none_change_nothing(run: Run, made: Path, given: Any, words: str) -> None:
    before = made.read_bytes()
    for command in (("rotate-passphrase", "--new-key-stdin"), ("add-slot", "--key-stdin")):
        result = run("vault", *command, given=given)
        assert result.exit_code == 1
        assert words in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert made.read_bytes() == before


def test_without_a_terminal_the_options_are_named(run: Run, made: Path) -> None:
    before = made.read_bytes()
    assert "--new-key-stdin or --new-key-file" in run("vault", "rotate-passphrase").stderr
    assert "--key-stdin or --key-file" in run("vault", "add-slot").stderr
    assert run("vault", "add-slot", "--key-stdin", "--key-file", "x", given=WORDS).exit_code == 2
    assert made.read_bytes() == before


@pytest.mark.parametrize("kdf", ["argon2id", "scrypt", "pbkdf2"])
def test_a_second_key_is_added_and_removed(run: Run, made: Path, kdf: str) -> None:
    added = run("vault", "add-slot", "--key-stdin", "--kdf", kdf, given=WORDS)
    assert added.exit_code == 0, added.output
    first, second = slots(run)
    assert second["id"] in added.stdout
    assert second["kdf"]["name"].startswith(kdf)
    assert opens(run, WORDS)
    assert run("vault", "remove-slot", first["id"]).exit_code == 1, "the one in use"
    assert run("vault", "remove-slot", second["id"]).exit_code == 0
    assert not opens(run, WORDS)
    assert run("vault", "remove-slot", first["id"]).exit_code == 1, "the last one"
    assert "no key slot" in run("vault", "remove-slot", "none").stderr
    assert opens(run, KEY)


def test_a_new_data_key_wants_all_keys_and_changes_everything(run: Run, made: Path) -> None:
    for key in (WORDS, OTHER):
        run("vault", "add-slot", "--key-stdin", given=key)
    before = body_of(made)
    refused = run("vault", "rotate-key", "--other-key-stdin", given=WORDS)
    assert refused.exit_code == 1
    assert before["slots"][2]["id"] in refused.stderr
    assert body_of(made) == before
    result = run("vault", "rotate-key", "--other-key-stdin", given=f"{OTHER}\n\n{WORDS}\n")
    assert result.exit_code == 0, result.output
    after = body_of(made)
    assert not set(after["records"]) & set(before["records"])
    assert [record["term"] for record in after["records"].values()] == [2]
    assert opens(run, KEY)
    assert opens(run, WORDS)
    assert opens(run, OTHER)
    assert SECRET not in result.output


# -- cheap key derivation (attack 9) ----------------------------------------------------------------------------------
@pytest.fixture(params=["argon2id", "scrypt", "pbkdf2-sha256"])
def weak(request: pytest.FixtureRequest, made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The vault with a second key, WORDS, that is cheap to guess."""
    cheap = {"argon2id": {"m_kib": 8192, "t": 1, "p": 1}, "scrypt": {"n": 2**14, "r": 8, "p": 1}}
    key, second = VaultKey.from_text(KEY), VaultKey.from_text(WORDS)
    key.allow_weak = second.allow_weak = True
    with monkeypatch.context() as patch:
        patch.setattr(vault_kdf, "_FRESH", {**cheap, "pbkdf2-sha256": {"rounds": 100_000}})
        Vault.open(made, key).add_key(second, kdf=request.param)
    return made


def test_a_cheap_key_derivation_is_refused_without_leave(run: Run, weak: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = weak.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("addons.vault.keys.derive", lambda *_: pytest.fail("the KDF ran"))
        for key in (WORDS, KEY):
            for command in ("check", "info"):
                refused = run("vault", command, key=key)
                assert refused.exit_code == 1
                assert "--allow-weak-kdf" in refused.output
            assert run("sessions", "list", key=key).exit_code == 1
    assert weak.read_bytes() == before


def test_a_cheap_key_derivation_is_replaced_with_leave(run: Run, weak: Path) -> None:
    told = run("vault", "check", "--allow-weak-kdf", key=WORDS)
    assert told.exit_code == 0, told.output
    assert "cheap to guess" in told.stdout
    result = run("vault", "rotate-passphrase", "--allow-weak-kdf", "--new-key-stdin", key=WORDS, given=OTHER)
    assert result.exit_code == 0, result.output
    assert opens(run, OTHER)
    assert opens(run, KEY)


def test_a_cheap_slot_of_somebody_else_can_be_removed_with_leave(run: Run, weak: Path) -> None:
    slot_id = body_of(weak)["slots"][1]["id"]
    assert run("vault", "remove-slot", slot_id).exit_code == 1
    assert run("vault", "remove-slot", "--allow-weak-kdf", slot_id).exit_code == 0
    assert opens(run, KEY)


def test_a_bomb_is_refused_with_leave_too(run: Run, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("vault", "add-slot", "--key-stdin", given=WORDS)
    made.write_bytes(edited(made, lambda body: body["slots"][1]["kdf"].update(m_kib=2**31)))
    monkeypatch.setattr("addons.vault.keys.derive", lambda *_: pytest.fail("the KDF ran"))
    assert run("vault", "check", "--allow-weak-kdf", key=WORDS).exit_code == 1
