"""`glassgate restore FILE`: everything is checked before anything is replaced."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import click

from addons.accounts.report import moment_text
from addons.app import address_file
from addons.app.configured_vault import rollback_guard, vault_key
from addons.app.hardening import harden
from addons.app.port import is_gateway
from addons.cli.backup.archive import ACCOUNTS, CONFIG, ENV, KEYS, USAGE, VAULT, ArchiveProblem, Manifest, read_archive
from addons.cli.backup.places import Places, ledger_problem
from addons.cli.base import CliContext, Problem, out
from addons.cli.setup.files import place_of
from addons.config.configuration import Config
from addons.config.loader import ConfigError, load_config
from addons.keys import managed
from addons.keys.managed import KeysProblem
from addons.keys.store import KeyStore
from addons.vault import prompt as terminal
from addons.vault.audit import try_note
from addons.vault.errors import VaultError, VaultLocked
from addons.vault.keys import VaultKey
from addons.vault.permissions import make_folder, read_private
from addons.vault.replacing import replace_file
from addons.vault.small_files import LIMIT_BYTES
from addons.vault.store import Vault
from addons.words.commands import command

_OF_NO_CONCERN = frozenset({"auth", "providers"})


@dataclass(frozen=True, slots=True)
class _Checked:
    """A backup that was found to be whole, and where its files go."""

    manifest: Manifest
    small: dict[str, bytes]
    places: Places
    config: Config
    vault: Vault | None


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask before files are replaced.")
@click.option("--anywhere", is_flag=True, help="Also where its configuration names a folder that is not beside it.")
@click.pass_obj
def restore(cli: CliContext, file: Path, yes: bool, anywhere: bool) -> None:
    """Put back what `glassgate backup` has written: in the place of --config, or of the usual configuration.

    The vault is opened with its key first (SESSION_ENCRYPTION_KEY, of .env or the environment). Refused while a gateway
    runs there.
    """
    harden()  # before the first secret is read
    target = place_of(cli).config
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".glassgate-restore-", dir=target.parent) as name:
        folder = Path(name)
        with _problems(file):
            checked = _checked(file, folder, target, anywhere=anywhere)
        _check_nobody_serves(checked)
        out(f"{file}: made {moment_text(checked.manifest.made, time.time())} by Glassgate {checked.manifest.version}")
        _may_replace(checked, yes=yes)
        with _problems(file):
            _put_back(checked, folder)
    said = try_note(checked.places.vault.parent, "restore", {"file": file.name})
    out(*([f"glassgate: {said}"] if said else []), err=True)
    out(f"put back; {command('doctor')} says how it is")


@contextmanager
def _problems(file: Path) -> Iterator[None]:
    try:
        yield
    except ArchiveProblem as e:
        raise Problem(f"{file}: {e}; nothing was changed") from None
    except ConfigError as e:
        raise Problem(f"{file}: its configuration is not right; nothing was changed", *e.problems) from None
    except VaultError as e:
        raise Problem(f"{file}: {e}") from None
    except OSError as e:
        raise Problem(f"{e.filename or file}: {e.strerror or e}") from None


def _checked(file: Path, folder: Path, target: Path, *, anywhere: bool) -> _Checked:
    """Raises ArchiveProblem, ConfigError, VaultError, OSError."""

    def ledger(name: str) -> IO[bytes]:
        return (folder / name).open("xb")

    manifest, small = read_archive(file, ledger)
    if CONFIG not in small:
        raise ArchiveProblem("it has no configuration")
    for name in (KEYS, ACCOUNTS):
        _check_json(name, small.get(name, b"{}"))
    if USAGE in manifest.sums and (problem := ledger_problem(folder / USAGE)):
        raise ArchiveProblem(f"its ledger cannot be used: {problem}")
    (folder / CONFIG).write_bytes(small[CONFIG])
    env = target.with_name(ENV).read_bytes() if ENV not in small and target.with_name(ENV).exists() else small.get(ENV)
    if env is not None:
        (folder / ENV).write_bytes(env)
    config = replace(load_config(folder / CONFIG, without=_OF_NO_CONCERN), file=target.absolute())
    places = Places.of(target.absolute(), config.sections.vault)
    _check_place(places, anywhere=anywhere)
    vault = None
    if VAULT in small:
        (folder / VAULT).write_bytes(small[VAULT])
        vault = Vault.open(folder / VAULT, _key_of(config))
    return _Checked(manifest, small, places, config, vault)


def _key_of(config: Config) -> VaultKey:
    """Raises VaultError, which says where the key is looked for: on another machine nobody has put it there yet."""
    try:
        return vault_key(config, terminal.prompt(), made=True)
    except VaultLocked as e:
        if config.sections.vault.key_source != "env":
            raise
        raise VaultLocked(f"{e} ({config.file.with_name(ENV)}). Nothing was changed") from None


def _check_json(name: str, data: bytes) -> None:
    """Raises ArchiveProblem."""
    try:
        if isinstance(json.loads(data), dict):
            return
    except (ValueError, RecursionError):
        pass
    raise ArchiveProblem(f"{name} in it cannot be read")


def _check_place(places: Places, *, anywhere: bool) -> None:
    """Raises ArchiveProblem: a backup of somebody else's may name any folder."""
    own = Path(os.path.realpath(places.config.parent))
    vault = Path(os.path.realpath(places.vault))
    if not (anywhere or vault.is_relative_to(own)):
        raise ArchiveProblem(f"its configuration puts the vault into {vault.parent}; --anywhere allows that")


def _check_nobody_serves(checked: _Checked) -> None:
    """Raises Problem: a gateway that runs would write over what is put back."""
    url = address_file.found_in(checked.places.vault.parent)
    if url is not None and is_gateway(url):
        raise Problem(f"a gateway runs there ({url}); end it first. Nothing was changed")


def _may_replace(checked: _Checked, *, yes: bool) -> None:
    """Raises Problem where the person does not want it."""
    names = list(checked.manifest.sums)
    there = [name for name in names if os.path.lexists(checked.places.file(name))]
    for name in names:
        out(f"{'replaces' if name in there else 'makes'} {checked.places.file(name)}")
    if there and not yes and not (terminal.can_ask() and click.confirm("Replace them?")):
        raise Problem("nothing was changed; --yes replaces what is there")


def _put_back(checked: _Checked, folder: Path) -> None:
    """Raises VaultError, OSError."""
    places = checked.places
    make_folder(places.vault.parent)
    if USAGE in checked.manifest.sums:
        ledger = places.file(USAGE)
        staged = ledger.with_name(f".{ledger.name}.{folder.name[-8:]}.tmp")
        shutil.copyfile(folder / USAGE, staged)
        for beside in ("-wal", "-shm"):  # of the ledger that goes
            with suppress(FileNotFoundError):
                ledger.with_name(ledger.name + beside).unlink()
        os.replace(staged, ledger)
    for name in (KEYS, ACCOUNTS, VAULT, ENV, CONFIG):
        if name in checked.small:
            replace_file(Path(os.path.realpath(places.file(name))), checked.small[name])
    _put_aside(checked)
    guard = rollback_guard(checked.config)
    if checked.vault is not None and guard is not None:
        facts = checked.vault.facts()
        guard.accept(checked.vault.id, facts.generation)
        out(f"the vault's generation {facts.generation} counts as the newest from now on")


def _put_aside(checked: _Checked) -> None:
    """Puts aside managed keys that were made behind the backup: a vault from before them knows none of their hashes,
    and their file would be taken for a damaged one. Raises VaultError, OSError."""
    keys = checked.places.file(KEYS)
    if checked.vault is None or KEYS in checked.small or not keys.exists():
        return
    try:
        managed.read(read_private(keys, LIMIT_BYTES), checked.vault.id, KeyStore(checked.vault).secret())
    except KeysProblem:
        aside = keys.with_name(f"{KEYS}.{int(time.time())}.old")
        os.replace(keys, aside)
        out(f"managed keys that the vault of the backup does not know were put aside: {aside}")
