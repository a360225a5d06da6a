"""What a request's machine is told: what the client does (client_events.py), what its provider says, and the clock."""

from dataclasses import dataclass

from addons.stream.client_events import ClientEvent
from addons.upstream.events import UpstreamEvent


@dataclass(frozen=True, slots=True)
class FromProvider:
    """What came of one read of the provider's connection, in answer to the Ask of this number."""

    number: int
    said: tuple[UpstreamEvent, ...]


@dataclass(frozen=True, slots=True)
class Woken:
    """There may be more to give out, from beside the attempt."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """The machine's deadline has been reached, or the gateway stops (`ending`)."""


type MachineEvent = ClientEvent | FromProvider | Woken | Ticked

WOKEN = Woken()
TICKED = Ticked()
