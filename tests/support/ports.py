"""Ports for the servers that tests start: each worker deals from a range of its own, so that no two start on one port.

The ranges lie below the ports that a kernel deals out by itself (from 32768 on Linux, from 49152 elsewhere): no
connection of anybody takes one between the choice here and the server's start, and where nobody is to listen, nobody
comes.
"""

import os
import random
import socket
from collections.abc import Iterator
from itertools import cycle
from typing import Final

FIRST: Final = 10_000
EACH: Final = 2_000
WORKERS: Final = 11


def ports_of(worker: str) -> range:
    """Those of a worker by its name: gw0, gw1, …"""
    number = int(worker.removeprefix("gw")) % WORKERS
    return range(FIRST + number * EACH, FIRST + (number + 1) * EACH)


_mine = ports_of(os.environ.get("PYTEST_XDIST_WORKER", "gw0"))
_begin = random.randrange(EACH)  # two test runs beside each other begin at different places
_ports: Iterator[int] = cycle([*_mine[_begin:], *_mine[:_begin]])


def free_port() -> int:
    """A port of 127.0.0.1 at which nobody listens; it is not given again before all others were."""
    for port in _ports:
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("a cycle has no end")
