"""The owner of a loopback connection's other end: the user id the kernel knows for that end's socket.

Linux tells it in /proc/net/tcp and tcp6 (proc(5)): a line a socket, local and remote address, state, uid. A socket that
no process has taken from its listener yet has the uid 0, so ask after something has been read from it.
"""

import ipaddress
import os
import sys
from pathlib import Path
from typing import Final

_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LIMIT_BYTES: Final = 16 * 1024 * 1024
_ESTABLISHED: Final = "01"

type Address = tuple[str, int]


def can_tell() -> bool:
    """Whether this system tells the owner of a socket."""
    return _TABLES[0].exists()


def owner_of(end: Address, other: Address) -> int | None:
    """The user id that owns the socket at `end` of the connection between `end` and `other`; None when it is not
    found."""
    wanted = {(_table_form(end, wide), _table_form(other, wide)) for wide in (False, True)}
    for table in _TABLES:
        try:
            with table.open(encoding="ascii") as lines:
                text = lines.read(_LIMIT_BYTES)
        except OSError:
            continue
        for line in text.splitlines()[1:]:
            fields = line.split()
            if len(fields) > 7 and fields[3] == _ESTABLISHED and (fields[1], fields[2]) in wanted:
                return int(fields[7])
    return None


def is_trusted_user(owner: int | None) -> bool:
    """Whether a process of that user may see our secrets: our own user's may anyway, and root's."""
    return owner in (os.geteuid(), 0)


def _table_form(address: Address, wide: bool) -> str:
    """An address as the tables write it: 32-bit words in the machine's byte order, then the port, all in hex."""
    found = ipaddress.ip_address(address[0].partition("%")[0])
    data = found.packed
    if len(data) == 4 and wide:
        data = bytes(10) + b"\xff\xff" + data  # an IPv4 connection of an IPv6 socket
    words = (data[at : at + 4] for at in range(0, len(data), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{address[1]:04X}"
