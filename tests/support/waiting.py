"""Waiting for what another process does, where nothing tells the test of it."""

import time
from collections.abc import Callable
from typing import Final

LOOK_AGAIN_S: Final = 0.02
"""A test that looked without a pause would take the processor from what it waits for."""


def until(check: Callable[[], bool], seconds: float = 60) -> None:
    """Until `check()` holds; it is a failure when it does not within so long, on a machine however busy."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(LOOK_AGAIN_S)
