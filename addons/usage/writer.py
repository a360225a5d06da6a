"""The thread that writes the ledger: what requests leave is put in a bounded line, and written some at a time.

No request waits for the disk. While the database cannot be written the line grows up to its limit; what comes then is
lost, counted and told, and writing goes on by itself when it can.
"""

import gc
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from addons.usage.errors import BadRows, LedgerError
from addons.usage.place import Place
from addons.usage.retention import DAY_S, Retention
from addons.usage.row import Row

log = logging.getLogger("glassgate")

PAUSE_S: Final = 0.25
"""What comes within this is written together."""
MOST_WAITING: Final = 10_000
MOST_AT_ONCE: Final = 1000
_FIRST_RETRY_S: Final = 0.5
_LONGEST_RETRY_S: Final = 10.0


class Sink(Protocol):
    """Where rows go (addons/usage/database.py). All raise LedgerError, `add` BadRows for what it will never take."""

    def open(self) -> None: ...
    def add(self, rows: Sequence[Row]) -> None: ...
    def forget(self, *, before_ms: int) -> int: ...
    def span(self, *, until_ms: int) -> tuple[int, int] | None: ...
    def close(self) -> None: ...


def database_at(place: Place) -> Sink:
    """The database of a place. SQLAlchemy is loaded here, which takes a while: in the ledger's own thread."""
    from addons.usage.database import Database

    if gc.get_freeze_count():  # the process never walks what its start has made (addons/app/garbage_collection.py)
        gc.freeze()  # nor this, which is loaded after it
    return Database(place, writes=True)


class LedgerWriter:
    """Writes into one place from `start` to `finish`. `put`, `prune` and `finish` may be called from any thread."""

    def __init__(self, place: Place, *, sink: Callable[[Place], Sink] = database_at, most: int = MOST_WAITING) -> None:
        """`most`: how many rows may wait to be written."""
        self.place = place
        self.lost = 0
        """Rows that were not written, and will not be."""
        self._make_sink, self._most = sink, most
        self._waiting: deque[Row] = deque()
        self._due: Retention | None = None
        self._doubted = False
        self._trouble = ""
        self._told_lost = 0
        self._loaded = threading.Event()
        """What writes is there, or will never be."""
        self._busy = threading.Event()
        """There is something to be done."""
        self._ending = threading.Event()
        self._ends_at = 0.0
        self._thread = threading.Thread(target=self._run, name="glassgate ledger", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait_until_loaded(self, patience_s: float) -> None:
        """Waits until the thread has loaded what it writes with, which takes a quarter of a second and some 15 MB."""
        self._loaded.wait(patience_s)

    def put(self, row: Row) -> None:
        """Has a row written soon, if there is room for it in the line."""
        if len(self._waiting) >= self._most:
            self.lost += 1
            return
        self._waiting.append(row)
        if not self._busy.is_set():
            self._busy.set()

    def prune(self, due: Retention) -> None:
        """Has old rows deleted, if the clock is to be believed that calls them so."""
        self._due = due
        self._busy.set()

    def finish(self, patience_s: float) -> None:
        """Has the rest written now, and ends; what cannot be written for so long is lost."""
        self._ends_at = time.monotonic() + patience_s
        self._ending.set()
        self._busy.set()

    def join(self) -> None:
        """Waits for that end."""
        self._thread.join()

    def problem(self) -> str | None:
        """What is wrong now, a sentence."""
        if not self._trouble:
            return None
        lost = f", {self.lost} are lost" if self.lost else ""
        return f"{self._trouble} ({len(self._waiting)} requests wait to be written{lost})"

    # -- the thread -------------------------------------------------------------------------------------------------
    def _run(self) -> None:
        try:
            try:
                sink = self._make_sink(self.place)
            finally:
                self._loaded.set()
            try:
                self._until_the_end(sink)
            finally:
                sink.close()
        except Exception:
            self._trouble = "the ledger of requests has stopped, and the log says why; restart the gateway"
            log.exception("the ledger of requests has stopped: a fault of the gateway")
        self.lost += len(self._waiting)
        self._say_lost()

    def _until_the_end(self, sink: Sink) -> None:
        pause_s = _FIRST_RETRY_S
        opened = False
        while True:
            try:
                if not opened:
                    sink.open()
                    opened = True
                self._write(sink)
            except LedgerError as e:
                self._in_trouble(str(e))
                if not self._waited(pause_s):
                    return
                pause_s = min(pause_s * 2, _LONGEST_RETRY_S)
                continue
            self._out_of_trouble()
            pause_s = _FIRST_RETRY_S
            if self._ending.is_set() and not self._waiting:
                return
            self._busy.wait()
            self._ending.wait(PAUSE_S)
            self._busy.clear()

    def _waited(self, pause_s: float) -> bool:
        """Whether there is time for another try, after a pause."""
        if not self._ending.wait(pause_s):
            return True
        left_s = self._ends_at - time.monotonic()
        if left_s <= 0:
            return False
        time.sleep(min(left_s, _FIRST_RETRY_S))
        return True

    def _write(self, sink: Sink) -> None:
        """Writes all that waits. Raises LedgerError, with what was not written back in its place."""
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
            try:
                self._add(sink, some)
            except LedgerError:
                self._waiting.extendleft(reversed(some))
                raise
        if self._due is not None:
            due, self._due = self._due, None
            self._prune(sink, due)

    def _prune(self, sink: Sink, due: Retention) -> None:
        span = sink.span(until_ms=due.known_ms)
        if span is None or span[0] >= due.before_ms:
            return
        if due.believes(span[1]):
            self._doubted = False
            sink.forget(before_ms=due.before_ms)
        elif not self._doubted:
            self._doubted = True
            log.warning(
                "the clock is %d days beyond the newest request of the ledger that is not of today: if it is wrong, "
                "set it right. Until it has gone on for a day no old requests are deleted",
                due.gap_s(span[1]) // DAY_S,
            )

    def _add(self, sink: Sink, rows: list[Row]) -> None:
        """Adds rows; what the database will never take is left out, and leaves `rows`. Raises LedgerError."""
        try:
            sink.add(rows)
        except BadRows as e:
            log.warning("the ledger of requests: %s", e)
            while rows:
                try:
                    sink.add(rows[:1])
                except BadRows:
                    self.lost += 1
                del rows[0]

    # -- what is told of it -----------------------------------------------------------------------------------------
    def _in_trouble(self, why: str) -> None:
        if not self._trouble:
            log.warning("requests go on, but the ledger of them: %s. It is tried again", why)
        self._trouble = why

    def _out_of_trouble(self) -> None:
        if self._trouble:
            self._trouble = ""
            log.info("the ledger of requests is written again")
        self._say_lost()

    def _say_lost(self) -> None:
        lost, self._told_lost = self.lost - self._told_lost, self.lost
        if lost > 0:
            log.warning("the ledger of requests lacks %d requests that could not be written", lost)
