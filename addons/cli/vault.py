"""`glassgate vault`: making, checking and describing the vault. The commands on its keys are in vault_keys.py."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import click

from addons.app.configured_vault import rollback_guard
from addons.cli.base import out, out_json
from addons.cli.checks import Finding
from addons.cli.opening import Opening, kdf_option, vault_command
from addons.cli.vault_keys import add_slot, remove_slot, rotate_key, rotate_passphrase
from addons.vault.copies import find_copies
from addons.vault.encoding import b64
from addons.vault.errors import VaultError
from addons.vault.facts import Facts, SlotFacts
from addons.vault.permissions import check_folder, check_private
from addons.words.commands import command
from addons.words.table import table


@click.group()
def vault() -> None:
    """The vault's file and the keys that open it."""


for one in (rotate_passphrase, rotate_key, add_slot, remove_slot):
    vault.add_command(one)


@vault.command()
@kdf_option
@vault_command
def init(opening: Opening, kdf: str) -> None:
    """Make an empty vault for the configured key (vault.key_source). Never over a file that is there."""
    made = opening.cli.new_vault(kdf)
    out(f"made {made.path}", f"its key: {slot_text(made.facts().slots[0])}")


@vault.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@vault_command
def check(opening: Opening, as_json: bool) -> None:
    """Open the vault and verify all of it. Exit status 0 when it is whole and private, else 1."""
    findings = list(_findings(opening))
    well = not any(finding.status == "error" for finding in findings)
    if as_json:
        out_json({"ok": well, "checks": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            fix = f"; {finding.fix}" if finding.fix else ""
            out(f"{finding.status:7}  {finding.check}: {finding.message}{fix}")
    raise SystemExit(0 if well else 1)


@vault.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@vault_command
def info(opening: Opening, as_json: bool) -> None:
    """What the vault is and holds; never a secret."""
    facts, guard = opening.vault().facts(), _guard_state(opening)
    if as_json:
        out_json({"path": str(opening.path), **asdict(facts), "rollback_guard": guard})
        return
    slots = [
        (slot.id, f"{slot_text(slot)}{'  <- this key' if slot.opened_by_this_key else ''}") for slot in facts.slots
    ]
    records = [
        (f"{record.provider}/{record.account}", f"revision {record.revision}", f"updated {_when(record.updated)}")
        for record in facts.records
    ]
    rows = [
        ("vault", str(opening.path)),
        ("id", facts.vault_id),
        ("created", _when(facts.created)),
        ("generation", f"{facts.generation}, data key {facts.term}"),
        ("guard", f"on, in {guard['folder']}" if guard["on"] else "off"),
        *(("slot", line) for line in table((), slots)),
        *(("session", line) for line in table((), records)),
    ]
    out(*table((), rows))


def slot_text(slot: SlotFacts) -> str:
    """A slot's kind and parameters."""
    if slot.kdf is None:
        return "raw key"
    parameters = " ".join(f"{name}={value}" for name, value in slot.kdf.items() if name != "name")
    return f"passphrase, {slot.kdf['name']} {parameters}{' (weak)' if slot.weak else ''}"


def _guard_state(opening: Opening) -> dict[str, Any]:
    guard = rollback_guard(opening.config)
    return {"on": guard is not None, "folder": None if guard is None else str(guard.folder)}


def _when(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _findings(opening: Opening) -> Iterator[Finding]:
    """Every wrong mode at once; then the vault itself, where the first fault hides what comes after it."""
    path = opening.path
    if not os.path.lexists(path):
        yield Finding("file", "error", f"there is no vault at {path}", f"{command('vault', 'init')} makes one")
        return
    private = [
        *_refusal("folder", lambda: check_folder(path.parent)),
        *_refusal("file", lambda: check_private(path, path.lstat())),
        *_refusal("lock", lambda: _check_lock(opening)),
    ]
    if private:
        yield from private
        return
    yield Finding("file", "ok", f"{path} is yours alone to read")
    try:
        facts = opening.vault().facts()
    except VaultError as e:
        yield Finding("vault", "error", str(e))
        return
    count = len(facts.records)
    yield Finding("vault", "ok", f"it opens, its seal fits, and {count} session{'s are' * (count != 1) or ' is'} whole")
    yield from _risks(opening, facts)


def _risks(opening: Opening, facts: Facts) -> Iterator[Finding]:
    for slot in facts.slots:
        if slot.weak:
            fix = f"{command('vault', 'rotate-passphrase', '--allow-weak-kdf')}, with that key"
            yield Finding("slots", "warning", f"slot {slot.id} is cheap to guess: {slot_text(slot)}", fix)
    if _guard_state(opening)["on"]:
        yield Finding("guard", "ok", f"no newer generation than {facts.generation} is known")
    else:
        fix = "set vault.rollback_guard: true"
        yield Finding("guard", "warning", "an older copy of the vault that is put back goes unnoticed", fix)
    for copy in find_copies(opening.path, b64(bytes.fromhex(facts.vault_id))):
        fix = "move it to where backups are kept, or remove it"
        yield Finding("copies", "warning", f"{copy} is a copy of this vault and opens with the keys of its time", fix)


def _check_lock(opening: Opening) -> None:
    lock = opening.path.with_name(opening.path.name + ".lock")
    if os.path.lexists(lock):
        check_private(lock, lock.lstat())


def _refusal(what: str, check_it: Callable[[], None]) -> Iterator[Finding]:
    try:
        check_it()
    except VaultError as e:
        yield Finding(what, "error", str(e))
    except OSError as e:
        yield Finding(what, "error", f"{e.filename} cannot be looked at: {e.strerror}")
