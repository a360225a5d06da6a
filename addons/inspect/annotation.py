"""The annotation on a flow: plain values in `flow.metadata`, for views, filters and saved files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mitmproxy import flow as mflow
from mitmproxy import http

KEY: Final = "glassgate"
"""The name in `flow.metadata`."""
_PIECES: Final = ("arrivals", "deliveries")
RUNNING: Final = "running"
"""The outcome as long as there is none."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One flow's part in a client request. No secret stands in it."""

    request_id: str
    part: str = "attempt"
    """`attempt`, `step` (a preparing call) or `local` (answered by the gateway itself)."""
    provider: str = ""
    account: str = ""
    model: str = ""
    attempt: int = 0
    most: int = 0
    """How many attempts there may be for a model."""
    cache: str = ""
    """`hit`, where the answer was a kept one; `miss` where one was looked for."""
    call: str = ""
    """Method and path, of a preparing call or of what the gateway answered itself."""
    followed: bool = False
    """An attempt after which another was made."""
    outcome: str = ""
    """running, ok, refused, failed, broken_off, client_left, replayed."""
    doing: str = ""
    """While it runs: how far it is."""
    error: str = ""
    first_token_ms: int | None = None
    held_ms: int = 0
    """How long a person held the request back (Intercept); other times have this in them."""
    took_ms: int | None = None
    """Of an attempt after which another was made: its own time."""
    total_ms: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    """Of the prompt, those that the provider had in a cache."""
    cost: str = ""
    """What all its attempts cost, in USD, exactly; empty where no price is known."""
    stream: bool = False
    dialect: str = ""
    """The client format, by its name in addons/dialects/registry.py; empty where there is none."""
    session: str = ""
    """The stand-in of the client's session, where it has one (addons/inspect/sessions.py)."""
    retry: int = 0
    """How often the same turn was asked before in its session, as the client counts or as was seen."""
    client_request: str = ""
    """The body the client sent, as text."""
    delivered: str = ""
    """What the client was sent."""
    arrivals: tuple[tuple[float, int], ...] = field(default=())
    """When the pieces of the provider's body came (seconds since the attempt began), and their lengths."""
    deliveries: tuple[tuple[float, int], ...] = field(default=())
    """When the pieces of `delivered` went out (seconds since the attempt began), and their lengths in bytes."""
    cut: bool = False
    """The kept body of the answer is only the beginning."""
    cut_request: bool = False
    """The kept body of the request is only the beginning."""
    uploaded_bytes: int = 0
    """How long the client's body was that was passed on while it came, as far as it came; 0: it was read whole."""

    @property
    def running(self) -> bool:
        """Whether the exchange is still under way."""
        return self.outcome == RUNNING

    def put_on(self, flow: mflow.Flow) -> None:
        values = {name: getattr(self, name) for name in self.__slots__}  # flat: asdict would copy each pair of numbers
        for name in _PIECES:
            values[name] = [list(piece) for piece in values[name]]
        flow.metadata[KEY] = values


def annotation_of(flow: mflow.Flow | None) -> Annotation | None:
    """The annotation of a flow; None on one that is not ours, or of another version."""
    found = flow.metadata.get(KEY) if flow is not None else None
    if not isinstance(found, Mapping) or not isinstance(found.get("request_id"), str):
        return None
    known: dict[str, Any] = {name: found[name] for name in Annotation.__slots__ if name in found}
    try:
        for name in _PIECES:
            known[name] = tuple((float(at), int(length)) for at, length in known.get(name, ()))
        return Annotation(**known)
    except (TypeError, ValueError):
        return None


def size_of(flow: mflow.Flow) -> int:
    """The bytes a flow holds, about."""
    if not isinstance(flow, http.HTTPFlow):
        return 0
    bodies = [message.raw_content or b"" for message in (flow.request, flow.response) if message is not None]
    annotation = flow.metadata.get(KEY)
    noted = annotation.values() if isinstance(annotation, dict) else ()  # all pieces would be made anew otherwise
    words = sum(len(value) for value in noted if isinstance(value, str))
    pieces = sum(len(value) for value in noted if isinstance(value, list | tuple))
    return sum(map(len, bodies)) + words + 16 * pieces
