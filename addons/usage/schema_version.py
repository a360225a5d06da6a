"""The version of the ledger's tables: read, and brought to ours by Alembic, which is loaded only where it has to."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from addons.usage.tables import VERSION_TABLE

NEWEST: Final = "1"
"""The last step in addons/usage/migrations/versions/."""
_FOLDER: Final = Path(__file__).parent / "migrations"


class UnknownVersion(Exception):
    """The tables are of a version that this Glassgate does not know: a newer one has made them."""


def version_of(connection: sa.Connection) -> str | None:
    """The version of the tables; None where there are none yet."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 (ours)
    return version


def bring_up(connection: sa.Connection) -> None:
    """Makes the tables, or brings older ones to our version, within the open transaction. Raises UnknownVersion."""
    version = version_of(connection)
    if version == NEWEST:
        return
    if version is not None and not (version.isascii() and version.isdigit() and int(version) < int(NEWEST)):
        raise UnknownVersion(version)
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, NEWEST)
