"""The steps of Alembic lead to the tables that are written to."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from addons.usage import schema_version
from addons.usage.schema_version import NEWEST, bring_up, take_steps, version_of
from addons.usage.tables import METADATA, VERSION_TABLE


@contextmanager
def memory() -> Iterator[sa.Connection]:
    with closing(sqlite3.connect(":memory:")) as raw:
        engine = sa.create_engine("sqlite://", creator=lambda: raw, poolclass=sa.StaticPool)
        with engine.begin() as connection:
            yield connection


def made(connection: sa.Connection) -> list[tuple[str, str]]:
    """The tables' own words, as SQLite keeps them."""
    found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    return [(name, " ".join(sql.split())) for name, sql in found]


def test_the_steps_lead_to_the_tables_that_a_new_ledger_has() -> None:
    with memory() as stepped, memory() as fresh:
        assert version_of(stepped) is None
        take_steps(stepped)
        bring_up(fresh)
        assert version_of(stepped) == version_of(fresh) == NEWEST
        for connection in (stepped, fresh):
            context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
            assert compare_metadata(context, METADATA) == []
            bring_up(connection)  # nothing is left to be done
        assert made(stepped) == made(fresh)


def test_an_older_ledger_is_brought_up_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    with memory() as connection:
        bring_up(connection)
        monkeypatch.setattr(schema_version, "NEWEST", "2")
        steps: list[sa.Connection] = []
        monkeypatch.setattr(schema_version, "take_steps", steps.append)
        schema_version.bring_up(connection)
        assert steps == [connection]


def test_the_steps_are_one_line_and_end_in_the_newest() -> None:
    steps = ScriptDirectory(str(schema_version._FOLDER))
    assert (steps.get_heads(), steps.get_bases()) == ([NEWEST], ["1"])
