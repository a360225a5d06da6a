"""A plugin of pytest that measures coverage in tests that start no process, within a run of all tests.

    pytest -p tests.support.measured --cov

A process that is started cannot be looked into, and its tests would count for what they only pass by. A test that
starts one and is not marked `processes` fails: the interpreter itself is asked, by an audit hook
(docs.python.org/3/library/audit_events.html), and no name that a test may have got hold of leads around it.

Traced, a test takes some four times as long. So what tries one piece of code again and again runs without: hypothesis,
what is marked `untraced`, all but the first cases of one test, and the tests beside the rooms, which mostly read the
code. (pytest-cov's own `no_cover` would start again what is paused here.)
"""

import sys
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest
from coverage import Coverage

TESTS: Final = Path(__file__).parents[1]
STARTS: Final = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"})
CASES: Final = 8
"""Of one test, so many are measured, one behind the other: to begin and to end costs some time, too."""

_starts_none = False
"""A test runs that may start no process."""
_measured: set[str] = set()
_paused: list[Coverage] = []
"""What measures in this process: under xdist there are two, one within the other."""


def _refuse(event: str, arguments: object) -> None:
    if _starts_none and event in STARTS:
        pytest.fail(f"{event}: a test that starts a process is marked `processes`")


def pytest_configure() -> None:
    sys.addaudithook(_refuse)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    cases: defaultdict[str, list[str]] = defaultdict(list)
    for item in items:
        if _may_be_measured(item):
            cases[item.nodeid.partition("[")[0]].append(item.nodeid)
    for found in cases.values():
        _measured.update(found[:CASES])


def _may_be_measured(item: pytest.Item) -> bool:
    repeats = getattr(getattr(item, "obj", None), "is_hypothesis_test", False) or item.get_closest_marker("untraced")
    return not (repeats or item.get_closest_marker("processes") or item.path.parent == TESTS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """While a test and its fixtures run; xdist starts its workers outside of that."""
    global _starts_none
    (_resume if item.nodeid in _measured else _pause)()
    _starts_none = item.get_closest_marker("processes") is None
    try:
        return (yield)
    finally:
        _starts_none = False


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """The measure has to be running to be ended."""
    _resume()


def _pause() -> None:
    while (running := Coverage.current()) is not None:
        running.stop()
        _paused.append(running)


def _resume() -> None:
    while _paused:
        _paused.pop().start()
