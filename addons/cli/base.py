"""The parts all commands share: output, the problem in one line, configuration and vault when they are needed."""

import difflib
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import click

from addons.app.configured_vault import rollback_guard, vault_key, vault_path
from addons.app.hardening import harden
from addons.config.configuration import Config, ProviderSettings
from addons.config.loader import ConfigError, load_config
from addons.vault import prompt as terminal
from addons.vault.audit import try_note
from addons.vault.errors import VaultConflict, VaultError, VaultMissing
from addons.vault.kdf import DEFAULT_KDF
from addons.vault.store import Vault
from addons.words.shown import json_line, shown

CLIENT_KEYS: Final = frozenset({"auth"})
"""The section that most commands have no need of: what is wrong there must not keep them from working."""


def out(*lines: str, err: bool = False) -> None:
    """Prints lines for the person. Each stays one line, whatever words of sites, files or clients stand in it."""
    for line in lines:
        click.echo(shown(line), err=err)


def out_json(value: Any) -> None:
    """Prints a value for a program."""
    click.echo(json_line(value, ascii_only=True))


def note_done(folder: Path, action: str, **about: str) -> None:
    """Notes in the audit log of a vault's folder what a command has done; says so where that cannot be noted."""
    if words := try_note(folder, action, about):
        out(f"glassgate: {words}", err=True)


class Problem(click.ClickException):
    """The error of a command: one line, or several that are given apart."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(shown(line) for line in lines))
        self.ctx = click.get_current_context(silent=True)
        """Of the command that failed."""

    def show(self, file: Any = None) -> None:
        click.echo(f"glassgate: {self.format_message()}", err=True)


class CliContext:
    """Configuration and vault, read when a command first needs them. `without`: sections that it does not need.

    `umask` is the person's own, for programs that a command starts; the command itself keeps its files private."""

    def __init__(
        self, file: Path, without: Collection[str] = CLIENT_KEYS, umask: int = 0o077, *, named: bool = True
    ) -> None:
        self.file = file
        self.umask = umask
        self.named = named
        """Whether the person said which file; else it is the usual one."""
        self._without = frozenset(without)
        self._config: Config | None = None

    def config(self) -> Config:
        """The configuration. Raises Problem."""
        if self._config is None:
            harden()  # before the first secret is read
            try:
                self._config = load_config(self.file, without=self._without)
            except ConfigError as e:
                raise Problem(*e.problems) from None
        return self._config

    def needing(self, *, without: Collection[str]) -> "CliContext":
        """The same context for a command that needs other sections."""
        return CliContext(self.file, without, self.umask, named=self.named)

    def vault(self, *, create: bool = False) -> Vault:
        """The opened vault, made if it may be. Raises VaultMissing or Problem."""
        config = self.config()
        try:
            if create and not os.path.lexists(vault_path(config)):
                return self.new_vault()
            return self.open_vault()
        except VaultMissing:
            raise
        except VaultError as e:
            raise Problem(str(e)) from None

    def open_vault(self, *, accept_rollback: bool = False, allow_weak_kdf: bool = False) -> Vault:
        """The opened vault. Raises VaultError."""
        config = self.config()
        key = vault_key(config, terminal.prompt())
        key.allow_weak = allow_weak_kdf
        return Vault.open(vault_path(config), key, guard=rollback_guard(config, accept_older=accept_rollback))

    def new_vault(self, kdf: str = DEFAULT_KDF) -> Vault:
        """A new vault. Raises VaultError, VaultConflict for a file that is there."""
        config = self.config()
        if os.path.lexists(vault_path(config)):  # before somebody is asked for a passphrase
            raise VaultConflict(f"there is a file {vault_path(config)} already")
        key = vault_key(config, terminal.prompt("New vault passphrase", new=True))
        return Vault.create(vault_path(config), key, guard=rollback_guard(config), kdf=kdf)


def known_provider(config: Config, provider: str, account: str | None) -> ProviderSettings:
    """The provider's settings. Raises Problem with near names when config.yaml does not have it."""
    names = [settings.name for settings in config.providers]
    if provider in [settings.name for settings in config.disabled]:
        raise Problem(f"provider {provider!r} is disabled: config.yaml has enabled: false there")
    if provider not in names:
        raise Problem(f"config.yaml has no provider {provider!r}.{near_name(provider, names)}")
    settings = next(s for s in config.providers if s.name == provider)
    accounts = [a.name for a in settings.accounts]
    if account is not None and account not in accounts:
        raise Problem(f"provider {provider!r} has no account {account!r} in config.yaml.{near_name(account, accounts)}")
    return settings


def near_name(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" It has: {', '.join(known)}."
