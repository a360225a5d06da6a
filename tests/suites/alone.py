"""A network of this process's own that has loopback and nothing else, on Linux."""

import fcntl
import os
import socket
import struct

_SET_FLAGS, _UP = 0x8914, 0x1


def loopback_alone() -> bool:
    """Leaves the machine's network for one with loopback alone, and so does all that is started from here on.

    To be called before there are threads. False where the system does not allow it.
    """
    try:
        os.unshare(os.CLONE_NEWNET)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            fcntl.ioctl(wire, _SET_FLAGS, struct.pack("16sh22x", b"lo", _UP))
    except (AttributeError, OSError):
        return False
    return True
