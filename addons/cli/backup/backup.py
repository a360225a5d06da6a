"""`glassgate backup FILE`: what a gateway cannot make anew, taken while it runs or not."""

import sqlite3
import tempfile
import time
from pathlib import Path

import click

from addons.app.configured_vault import vault_path
from addons.cli.backup.archive import ACCOUNTS, CONFIG, ENV, KEYS, USAGE, VAULT, ArchiveProblem, write_archive
from addons.cli.backup.places import Places, copied_ledger
from addons.cli.base import CliContext, Problem, out
from addons.config.configuration import Config
from addons.config.version import version
from addons.vault.audit import try_note
from addons.vault.errors import VaultError, VaultMissing


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--with-env", is_flag=True, help="The .env file too: who has the backup can then open the vault.")
@click.pass_obj
def backup(cli: CliContext, file: Path, with_env: bool) -> None:
    """Write the vault, keys, states of accounts, ledger and configuration into FILE (0600), as they are now.

    The vault is checked first. It stays encrypted in FILE, and keys of clients are hashes; the configuration and the
    ledger can be read. Never over a file that is there.
    """
    cli = cli.needing(without={"auth", "providers"})
    config = cli.config()
    _check_vault(cli)
    places = Places(config.file, vault_path(config))
    with tempfile.TemporaryDirectory(prefix="glassgate-backup-") as folder:
        files = _files(places, Path(folder), with_env=with_env)
        try:
            manifest = write_archive(file, files, version(), int(time.time()))
        except ArchiveProblem as e:
            raise Problem(str(e)) from None
        except OSError as e:
            raise Problem(f"{file} cannot be written: {e.strerror or e}") from None
    for name, (size, _) in manifest.sums.items():
        out(f"{places.file(name)} ({size} bytes)")
    out(f"written to {file}", *_warnings(config, _tokens_file(cli), with_env=ENV in files))
    if said := try_note(places.vault.parent, "backup", {"file": file.name, "with_env": str(with_env).lower()}):
        out(f"glassgate: {said}", err=True)


def _check_vault(cli: CliContext) -> None:
    """Raises Problem: a vault that does not open here would not open where it is restored."""
    try:
        cli.open_vault()
    except VaultMissing:
        return
    except VaultError as e:
        raise Problem(str(e)) from None


def _files(places: Places, folder: Path, *, with_env: bool) -> dict[str, Path]:
    """What there is, by its name in the backup. Raises Problem."""
    names = [CONFIG, *([ENV] if with_env else []), VAULT, KEYS, ACCOUNTS]
    found = {name: places.file(name) for name in names if places.file(name).is_file()}
    if places.file(USAGE).is_file():
        try:
            copied_ledger(places.file(USAGE), folder / USAGE)
        except sqlite3.Error as e:
            raise Problem(f"{places.file(USAGE)} cannot be copied: {e}") from None
        found[USAGE] = folder / USAGE
    return found


def _tokens_file(cli: CliContext) -> object:
    """The file with more client keys, where that can be known."""
    try:
        config = cli.needing(without={"providers"}).config()
    except Problem:
        return None
    return config.environ.get("AUTH_TOKENS_FILE") or config.sections.auth.tokens_file


def _warnings(config: Config, tokens_file: object, *, with_env: bool) -> list[str]:
    """What is not in it, and what can be read in it."""
    said = []
    if config.sections.usage.url is not None:
        said.append("not in it: the ledger, which is in PostgreSQL (pg_dump copies it)")
    for words, file in (("vault.key_file", config.sections.vault.key_file), ("auth.tokens_file", tokens_file)):
        if file:
            said.append(f"not in it: {words}, {file}")
    if with_env:
        said.append("it holds .env: who can read it can open the vault, and use the gateway")
    else:
        said.append("not in it: .env (--with-env). Without the key in there nobody can open the vault: keep that too")
    return said
