"""The steps of Alembic lead to the tables that are written to."""

import sqlite3
from contextlib import closing

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from addons.usage import schema_version
from addons.usage.schema_version import NEWEST, bring_up, version_of
from addons.usage.tables import METADATA, VERSION_TABLE


def test_the_steps_make_what_the_code_writes() -> None:
    with closing(sqlite3.connect(":memory:")) as raw:
        engine = sa.create_engine("sqlite://", creator=lambda: raw, poolclass=sa.StaticPool)
        with engine.begin() as connection:
            assert version_of(connection) is None
            bring_up(connection)
            assert version_of(connection) == NEWEST
            context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
            assert compare_metadata(context, METADATA) == []
            bring_up(connection)  # nothing is left to be done


def test_the_steps_are_one_line_and_end_in_the_newest() -> None:
    steps = ScriptDirectory(str(schema_version._FOLDER))
    assert (steps.get_heads(), steps.get_bases()) == ([NEWEST], ["1"])
