"""Ctrl-C, SIGKILL and a full disk in the middle of every command that writes the vault, in real processes."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from addons.vault.errors import VaultError
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.cli.conftest import KEY, OTHER, SECRET, Run
from tests.cli.faulty import EVERY
from tests.support.forked import start
from tests.vault.support import body_of

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[2]
THIRD = "22" * 32

COMMANDS: dict[str, tuple[str, ...]] = {
    "init": ("init",),
    "rotate-passphrase": ("rotate-passphrase", "--new-key-stdin"),
    "rotate-key": ("rotate-key", "--other-key-stdin"),
    "add-slot": ("add-slot", "--key-stdin"),
    "remove-slot": ("remove-slot", "SECOND"),
}
every_command = pytest.mark.parametrize("name", COMMANDS)


@pytest.fixture
def pristine(run: Run, made: Path, house: Path) -> Path:
    """A folder with a configuration and a vault of two keys, KEY and OTHER; its state folder beside the vault's."""
    assert run("vault", "add-slot", "--key-stdin", given=OTHER).exit_code == 0
    return house


def outcomes(pristine: Path, name: str, fault: str, steps: list[str]) -> list[dict[str, Any]]:
    """What each process left: its status and stderr, and which of `old` and `new` the vault is."""
    vault = pristine / ".sessions" / "vault.json"
    arguments = ["vault", *(body_of(vault)["slots"][1]["id"] if a == "SECOND" else a for a in COMMANDS[name])]
    given = OTHER if name == "rotate-key" else THIRD
    if name == "init":
        vault.unlink()
    before = vault.read_bytes() if vault.exists() else None
    case = {"arguments": arguments, "given": given, "folder": str(pristine), "fault": fault, "steps": steps}
    environ = {**os.environ, "SESSION_ENCRYPTION_KEY": KEY}
    file = pristine.with_name("case.json")
    file.write_text(json.dumps(case), encoding="utf-8")
    process = start([sys.executable, "-m", "tests.cli.faulty", str(file)], cwd=ROOT, env=environ)
    assert process.wait(100) == 0
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    for outcome in found:
        outcome["vault"] = path = Path(outcome["folder"]) / ".sessions" / "vault.json"
        outcome["is"] = "old" if (path.read_bytes() if path.exists() else None) == before else "new"
    return found


def key_of(name: str, outcome: dict[str, Any]) -> VaultKey:
    return VaultKey.from_text(THIRD if (name, outcome["is"]) == ("rotate-passphrase", "new") else KEY)


def still_works(name: str, outcome: dict[str, Any]) -> None:
    """The vault opens, holds its session, takes a write, and no rest of a killed writer is left."""
    path = outcome["vault"]
    if not path.exists():
        Vault.create(path, VaultKey.from_text(KEY), sync=False)
        return
    vault = Vault.open(path, key_of(name, outcome), sync=False)
    if name != "init":
        record = vault.get("official", "key1")
        assert record is not None
        assert record.material["api_key"] == SECRET
    vault.put("official", "key1", {"api_key": "another"})
    assert not list(path.parent.glob(".*.tmp"))


@every_command
def test_a_command_killed_at_any_call_leaves_the_old_vault_or_the_new(pristine: Path, name: str) -> None:
    """Attack 12 for every write that is not of a session."""
    found = outcomes(pristine, name, "SIGKILL", EVERY)
    assert len(found) > 20
    assert {outcome["status"] for outcome in found} == {-9}
    order = [outcome["is"] for outcome in found]
    assert order == sorted(order, reverse=True), "old up to one call, new from then on"
    assert set(order) == {"old", "new"}
    for outcome in found:
        still_works(name, outcome)


@every_command
def test_ctrl_c_at_any_call_ends_in_one_true_line(pristine: Path, name: str) -> None:
    found = outcomes(pristine, name, "SIGINT", ["open", "write", "fsync", "replace", "flock", "pwrite"])
    assert len(found) > 8
    for outcome in found:
        said = outcome["stderr"].strip()
        assert outcome["status"] == 1, said
        changed = said.startswith("glassgate: stopped after the vault had been changed; see: ")
        assert said in ("Aborted!", "glassgate: stopped; the vault is as it was") or (
            changed and said.endswith("vault info")
        )
        if "as it was" in said or said == "Aborted!":
            assert outcome["is"] == "old", "the line must be true"
        else:
            assert outcome["is"] == "new", "the line must be true"
        still_works(name, outcome)
    assert {outcome["is"] for outcome in found} == {"old", "new"}


@every_command
def test_a_full_disk_leaves_the_old_vault(pristine: Path, name: str) -> None:
    """Attack 13: at the first write, sync and rename, which are those of the vault's new file."""
    for step in ("write", "fsync", "replace"):
        outcome = outcomes(pristine, name, "ENOSPC", [step])[0]
        assert (outcome["status"], outcome["is"]) == (1, "old"), outcome
        assert outcome["stderr"].startswith("glassgate: the vault cannot be written ("), outcome
        assert len(outcome["stderr"].splitlines()) == 1
        assert not list(outcome["vault"].parent.glob(".*.tmp"))
        still_works(name, outcome)
        for folder in pristine.parent.glob(f"{pristine.name}-*"):
            folder.rename(pristine.parent / f"{step}-{folder.name}")
        if name == "init":
            (pristine / ".sessions" / "vault.json").touch(0o600)  # `outcomes` takes it away


def test_a_guard_that_cannot_remember_does_not_call_the_write_a_failure(pristine: Path) -> None:
    found = outcomes(pristine, "add-slot", "ENOSPC", ["pwrite"])
    assert [(outcome["status"], outcome["is"]) for outcome in found] == [(0, "new")]
    assert "could not remember it" in found[0]["stderr"]


def test_the_old_key_is_of_no_use_after_a_kill_that_came_too_late(pristine: Path) -> None:
    late = [o for o in outcomes(pristine, "rotate-passphrase", "SIGKILL", ["pwrite"]) if o["is"] == "new"]
    assert late
    with pytest.raises(VaultError, match="does not open"):
        Vault.open(late[0]["vault"], VaultKey.from_text(KEY))
