"""A plugin of pytest under which a test that starts a process fails: so coverage counts only what a test can look into.

    pytest -p tests.support.no_processes -m "not processes"

The interpreter itself is asked, by an audit hook (docs.python.org/3/library/audit_events.html): no name that a test
may have got hold of leads around it.
"""

import sys
from collections.abc import Generator
from typing import Final

import pytest

STARTS: Final = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"})
_testing = False


def _refuse(event: str, arguments: object) -> None:
    if _testing and event in STARTS:
        pytest.fail(f"{event}: a test that starts a process is marked `processes`")


def pytest_configure() -> None:
    sys.addaudithook(_refuse)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """While a test and its fixtures run; xdist starts its workers outside of that."""
    global _testing
    _testing = True
    try:
        return (yield)
    finally:
        _testing = False
