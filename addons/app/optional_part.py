"""Base of the parts that config.yaml turns on and off while the gateway runs: usage, metrics, traces, the cache."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from mitmproxy import http

from addons.app.jobs import Job
from addons.app.runtime import Running
from addons.exchange.observer import Observer
from addons.ingress.gate import Action

type Answering = Callable[[str], Awaitable[http.Response]]
"""Gives the answer to a request with this Accept header."""


class OptionalPart(Observer):
    """A part that may be off. It is told of requests as an observer is, and imports what is big once it is on.

    Called on the event loop, so what takes long is done in a thread or a job.
    """

    def take_up(self, parts: Running) -> None:
        """Another configuration is in force, or the first one. What is wrong with its own is told by `problems`."""

    def jobs(self) -> Sequence[Job]:
        """What goes on beside the requests, asked for once at the start; a job of a part that is off does nothing."""
        return ()

    def answers(self) -> Mapping[Action, Answering]:
        """What it answers itself, of what the gate lets in for it."""
        return {}

    def problems(self) -> Sequence[str]:
        """What is wrong now, a sentence each, for /healthz (`degraded`) and `glassgate status`."""
        return ()

    async def close(self) -> None:
        """The gateway ends: nothing that was told so far is lost."""
