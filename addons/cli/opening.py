"""Opening the vault for the commands of `glassgate vault`, each of which ends in one clear line."""

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from addons.app.configured_vault import vault_path
from addons.cli.base import CliContext, Problem, out
from addons.config.configuration import Config
from addons.vault.errors import VaultError
from addons.vault.kdf import DEFAULT_KDF
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from addons.words.commands import command

_NOT_OF_THE_VAULT: Final = frozenset({"auth", "providers"})
_KDFS: Final = {"argon2id": "argon2id", "scrypt": "scrypt", "pbkdf2": "pbkdf2-sha256"}

_accept_rollback = click.option(
    "--accept-rollback", is_flag=True, help="Take an older copy of the vault as the valid one, once."
)
_allow_weak_kdf = click.option(
    "--allow-weak-kdf", is_flag=True, help="Open a vault whose passphrase is cheap to guess."
)
kdf_option = click.option(
    "--kdf",
    type=click.Choice(list(_KDFS)),
    default=DEFAULT_KDF,
    show_default=True,
    callback=lambda _context, _option, value: _KDFS[value],
    help="How a passphrase becomes a key; a raw key needs none.",
)


@dataclass(frozen=True, slots=True)
class Opening:
    """The options with which a command opens the vault."""

    cli: CliContext
    accept_rollback: bool
    allow_weak_kdf: bool

    @property
    def config(self) -> Config:
        return self.cli.config()

    @property
    def path(self) -> Path:
        return vault_path(self.config)

    def permit(self, key: VaultKey) -> VaultKey:
        """The key, with the leave that the person gave to this command."""
        key.allow_weak = self.allow_weak_kdf
        return key

    def vault(self) -> Vault:
        """Raises VaultError."""
        return self.cli.open_vault(accept_rollback=self.accept_rollback, allow_weak_kdf=self.allow_weak_kdf)


def vault_command(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command its Opening, and its problems their one line."""

    def inner(cli: CliContext, /, accept_rollback: bool, allow_weak_kdf: bool, **rest: Any) -> None:
        opening = Opening(cli.needing(without=_NOT_OF_THE_VAULT), accept_rollback, allow_weak_kdf)
        with _warnings_shown(), _errors_in_one_line(opening):
            command(opening, **rest)

    functools.update_wrapper(inner, command)
    return _accept_rollback(_allow_weak_kdf(click.pass_obj(inner)))


@contextmanager
def _errors_in_one_line(opening: Opening) -> Iterator[None]:
    before = _state(opening.path)
    try:
        yield
    except VaultError as e:
        raise Problem(str(e)) from None
    except (KeyboardInterrupt, click.Abort):
        if _state(opening.path) == before:
            raise Problem("stopped; the vault is as it was") from None
        raise Problem(f"stopped after the vault had been changed; see: {command('vault', 'info')}") from None


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns


class _Echo(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        out(f"glassgate: {record.getMessage()}", err=True)


@contextmanager
def _warnings_shown() -> Iterator[None]:
    """Warnings of the vault (an older copy was accepted …) are shown."""
    logger, handler = logging.getLogger("glassgate"), _Echo(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
