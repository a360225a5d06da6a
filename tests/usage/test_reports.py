"""Sums over the ledger."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from addons.usage import reports as module
from addons.usage.database import Database
from addons.usage.place import Place
from addons.usage.reports import GroupName, UsageLine, sums_since, total_of, usage_by
from tests.usage.rows import NOW, row

DAY = 86_400
POSTGRES: Any = postgresql
ROWS = [
    row(key="ada", model="big", cost_nano=2_000_000_000),
    row(key="ada", model="small", account="spare", outcome="failed"),
    row(NOW + DAY, key="bob", model="small", cached_tokens=4, reasoning_tokens=2),
    row(NOW + DAY, key="bob", model=None, provider=None, account=None, prompt_tokens=0, completion_tokens=0),
    row(NOW - 400 * DAY, key="old", cost_nano=1),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "s"
    folder.mkdir(mode=0o700)
    writer = Database(Place(folder / "usage.db"), writes=True)
    writer.add(ROWS)
    writer.close()
    return folder / "usage.db"


@pytest.fixture
def database(file: Path) -> Iterator[Database]:
    found = Database(Place(file), writes=False)
    yield found
    found.close()


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("key", [("ada", 2, 1, 30, "2"), ("bob", 2, 0, 15, "0")]),
        ("model", [("big", 1, 0, 15, "2"), ("small", 2, 1, 30, "0"), ("-", 1, 0, 0, "0")]),
        ("account", [("zai/main", 2, 0, 30, "2"), ("zai/spare", 1, 1, 15, "0"), ("-", 1, 0, 0, "0")]),
        ("day", [("2027-01-15", 2, 1, 30, "2"), ("2027-01-16", 2, 0, 15, "0")]),
    ],
)
def test_usage_is_added_up_by(
    database: Database, group: GroupName, expected: list[tuple[str, int, int, int, str]]
) -> None:
    lines = usage_by(database, group, round((NOW - 7 * DAY) * 1000))
    assert [(line.name, line.requests, line.failed, line.tokens, str(line.cost)) for line in lines] == expected


def test_all_lines_together_are_the_total(database: Database) -> None:
    lines = usage_by(database, "key", 0)
    assert total_of(lines) == UsageLine("total", 5, 1, 40, 4, 20, 2, Decimal("2.000000001"), 2)
    assert total_of([]) == UsageLine("total")


def test_what_keys_have_used_is_looked_up_in_an_index(file: Path) -> None:
    asked: list[sa.Select[Any]] = []

    class Spy(Database):
        def select(self, statement: sa.Select[Any]) -> list[tuple[Any, ...]]:
            asked.append(statement)
            return []

    sums_since(Spy(Place(file), writes=False), {"ada": 1, "bob": 2})
    with closing(sqlite3.connect(file)) as connection:
        text = str(asked[0].compile(compile_kwargs={"literal_binds": True}))
        plan = " ".join(str(step) for step in connection.execute(f"EXPLAIN QUERY PLAN {text}"))
    assert "glassgate_requests_key_at" in plan
    assert "SCAN" not in plan


@pytest.mark.parametrize("group", module.GROUPS)
def test_each_grouping_is_said_in_postgresql_too(group: GroupName) -> None:
    columns, _ = module._GROUPINGS[group]
    statement = sa.select(*columns, *module._SUMS).group_by(*columns)
    assert "GROUP BY" in str(statement.compile(dialect=POSTGRES.dialect()))
