"""Everything that looks for secrets reads in linear time: counted, not measured."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from addons.cleaning.cleaner import Cleaner
from addons.cleaning.index import KnownSecret

pytestmark = pytest.mark.untraced  # texts of megabytes

CLEANER = Cleaner.knowing(
    [KnownSecret("a" * 60, "token", "p", "a"), KnownSecret('a b"c\\d/é' * 4, "password", "p", "a")]
)
UNITS = [
    "a",
    "\\",
    "\\u0061",
    "%61",
    "%25",
    "%",
    "&amp;",
    "&#",
    "+",
    "\\/",
    "YWFh",
    "6161",
    "33",
    "363136",
    "JTYx",
    "WVdG",
    "é",
    "eyJ",
    "cookie: ",
    "\n",
    "\0",
    "a\0",
    "61:",
    "97, ",
    "0x61 ",
    "61:" * 10 + ".",
]


def _steps(work: Callable[[], object]) -> int:
    """How many lines of Python are run."""
    count = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("unit", UNITS)
def test_twice_the_text_takes_twice_the_steps(unit: str) -> None:
    one, two = (_steps(lambda n=n: CLEANER.data((unit * n).encode())) for n in (1000, 2000))  # type: ignore[misc]
    assert two < 3 * one


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", UNITS)
def test_a_long_text_ends(unit: str) -> None:
    """What `re` does is in no count: had it to go back for each letter, this would take hours."""
    CLEANER.data((unit * (400_000 // len(unit))).encode())
