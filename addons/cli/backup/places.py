"""Where the files of a gateway lie, and the ledger as a file that can be copied."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from addons.accounts import state_store
from addons.cli.backup.archive import ACCOUNTS, CONFIG, ENV, KEYS, USAGE, VAULT
from addons.config.schema import VaultSettings
from addons.keys import store as managed_keys


@dataclass(frozen=True, slots=True)
class Places:
    """The files of the gateway that `config` configures, whose vault is at `vault`."""

    config: Path
    vault: Path

    @classmethod
    def of(cls, config: Path, settings: VaultSettings) -> "Places":
        return cls(config, config.parent / settings.path)

    def file(self, name: str) -> Path:
        """Where the file lies that a backup has under this name."""
        beside = {ACCOUNTS: state_store.FILE_NAME, KEYS: managed_keys.FILE_NAME, USAGE: USAGE}
        if name in beside:
            return self.vault.with_name(beside[name])
        return {CONFIG: self.config, ENV: self.config.with_name(ENV), VAULT: self.vault}[name]


def copied_ledger(source: Path, target: Path) -> None:
    """A consistent copy of a ledger that may be written to meanwhile. Raises sqlite3.Error."""
    from addons.usage.database import reading_mode  # loads SQLAlchemy

    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?{reading_mode(source)}", uri=True)) as database,
        closing(sqlite3.connect(target)) as copy,
    ):
        database.backup(copy, pages=1024)


def ledger_problem(file: Path) -> str | None:
    """Why the file is no database that is whole; None when it is."""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as e:
        return str(e)
    return None if said == "ok" else "it is damaged"
