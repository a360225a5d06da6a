"""The ledger in a real PostgreSQL, where the machine has one."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from addons.usage.database import Database
from addons.usage.errors import BadRows, LedgerError, LedgerMissing
from addons.usage.place import Place
from addons.usage.reports import GROUPS, UsageLine, total_of, usage_by
from addons.usage.schema_version import take_steps
from addons.usage.spending import LedgerSpending, Spent
from addons.usage.tables import METADATA, VERSION_TABLE
from tests.usage.rows import NOW, row

NEEDED = ("initdb", "postgres")
pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason="this machine has no PostgreSQL (initdb, postgres)"),
]


class Server:
    """A PostgreSQL that listens on a socket in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"postgresql://glass@/postgres?host={folder}"
        self._as: Any = {"user": "nobody", "extra_groups": []} if os.geteuid() == 0 else {}  # it refuses to be root
        if self._as:
            shutil.chown(folder, "nobody")
        self._run("initdb", "-D", str(folder / "data"), "-U", "glass", "-A", "trust", "-N", "-E", "UTF8")
        self._process: subprocess.Popen[bytes] | None = None

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self._as)

    def start(self) -> None:
        settings = ("fsync=off", "listen_addresses=", f"unix_socket_directories={self.folder}", "shared_buffers=16MB")
        options = [word for setting in settings for word in ("-c", setting)]
        command = ["postgres", "-D", str(self.folder / "data"), *options]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, **self._as
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("PostgreSQL did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(3)  # SIGQUIT: at once, as after a fault of the machine
            self._process.wait(30)
            self._process = None


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="glass-pg-"))
    made = Server(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place(server: Server) -> Place:
    """An empty database."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS glassgate_requests, glassgate_version")
    return Place(None, server.url)


@contextmanager
def database(place: Place, *, writes: bool = True) -> Iterator[Database]:
    made = Database(place, writes=writes)
    try:
        yield made
    finally:
        made.close()


def test_it_is_made_written_read_and_forgotten_as_in_sqlite(place: Place) -> None:
    with database(place) as writer, database(place, writes=False) as reader:
        writer.add([row(key="ada", cost_nano=1_500_000_000), row(NOW + 86_400, key="bob", model=None)])
        for group in GROUPS:
            found = total_of(usage_by(reader, group, 0))
            assert found == UsageLine("total", 2, 0, 20, 0, 10, 0, Decimal("1.5"), 1)
        assert LedgerSpending(place).spent({"ada": NOW}) == {"ada": Spent(15, Decimal("1.5"))}
        assert writer.forget(key="ada") == 1
        assert writer.forget(before_ms=round(NOW * 1000) + 2 * 86_400_000) == 1


@pytest.mark.parametrize("stepped", [False, True])
def test_its_tables_are_those_the_code_writes(place: Place, stepped: bool) -> None:
    with database(place) as writer:
        if stepped:
            engine = writer._postgres()
            with engine.begin() as connection:
                take_steps(connection)
            engine.dispose()
        writer.open()
        assert writer._engine is not None
        with writer._engine.connect() as connection:
            options = {"version_table": VERSION_TABLE, "include_name": lambda name, kind, _: kind != "table" or (
                str(name).startswith("glassgate")
            )}  # fmt: skip
            assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []


def test_two_gateways_that_start_at_once_make_the_tables_once(place: Place) -> None:
    with database(place) as one, database(place) as other:
        one.open()
        other.open()
        one.add([row()])
        other.add([row()])
        with database(place, writes=False) as reader:
            assert total_of(usage_by(reader, "key", 0)).requests == 2


def test_one_without_tables_is_told_to_who_only_reads(place: Place) -> None:
    with database(place, writes=False) as reader, pytest.raises(LedgerMissing, match="there is no ledger yet"):
        usage_by(reader, "key", 0)


def test_what_it_never_takes_is_told_apart(place: Place) -> None:
    with database(place) as writer:
        for wrong in ({"key": "a\x00b"}, {"prompt_tokens": 2**70}, {"key": None}):
            with pytest.raises(BadRows):
                writer.add([row(**wrong)])
        writer.add([row()])


def test_it_is_written_again_when_it_is_back(place: Place, server: Server) -> None:
    with database(place) as writer:
        writer.add([row()])
        server.stop()
        with pytest.raises(LedgerError, match=r"the database of usage\.url cannot be used") as told:
            writer.add([row()])
        assert not isinstance(told.value, BadRows)
        server.start()
        writer.add([row()])
        [(count,)] = writer.select(sa.select(sa.func.count()).select_from(METADATA.tables["glassgate_requests"]))
        assert count == 2
