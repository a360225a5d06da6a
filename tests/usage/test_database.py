"""The ledger's database, with SQLite on a real disk: who may read it, what goes wrong, what comes after."""

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from addons.usage import database as module
from addons.usage.database import Database, reading_mode
from addons.usage.errors import BadRows, LedgerError, LedgerMissing
from addons.usage.place import Place
from addons.usage.tables import REQUESTS
from tests.usage.rows import NOW, row


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "s"
    folder.mkdir(mode=0o700)
    return folder / "usage.db"


@pytest.fixture
def database(file: Path) -> Iterator[Database]:
    made = Database(Place(file), writes=True)
    yield made
    made.close()


def count(file: Path) -> int:
    reader = Database(Place(file), writes=False)
    [(found,)] = reader.select(sa.select(sa.func.count()).select_from(REQUESTS))
    return int(found)


def test_what_was_added_is_there_for_who_reads_meanwhile(database: Database, file: Path) -> None:
    database.add([row(), row(asked="'; DROP TABLE glassgate_requests; --")])
    assert count(file) == 2
    database.add([row()])
    [(asked,)] = Database(Place(file), writes=False).select(sa.select(REQUESTS.c.asked).where(REQUESTS.c.id == 2))
    assert (asked, count(file)) == ("'; DROP TABLE glassgate_requests; --", 3)


def test_nobody_else_may_read_any_of_its_files(database: Database, file: Path) -> None:
    database.add([row()])
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in file.parent.iterdir()}
    assert modes == {"usage.db": 0o600, "usage.db-wal": 0o600, "usage.db-shm": 0o600}
    database.close()
    assert os.listdir(file.parent) == ["usage.db"]


@pytest.mark.parametrize("spoil", ["link", "open", "folder"])
def test_a_file_that_others_could_change_is_not_written(database: Database, file: Path, spoil: str) -> None:
    if spoil == "link":
        file.symlink_to(file.with_name("elsewhere"))
    elif spoil == "open":
        file.touch(mode=0o600)
        file.chmod(0o644)
    else:
        file.parent.chmod(0o755)
    with pytest.raises(LedgerError, match=r"regular file|open to others"):
        database.add([row()])


def test_one_that_was_never_written_is_said_to_be_missing_and_is_not_made(file: Path) -> None:
    with pytest.raises(LedgerMissing, match="there is no ledger yet"):
        count(file)
    assert not file.exists()
    file.touch(mode=0o600)
    with pytest.raises(LedgerMissing):
        count(file)


def test_who_reads_writes_nothing(database: Database, file: Path) -> None:
    database.add([row()])
    with pytest.raises(LedgerError, match="readonly"):
        Database(Place(file), writes=False).add([row()])
    assert count(file) == 1


def test_rows_are_forgotten_by_age_or_by_key(database: Database, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEP_ROWS", 3)
    database.add([row(NOW + at, key=key) for at in range(5) for key in ("ada", "bob")])
    assert database.forget(before_ms=round(NOW * 1000) + 2000) == 4
    assert database.forget(key="ada") == 3
    assert database.forget(key="ada") == 0
    assert count(file) == 3


def test_from_when_to_when_there_are_rows(database: Database) -> None:
    until_ms = round(NOW * 1000) + 2500
    assert database.span(until_ms=until_ms) is None
    database.add([row(NOW + at) for at in (3, 2, 0, 1, 900)])
    assert database.span(until_ms=until_ms) == (round(NOW * 1000), round(NOW * 1000) + 2000)


def test_what_was_forgotten_is_in_no_file_any_more(database: Database, file: Path) -> None:
    database.add([row(key="a-name-to-forget")])
    database.forget(key="a-name-to-forget")
    database.close()
    assert all(b"a-name-to-forget" not in one.read_bytes() for one in file.parent.iterdir())


@pytest.mark.parametrize(
    "content", [b"this is no database, and never was one" * 200, b"SQLite format 3\0" + b"x" * 8000]
)
def test_a_damaged_file_is_told_and_left_as_it_is(database: Database, file: Path, content: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(content)
    with pytest.raises(LedgerError, match=r"usage\.db cannot be used") as told:
        database.add([row()])
    assert not isinstance(told.value, BadRows)
    assert file.read_bytes() == content
    file.rename(file.with_name("old"))
    database.add([row()])
    assert count(file) == 1


def test_one_that_is_taken_away_is_made_anew(database: Database, file: Path) -> None:
    database.add([row()])
    for one in list(file.parent.iterdir()):
        one.unlink()
    database.add([row(), row()])
    assert count(file) == 2


def test_a_log_that_is_taken_away_loses_nothing(database: Database, file: Path) -> None:
    """All that was written from then on went into it, where nobody would ever see it."""
    database.add([row()])
    file.with_name(f"{file.name}-wal").unlink()
    database.add([row()])
    assert count(file) == 2
    database.add([row()])
    assert count(file) == 3
    assert file.with_name(f"{file.name}-wal").exists()


def test_two_gateways_may_write_one_file(database: Database, file: Path) -> None:
    other = Database(Place(file), writes=True)
    failed: list[BaseException] = []

    def write(into: Database) -> None:
        try:
            for _ in range(20):
                into.add([row()] * 3)
        except LedgerError as e:  # pragma: no cover
            failed.append(e)

    threads = [threading.Thread(target=write, args=(one,)) for one in (database, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert (failed, count(file)) == ([], 120)


def test_one_that_opens_a_new_file_while_another_writes_it_waits(file: Path) -> None:
    """SQLite itself says at once that it is locked, however long it was told to wait."""
    file.touch(mode=0o600)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            holder.close()

    database = Database(Place(file), writes=True, wait=wait)
    database.add([row()])
    database.close()
    assert (len(waited), count(file)) == (3, 1)


def test_who_opens_a_new_file_does_not_wait_for_ever(file: Path) -> None:
    file.touch(mode=0o600)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    waited: list[float] = []
    with pytest.raises(LedgerError, match="locked"):
        Database(Place(file), writes=True, wait=waited.append).add([row()])
    holder.close()
    assert sum(waited) == pytest.approx(module.BUSY_S, abs=0.1)


def test_a_lock_that_another_holds_is_told_and_passes(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_S", 0.01)
    database.add([row()])
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="locked"):
        Database(Place(file), writes=True).add([row()])
    holder.close()
    database.add([row()])
    assert count(file) == 2


def test_a_full_disk_is_told_and_what_was_written_stays(database: Database, file: Path) -> None:
    """SQLite says the same of a database that may not grow as of a disk that is full."""
    database.add([row()])
    engine = database._engine
    assert engine is not None
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerError, match="full") as told:
        database.add([row(asked="x" * 200) for _ in range(500)])
    assert not isinstance(told.value, BadRows)
    assert count(file) == 1
    database.add([row()])  # opened anew, without that bound
    assert count(file) == 2


def test_what_a_database_never_takes_is_no_trouble_with_the_database(database: Database) -> None:
    with pytest.raises(BadRows):
        database.add([row(prompt_tokens=2**70)])
    with pytest.raises(BadRows):
        database.add([row(key=None)])


@pytest.mark.parametrize(("version", "writes"), [("99", True), ("99", False), ("made-up", True)])
def test_a_newer_ledger_is_not_touched(database: Database, file: Path, version: str, writes: bool) -> None:
    database.add([row()])
    database.close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE glassgate_version SET version_num = ?", (version,))
    connection.close()
    with pytest.raises(LedgerError, match="is of a newer Glassgate"):
        Database(Place(file), writes=writes).open()


def test_a_database_that_is_not_there_is_told_without_its_password() -> None:
    place = Place(None, "postgresql://ada:hidden-password@127.0.0.1:1/hidden-password?connect_timeout=2")
    with pytest.raises(LedgerError, match=r"the database of usage\.url cannot be used") as told:
        Database(place, writes=True).open()
    assert "hidden-password" not in str(told.value)


@pytest.mark.parametrize("url", ["postgresql://ada:hidden@word:port/db", "hidden", "postgresql://a:b@h:hidden/db"])
def test_an_address_that_is_none_is_not_repeated(url: str) -> None:
    with pytest.raises(LedgerError) as told:
        Database(Place(None, url), writes=True).open()
    assert str(told.value) == "the database of usage.url cannot be used: it is no address of a PostgreSQL database"


def test_one_in_a_folder_that_nobody_can_write_into_is_read(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite makes files beside one that it reads, and could not open it."""
    database.add([row()])
    assert reading_mode(file) == "mode=ro"
    monkeypatch.setattr("addons.usage.database.os.access", lambda path, how: False)
    assert reading_mode(file) == "mode=ro", "somebody may be writing it: what stands in its log would be left out"
    database.close()
    assert reading_mode(file) == "mode=ro&immutable=1"
    reader = Database(Place(file), writes=False)
    assert len(reader.select(sa.select(REQUESTS.c.id))) == 1
    reader.close()
