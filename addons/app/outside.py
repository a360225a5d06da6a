"""What the gateway has from outside of itself: the network of its own calls, and the time."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx


@dataclass(frozen=True, slots=True)
class Outside:
    """The network and the clocks of the machine, unless others are given."""

    transport: httpx.AsyncBaseTransport | None = None
    """Carries the calls of providers' steps, in the place of connections and proxies; None: the network itself."""
    clock: Callable[[], float] = time.monotonic
    """Seconds that only ever grow; where they begin means nothing."""
    now: Callable[[], float] = time.time
    """Unix seconds."""
