"""A plugin of pytest that measures coverage in tests that start no process, within a run of all tests.

    pytest -p tests.support.measured --cov

A process that is started cannot be looked into, and its tests would count for what they only pass by. A test that
starts one and is not marked `processes` fails: the interpreter itself is asked, by an audit hook
(docs.python.org/3/library/audit_events.html), and no name that a test may have got hold of leads around it.

Nor is it measured in what tries one piece of code again and again (hypothesis, `no_cover`) or only reads the code (the
tests beside the rooms): traced, that takes many times as long and covers no more.
"""

import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

TESTS: Final = Path(__file__).parents[1]
STARTS: Final = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"})
_starts_none = False
"""A test runs that may start no process."""
_is_paused = False


def _refuse(event: str, arguments: object) -> None:
    if _starts_none and event in STARTS:
        pytest.fail(f"{event}: a test that starts a process is marked `processes`")


def pytest_configure() -> None:
    sys.addaudithook(_refuse)


def is_measured(item: pytest.Item) -> bool:
    repeats = getattr(getattr(item, "obj", None), "is_hypothesis_test", False) or item.get_closest_marker("no_cover")
    return not (repeats or item.get_closest_marker("processes") or item.path.parent == TESTS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """While a test and its fixtures run; xdist starts its workers outside of that."""
    global _starts_none
    _measure(item.config.pluginmanager.getplugin("_cov"), wanted=is_measured(item))
    _starts_none = item.get_closest_marker("processes") is None
    try:
        return (yield)
    finally:
        _starts_none = False


def _measure(plugin: Any, *, wanted: bool) -> None:
    global _is_paused
    controller = getattr(plugin, "cov_controller", None)
    if controller is not None and wanted is _is_paused:
        (controller.resume if wanted else controller.pause)()
        _is_paused = not wanted


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """What a test left to its end is no longer measured, but the measure has to be running to be ended."""
    _measure(session.config.pluginmanager.getplugin("_cov"), wanted=True)
