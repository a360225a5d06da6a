"""Where the ledger lies: a file beside the vault, or a PostgreSQL database."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from addons.config.configuration import Config

FILE_NAME: Final = "usage.db"


@dataclass(frozen=True, slots=True)
class Place:
    """An SQLite file, or the URL of a PostgreSQL database."""

    file: Path | None
    url: str | None = field(default=None, repr=False)
    """It may hold a password."""

    @property
    def name(self) -> str:
        """As people are told of it."""
        return str(self.file) if self.file is not None else "the database of usage.url"


def place_of(config: Config) -> Place:
    url = config.sections.usage.url
    if url is not None:
        return Place(None, url.get_secret_value())
    return Place(config.path(config.sections.vault.path).with_name(FILE_NAME))
