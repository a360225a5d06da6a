"""The thread that writes: batches, a bounded line, trouble and its end. The database is a list here."""

import logging
import threading
from collections.abc import Sequence
from unittest.mock import Mock

import pytest

from addons.usage import writer as module
from addons.usage.errors import BadRows, LedgerError
from addons.usage.place import Place
from addons.usage.retention import DAY_S, Retention
from addons.usage.row import Row
from addons.usage.writer import LedgerWriter
from tests.usage.rows import named, row

PLACE = Place(None, "postgresql://nobody")
WAIT_S = 30


class Sink:
    """A database. While `away` it takes nothing; rows of the client `bad` it never takes."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.batches: list[int] = []
        self.forgotten: list[int] = []
        self.away = False
        self.closed = False
        self.tried = threading.Semaphore(0)

    def open(self) -> None:
        self._is_there()

    def add(self, rows: Sequence[Row]) -> None:
        self._is_there()
        if any(named(one)["client"] == "bad" for one in rows):
            raise BadRows("these cannot be")
        self.rows += [named(one)["at"] for one in rows]
        self.batches.append(len(rows))

    def forget(self, *, before_ms: int) -> int:
        self._is_there()
        self.forgotten.append(before_ms)
        return 1

    def span(self, *, until_ms: int) -> tuple[int, int] | None:
        self._is_there()
        known = [at for at in self.rows if at <= until_ms]
        return (min(known), max(known)) if known else None

    def close(self) -> None:
        self.closed = True

    def _is_there(self) -> None:
        self.tried.release()
        if self.away:
            raise LedgerError("the disk is full")


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Sink:
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    monkeypatch.setattr(module, "_FIRST_RETRY_S", 0.001)
    return Sink()


def started(sink: Sink, most: int = 100) -> LedgerWriter:
    found = LedgerWriter(PLACE, sink=lambda _: sink, most=most)
    found.start()
    return found


def rows(*numbers: int) -> list[Row]:
    return [row(number / 1000) for number in numbers]


def test_all_that_came_is_written_in_its_order_before_the_end(sink: Sink) -> None:
    writer = started(sink)
    for one in rows(*range(50)):
        writer.put(one)
    writer.finish(WAIT_S)
    writer.join()
    assert sink.rows == list(range(50))
    assert (sink.closed, writer.lost, writer.problem()) == (True, 0, None)


def test_while_the_database_is_away_requests_wait_and_are_written_when_it_is_back(
    sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    sink.away = True
    with caplog.at_level(logging.INFO, "glassgate"):
        writer = started(sink)
        for one in rows(1, 2, 3):
            writer.put(one)
        for _ in range(4):  # it is tried again and again
            assert sink.tried.acquire(timeout=WAIT_S)
        assert writer.problem() == "the disk is full (3 requests wait to be written)"
        sink.away = False
        writer.finish(WAIT_S)
        writer.join()
    assert (sink.rows, writer.problem(), writer.lost) == ([1, 2, 3], None, 0)
    assert [record.message for record in caplog.records] == [
        "requests go on, but the ledger of them: the disk is full. It is tried again",
        "the ledger of requests is written again",
    ]


def test_what_finds_no_room_in_the_line_is_counted_and_told(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    sink.away = True
    writer = started(sink, most=2)
    for one in rows(1, 2, 3, 4, 5):
        writer.put(one)
    for _ in range(2):
        assert sink.tried.acquire(timeout=WAIT_S)
    assert writer.problem() == "the disk is full (2 requests wait to be written, 3 are lost)"
    sink.away = False
    writer.finish(WAIT_S)
    writer.join()
    assert (sink.rows, writer.lost) == ([1, 2], 3)
    assert caplog.messages[-1] == "the ledger of requests lacks 3 requests that could not be written"


def test_a_database_that_stays_away_holds_up_the_end_only_so_long(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    sink.away = True
    writer = started(sink)
    writer.put(*rows(1))
    writer.finish(0.01)
    writer.join()
    assert (sink.rows, writer.lost, sink.closed) == ([], 1, True)
    assert caplog.messages[-1] == "the ledger of requests lacks 1 requests that could not be written"


def test_a_row_that_is_never_taken_keeps_no_other_from_being_written(sink: Sink) -> None:
    writer = started(sink)
    for one in (*rows(1), row(0.002, client="bad"), *rows(3)):
        writer.put(one)
    writer.finish(WAIT_S)
    writer.join()
    assert (sorted(sink.rows), writer.lost) == ([1, 3], 1)


def test_no_batch_is_larger_than_a_database_likes(sink: Sink) -> None:
    writer = LedgerWriter(PLACE, sink=lambda _: sink)
    for one in rows(*range(2500)):
        writer.put(one)
    writer.start()
    writer.finish(WAIT_S)
    writer.join()
    assert (sink.batches, len(sink.rows)) == ([1000, 1000, 500], 2500)


def test_old_rows_are_forgotten_by_the_same_thread(sink: Sink) -> None:
    sink.rows = [round(day * DAY_S * 1000) for day in range(10)]
    assert pruned(sink, Retention(10 * DAY_S, 4 * DAY_S)) == [round(6 * DAY_S * 1000)]


def pruned(sink: Sink, *passes: Retention) -> list[int]:
    writer = started(sink)
    for due in passes:
        tried = sink.tried
        while tried.acquire(blocking=False):
            pass
        writer.prune(due)
        assert tried.acquire(timeout=WAIT_S)
    writer.finish(WAIT_S)
    writer.join()
    return sink.forgotten


def test_on_the_word_of_a_clock_that_is_years_ahead_nothing_goes(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    """Also where it has written requests of its own meanwhile."""
    ahead_s = 12_000 * DAY_S
    sink.rows = [*(round(day * DAY_S * 1000) for day in range(10)), round(ahead_s * 1000) - 5]
    assert pruned(sink, Retention(ahead_s, 4 * DAY_S), Retention(ahead_s + 3600, 4 * DAY_S)) == []
    assert [record.levelname for record in caplog.records] == ["WARNING"], "it is told once"
    assert "the clock is 11990 days beyond the newest request of the ledger" in caplog.text
    assert pruned(sink, Retention(10 * DAY_S, 4 * DAY_S)) == [round(6 * DAY_S * 1000)], "it was set right"


def test_what_has_nothing_old_says_nothing_of_the_clock(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    sink.rows = [round(day * DAY_S * 1000) for day in range(10)]
    assert pruned(sink, Retention(100 * DAY_S, 400 * DAY_S)) == []
    assert not caplog.records


def test_a_clock_that_has_gone_on_for_long_is_believed(sink: Sink) -> None:
    sink.rows = [5]
    assert pruned(sink, Retention(1000 * DAY_S, 4 * DAY_S, steady=True)) == [round(996 * DAY_S * 1000)]


def test_a_fault_of_ours_is_told_and_ends_only_the_ledger(caplog: pytest.LogCaptureFixture) -> None:
    def broken(place: Place) -> Sink:
        raise RuntimeError(place.name)

    writer = LedgerWriter(PLACE, sink=broken)
    writer.put(*rows(1))
    writer.start()
    writer.join()
    assert writer.problem() == (
        "the ledger of requests has stopped, and the log says why; restart the gateway (1 requests wait to be "
        "written, 1 are lost)"
    )
    assert "RuntimeError" in caplog.text


@pytest.mark.parametrize("frozen", [0, 400_000])
def test_what_is_loaded_late_is_set_apart_as_the_start_is(monkeypatch: pytest.MonkeyPatch, frozen: int) -> None:
    """Else each full collection would walk SQLAlchemy."""
    freeze = Mock()
    monkeypatch.setattr(module, "gc", Mock(get_freeze_count=lambda: frozen, freeze=freeze))
    module.database_at(PLACE).close()
    assert freeze.call_count == (1 if frozen else 0)


def test_the_start_can_wait_for_what_writes_to_be_loaded() -> None:
    may_load, sink = threading.Event(), Sink()

    def slow(_place: Place) -> Sink:
        assert may_load.wait(WAIT_S)
        return sink

    writer = LedgerWriter(PLACE, sink=slow)
    writer.start()
    writer.wait_until_loaded(0)
    assert not sink.tried.acquire(blocking=False), "no longer than it has patience"
    may_load.set()
    writer.wait_until_loaded(WAIT_S)
    assert sink.tried.acquire(timeout=WAIT_S)
    writer.finish(WAIT_S)
    writer.join()


def test_what_cannot_be_loaded_holds_nobody() -> None:
    writer = LedgerWriter(PLACE, sink=Mock(side_effect=ImportError("no driver")))
    writer.start()
    writer.join()
    writer.wait_until_loaded(WAIT_S)
    assert writer.problem() is not None
