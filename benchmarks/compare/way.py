"""A way to a provider, as the measures see it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PEERS: Final = ROOT / "benchmarks" / ".peers"
"""Where benchmarks/run.sh has put the peers."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's process."""

    port: int
    pid: int
    certificate: Path | None = None
    """It speaks TLS, with this certificate, which signs for itself."""


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The providers there are."""

    plain: Provider
    tls: Provider
    certificate: Path


@dataclass(frozen=True, slots=True)
class Way:
    """A way that runs. `pids`: its processes, whose CPU and memory are counted; their children count too."""

    port: int
    provider: Provider
    """Whom it asks."""
    pids: tuple[int, ...] = ()
    model: str = "bench"
    path: str = "/v1/chat/completions"
    headers: Mapping[str, str] = field(default_factory=dict)
    form: str = "openai"
    """The form of its requests: openai, anthropic or responses (without tools)."""
    certificate: Path | None = None
    """It is asked over TLS."""
    started_in_s: float = 0.0
    """Until it listened."""


type Start = Callable[[Path, Upstreams], AbstractContextManager[Way]]
"""Starts a way with a folder of its own. Raises Unavailable."""
