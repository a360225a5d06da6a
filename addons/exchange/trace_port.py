"""What tracing wants of requests while they run; nothing until it is on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

TRACEPARENT: Final = "traceparent"
"""The header's name."""


def _nothing(request_id: str) -> None:
    """No header goes to providers."""


@dataclass(slots=True)
class TracePort:
    """One for all configurations of a process; who traces sets it."""

    marks: bool = False
    """Requests note when they enter each stage."""
    header: Callable[[str], str | None] = _nothing
    """The `traceparent` (W3C Trace Context) that providers are sent for a request, by its id."""
