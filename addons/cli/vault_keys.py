"""`glassgate vault` on the keys that open it: another one, more, fewer, and new data keys."""

import secrets
from pathlib import Path

import click
from dotenv import dotenv_values

from addons.app.configured_vault import rollback_guard
from addons.cli.base import note_done, out
from addons.cli.new_key import NewKey, read_lines, read_new_key
from addons.cli.opening import Opening, kdf_option, vault_command
from addons.config.configuration import Config
from addons.vault import prompt as terminal
from addons.vault.copies import find_copies, remove_backups
from addons.vault.durable import replace_file
from addons.vault.encoding import b64
from addons.vault.errors import VaultError, VaultLocked
from addons.vault.facts import Facts
from addons.vault.keys import ENV_NAME, VaultKey
from addons.vault.permissions import read_private
from addons.vault.store import Vault

_a_file = click.Path(dir_okay=False, path_type=Path)


@click.command("rotate-passphrase")
@click.option("--new-key-stdin", is_flag=True, help="Read the new key or passphrase from stdin (one line).")
@click.option("--new-key-file", type=_a_file, help="Read it from this file (mode 0600).")
@click.option("--write-key-file", is_flag=True, help="With vault.key_source: file, write it into vault.key_file.")
@kdf_option
@vault_command
def rotate_passphrase(
    opening: Opening, new_key_stdin: bool, new_key_file: Path | None, write_key_file: bool, kdf: str
) -> None:
    """Another key or passphrase in the place of the one in use. No session is touched."""
    settings = opening.config.sections.vault
    if write_key_file and settings.key_source != "file":
        raise click.UsageError("--write-key-file needs vault.key_source: file")
    vault = opening.vault()
    new = read_new_key(new_key_stdin, new_key_file, "--new-key")
    opening.permit(new.key)
    if write_key_file:
        assert settings.key_file is not None  # config.yaml is refused without
        vault = _change_with_file(opening, vault, new, opening.config.path(settings.key_file), kdf)
        out(f"the vault opens with the new key, which {opening.config.path(settings.key_file)} holds now")
    else:
        vault.change_key(new.key, kdf=kdf)
        out("the vault opens with the new key", where_to_set(opening.config, new_key_file))
    note_done(vault.path.parent, "vault rotate-passphrase")
    out("a gateway that is running must be started anew")
    _drop_copies(vault.path, vault.facts())


@click.command("rotate-key")
@click.option("--other-key-stdin", is_flag=True, help="Read the keys of the other slots from stdin, one a line.")
@vault_command
def rotate_key(opening: Opening, other_key_stdin: bool) -> None:
    """A new data key: everything is encrypted anew. Needs the key of every slot."""
    vault = opening.vault()
    others = [slot.id for slot in vault.facts().slots if not slot.opened_by_this_key]
    if other_key_stdin:
        texts = read_lines()
    elif others and terminal.can_ask():
        texts = [terminal.ask_secret(f"Key of slot {slot_id}") for slot_id in others]
    else:
        texts = []
    vault.rotate_data_key([opening.permit(VaultKey.from_text(text)) for text in texts])
    facts = vault.facts()
    note_done(vault.path.parent, "vault rotate-key")
    out(f"every session is encrypted anew, under data key {facts.term}; {len(facts.slots)} key(s) open the vault")
    out("if the old file or a key was stolen: sign out at the sites, what was read stays read")
    _drop_copies(vault.path, facts)


@click.command("add-slot")
@click.option("--key-stdin", is_flag=True, help="Read the key or passphrase from stdin (one line).")
@click.option("--key-file", type=_a_file, help="Read it from this file (mode 0600).")
@kdf_option
@vault_command
def add_slot(opening: Opening, key_stdin: bool, key_file: Path | None, kdf: str) -> None:
    """One more key or passphrase that opens the vault."""
    vault = opening.vault()
    before = {slot.id for slot in vault.facts().slots}
    vault.add_key(read_new_key(key_stdin, key_file, "--key").key, kdf=kdf)
    added = next(slot.id for slot in vault.facts().slots if slot.id not in before)
    note_done(vault.path.parent, "vault add-slot", slot=added)
    out(f"added slot {added}")


@click.command("remove-slot")
@click.argument("slot_id", metavar="ID")
@vault_command
def remove_slot(opening: Opening, slot_id: str) -> None:
    """The key of slot ID (glassgate vault info) opens the vault no more. Never the one in use."""
    vault = opening.vault()
    vault.remove_slot(slot_id)
    note_done(vault.path.parent, "vault remove-slot", slot=slot_id)
    out(f"removed slot {slot_id}; rotate-key also shuts out who has read the data key with it")
    _drop_copies(vault.path, vault.facts())


def where_to_set(config: Config, new_key_file: Path | None = None) -> str:
    """The sentence that says what to change so that the next start finds the new key."""
    settings = config.sections.vault
    match settings.key_source:
        case "env":
            dotenv = config.file.parent / ".env"
            has_it = dotenv.is_file() and ENV_NAME in dotenv_values(dotenv)
            return f"set {ENV_NAME} to it" + (f" in {dotenv}" if has_it else " where it is set now")
        case "file":
            if new_key_file is not None:
                return f"set vault.key_file to {new_key_file}, or move that file to {settings.key_file}"
            return f"write it into {settings.key_file}, which still holds the old one (--write-key-file does it)"
        case "keyring":
            return "give it to the keyring: keyring set glassgate vault"
        case _:
            return "it is asked for from now on"


def _change_with_file(opening: Opening, vault: Vault, new: NewKey, file: Path, kdf: str) -> Vault:
    """Both keys open the vault until the file holds the new one: at no moment is there a file that opens nothing.

    Gives the vault as the new key opens it.
    """
    old_slots = vault.facts().slots
    old = next(slot.id for slot in old_slots if slot.opened_by_this_key)
    vault.add_key(new.key, kdf=kdf)
    try:
        _write_key(file, new.text.reveal())
    except VaultError:
        added = {slot.id for slot in vault.facts().slots} - {slot.id for slot in old_slots}
        vault.remove_slot(added.pop())
        raise
    changed = Vault.open(vault.path, new.key, guard=rollback_guard(opening.config))
    changed.remove_slot(old)
    return changed


def _write_key(file: Path, text: str) -> None:
    data = text.encode() + b"\n"

    def verify(read_back: bytes) -> None:
        if read_back != data:
            raise VaultError("what was written to the key file's disk comes back changed")

    read_private(file, 1)  # refuses a link and what is not private, before anything stands in its place
    try:
        replace_file(file, data, secrets.token_hex(9), sync=True, verify=verify)
    except VaultError as e:
        reason = getattr(e.__cause__, "strerror", None) or str(e)
        raise VaultLocked(f"the key file {file} cannot be written ({reason}); the old key is still in force") from e


def _drop_copies(path: Path, facts: Facts) -> None:
    """Removes backups beside the vault that the old keys still open, and names the other copies."""
    removed, left = remove_backups(find_copies(path, b64(bytes.fromhex(facts.vault_id))))
    for copy in removed:
        out(f"removed {copy}, a copy that the old keys opened")
    for copy in left:
        out(f"glassgate: {copy} is a copy that the old keys still open; remove it", err=True)
