"""What the process does so that its memory, which holds keys and sessions, is not written to disk or read by others."""

import ctypes
import resource
import sys
from contextlib import suppress
from typing import Final

_PR_SET_DUMPABLE: Final = 4
"""prctl(2). The kernel then dumps no core, whatever core_pattern says, and lets no other process of the user attach."""

_MOST_FILES: Final = 65_536
"""More are never needed, and some programs walk through all that are allowed."""


def raise_file_limit() -> int:
    """Lets the process open as many files as it may; gives how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return most if soft == resource.RLIM_INFINITY else soft
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return soft


def harden() -> None:
    """No core dumps; on Linux no reading of this process by others of its user either. Where it cannot: no effect."""
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
