"""The version of the ledger's tables: read, and brought to ours by Alembic, loaded where older ones are found."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from addons.usage.tables import METADATA, VERSION, VERSION_TABLE

NEWEST: Final = "1"
"""The last step in addons/usage/migrations/versions/."""
_FOLDER: Final = Path(__file__).parent / "migrations"


class UnknownVersion(Exception):
    """The tables are of a version that this Glassgate does not know: a newer one has made them."""


def version_of(connection: sa.Connection) -> str | None:
    """The version of the tables; None where there are none yet."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.scalar(sa.select(VERSION.c.version_num))


def bring_up(connection: sa.Connection) -> None:
    """Makes the tables, or brings older ones to our version, within the open transaction. Raises UnknownVersion."""
    version = version_of(connection)
    if version == NEWEST:
        return
    if version is None:  # what all steps lead to (the tests prove it), without the 12 MB that Alembic takes
        METADATA.create_all(connection)
        connection.execute(sa.insert(VERSION).values(version_num=NEWEST))
        return
    if not (version.isascii() and version.isdigit() and int(version) < int(NEWEST)):
        raise UnknownVersion(version)
    take_steps(connection)


def take_steps(connection: sa.Connection) -> None:
    """All steps from the tables' version, which may be none, to ours."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, NEWEST)
