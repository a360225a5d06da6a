"""What the gateway has from outside of itself: the network, time and randomness."""

import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from addons.transport.public_fetch import Resolve, resolved
from addons.upstream.port import Connect
from providers.contract.steps import Moment


@dataclass(frozen=True, slots=True)
class Outside:
    """The network and the clocks of the machine, unless others are given."""

    connect: Connect | None = None
    """Makes the connections to providers; None: the network itself."""
    clock: Callable[[], float] = time.monotonic
    """Seconds that only ever grow; where they begin means nothing."""
    now: Callable[[], float] = time.time
    """Unix seconds."""
    resolve: Resolve = resolved
    """The addresses of hosts that clients name."""


def moment_source(now: Callable[[], float] = time.time) -> Callable[[], Moment]:
    """Time and randomness for providers; `now` gives Unix seconds."""
    zone = _zone_name()
    return lambda: Moment(int(now() * 1000), lambda: str(uuid.uuid4()), zone)


def _zone_name() -> str:
    """The machine's IANA time zone, or UTC."""
    name = os.environ.get("TZ") or os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2]
    return name if name and "/" in name else "UTC"
