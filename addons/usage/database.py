"""The ledger's database: opened, written, read. Blocks; for the ledger's own thread and for commands."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from addons.usage.errors import BadRows, LedgerError, LedgerMissing
from addons.usage.place import Place
from addons.usage.row import COLUMNS, Row
from addons.usage.schema_version import NEWEST, UnknownVersion, bring_up, version_of
from addons.usage.tables import REQUESTS
from addons.vault.errors import VaultError, VaultMissing
from addons.vault.permissions import check_private, make_folder
from addons.words.shown import shown

BUSY_S: Final = 5.0
"""How long another process that writes is waited for."""
_ASK_AGAIN_S: Final = 0.05
_STEP_ROWS: Final = 5000
"""Deleted at once, so that others can write between."""
_LOCK: Final = 0x676C617373  # "glass"
_WHY_CHARS: Final = 200
_INSERT: Final = str(sa.insert(REQUESTS).compile(dialect=sqlite.dialect(), column_keys=COLUMNS))


class Database:
    """One database, opened when it is first needed, and anew after anything went wrong."""

    def __init__(self, place: Place, *, writes: bool, wait: Callable[[float], None] = time.sleep) -> None:
        """One that does not write makes nothing, neither file nor tables."""
        self._place = place
        self._wait = wait
        self._writes = writes
        self._engine: sa.Engine | None = None
        self._files: tuple[tuple[int, int] | None, ...] = ()
        """Device and number of the open files."""

    # -- what is asked of it ----------------------------------------------------------------------------------------
    def add(self, rows: Sequence[Row]) -> None:
        """Writes rows, all or none. Raises LedgerError, of which BadRows says that trying again is no use."""
        with self._transaction() as connection:
            if self._place.file is None:
                named = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
                connection.execute(sa.insert(REQUESTS), named)
            else:  # as they are: this thread holds up the event loop for as long as it makes other objects of them
                connection.exec_driver_sql(_INSERT, list(rows))

    def forget(self, *, before_ms: int | None = None, key: str | None = None) -> int:
        """Deletes the rows from before a time, or all of a key; gives how many. Raises LedgerError."""
        unwanted = REQUESTS.c.at < before_ms if key is None else REQUESTS.c.key == key
        some = sa.select(REQUESTS.c.id).where(unwanted).limit(_STEP_ROWS)
        count = 0
        while True:
            with self._transaction() as connection:
                gone = connection.execute(sa.delete(REQUESTS).where(REQUESTS.c.id.in_(some.scalar_subquery()))).rowcount
            count += gone
            if gone < _STEP_ROWS:
                return count

    def span(self, *, until_ms: int) -> tuple[int, int] | None:
        """The times of the first and the last row up to a time; None where there is none. Raises LedgerError."""
        at = REQUESTS.c.at
        first, last = (
            sa.select(find(at)).where(at <= until_ms).scalar_subquery() for find in (sa.func.min, sa.func.max)
        )
        [(oldest, newest)] = self.select(sa.select(first, last))
        return None if oldest is None else (int(oldest), int(newest))

    def select(self, statement: sa.Select[Any]) -> list[tuple[Any, ...]]:
        """The rows of a query. Raises LedgerError."""
        with self._transaction() as connection:
            return [tuple(row) for row in connection.execute(statement)]

    def open(self) -> None:
        """Opens it, and makes or brings up its tables, before there is something to be written. Raises LedgerError."""
        with self._transaction():
            pass

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    # -- opening ----------------------------------------------------------------------------------------------------
    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        """An open transaction. What goes wrong becomes a LedgerError, and the database is opened anew next time."""
        try:
            with self._opened().begin() as connection:
                yield connection
        except UnknownVersion as e:
            self.close()
            raise LedgerError(
                f"{self._place.name} is of a newer Glassgate (version {e}); use that one, or another database"
            ) from None
        except VaultMissing:
            raise LedgerMissing(self._missing()) from None
        except (VaultError, ImportError) as e:
            self.close()
            raise LedgerError(str(e)) from None
        except (SQLAlchemyError, sqlite3.Error, OSError, ValueError, OverflowError) as e:
            self.close()
            kind = LedgerError if _may_pass(e) else BadRows
            raise kind(f"{self._place.name} {self._why(e)}") from None

    def _opened(self) -> sa.Engine:
        """The engine, with tables that are ours. Files that were put in the place of the open ones are opened."""
        if self._engine is not None and self._place.file is not None and self._files != _numbers(self._place):
            self.close()
        if self._engine is None:
            engine = self._sqlite() if self._place.file is not None else self._postgres()
            try:
                with engine.begin() as connection:
                    if self._writes:
                        if self._place.file is None:
                            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
                        bring_up(connection)
                    else:
                        self._check(connection)
            except BaseException:
                engine.dispose()
                raise
            self._engine, self._files = engine, _numbers(self._place)
        return self._engine

    def _check(self, connection: sa.Connection) -> None:
        version = version_of(connection)
        if version is None:
            raise VaultMissing(self._missing())
        if version != NEWEST:
            raise UnknownVersion(version)

    def _missing(self) -> str:
        return f"there is no ledger yet: nothing was asked of a gateway that writes {self._place.name}"

    def _sqlite(self) -> sa.Engine:
        """An engine over the file, which nobody else may read. Raises VaultError."""
        file = self._place.file
        assert file is not None
        _see_to(file, create=self._writes)
        mode = "mode=rw" if self._writes else reading_mode(file)
        engine = sa.create_engine(
            "sqlite+pysqlite://",
            creator=lambda: sqlite3.connect(
                f"{file.absolute().as_uri()}?{mode}", uri=True, timeout=BUSY_S, check_same_thread=False
            ),
            poolclass=StaticPool if self._writes else NullPool,
        )

        def connected(connection: sqlite3.Connection, _: object) -> None:
            connection.isolation_level = None  # sqlite3's own transactions would leave out what makes tables
            connection.execute("PRAGMA trusted_schema = OFF")
            if self._writes:
                _write_ahead(connection, self._wait)
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA secure_delete = ON")

        def begun(connection: sa.Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if self._writes else "BEGIN")

        sa.event.listen(engine, "connect", connected)
        sa.event.listen(engine, "begin", begun)
        return engine

    def _postgres(self) -> sa.Engine:
        """An engine over the network. Raises ImportError without the driver."""
        assert self._place.url is not None
        url = sa.make_url(self._place.url).set(drivername="postgresql+psycopg")
        try:
            return sa.create_engine(
                url,
                pool_pre_ping=True,
                pool_size=1,
                max_overflow=0,
                connect_args={"connect_timeout": 5, "options": "-c statement_timeout=30000 -c lock_timeout=5000"},
            )
        except ModuleNotFoundError:
            raise ImportError("usage.url needs a driver; run: pip install 'glassgate[postgres]'") from None

    def _why(self, error: Exception) -> str:
        """What the driver says, in a line, without the password."""
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        words = str(cause).partition("\n")[0]
        if self._place.url is not None:
            try:
                secret = str(sa.make_url(self._place.url).password or "")
            except (SQLAlchemyError, ValueError):
                return "cannot be used: it is no address of a PostgreSQL database"
            for told in filter(None, (self._place.url, secret)):
                words = words.replace(told, "…")
        return f"cannot be used: {shown(words, _WHY_CHARS)}"


def reading_mode(file: Path) -> str:
    """How a file is opened by who reads alone. To read one with a log SQLite makes files beside it; where none can be
    made and no log is there, nobody can be writing it either."""
    log = file.with_name(f"{file.name}-wal")
    alone = not os.access(file.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    return "mode=ro&immutable=1" if alone else "mode=ro"


def _write_ahead(connection: sqlite3.Connection, wait: Callable[[float], None]) -> None:
    """Turns the write-ahead log on. Raises sqlite3.OperationalError when others hold the file for too long.

    Elsewhere SQLite waits by itself. Here it does not for one who writes: of two that open a new file together, one
    is told at once that it is locked. So it is asked again.
    """
    for left in reversed(range(1 + round(BUSY_S / _ASK_AGAIN_S))):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as e:
            if left == 0 or e.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            wait(_ASK_AGAIN_S)


def _may_pass(error: Exception) -> bool:
    """Whether it lies at the database or the way to it, and not at what is written."""
    if isinstance(error, DBAPIError):
        broken = type(error.orig) is sqlite3.DatabaseError  # damaged, or no database at all
        return broken or isinstance(error, OperationalError | InterfaceError | InternalError)
    return isinstance(error, SQLAlchemyError | sqlite3.Error | OSError)


def _see_to(file: Path, *, create: bool) -> None:
    """Sees to it that there is a file that nobody else may read. Raises VaultMissing or another VaultError.

    One that is there is not opened: to close it again would give up the locks that SQLite has on it in this process.
    """
    if create:
        make_folder(file.parent)
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        check_private(file, file.lstat())
    except FileNotFoundError:
        raise VaultMissing(f"there is no file {file}") from None


def _numbers(place: Place) -> tuple[tuple[int, int] | None, ...]:
    """Which files lie there, the database and its log: what is written into a log that was removed is seen by nobody.
    None where none does."""
    return () if place.file is None else (_number(place.file), _number(place.file.with_name(f"{place.file.name}-wal")))


def _number(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
