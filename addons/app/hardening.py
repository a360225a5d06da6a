"""What the process asks of the system: its memory is not written to disk or read by others, and goes back once it is
free; many files may be open."""

import ctypes
import resource
import sys
from contextlib import suppress
from typing import Final

_PR_SET_DUMPABLE: Final = 4
"""prctl(2). The kernel then dumps no core, whatever core_pattern says, and lets no other process of the user attach."""

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""mallopt(3)."""
_LARGE_BYTES: Final = 128 * 1024
"""glibc's own value at the start."""

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


def give_back_memory() -> None:
    """Large blocks go back to the system as they are freed, for as long as the process runs.

    Otherwise glibc raises its threshold to the size of large blocks that were freed, keeps later ones in its heap, and
    that grows with each large body: by some 6 MB for 100 MB that went through. No effect on other C libraries.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _LARGE_BYTES)
