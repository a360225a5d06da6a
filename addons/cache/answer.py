"""A kept answer, as bytes and back. Pure."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from providers.contract.events import Usage

_COUNTS: Final = ("prompt_tokens", "completion_tokens", "total_tokens", "reasoning_tokens", "cached_tokens")


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer that was delivered, whole."""

    body: bytes = field(repr=False)
    """What the client was sent: a document, or all events of a stream."""
    content_type: str
    streaming: bool
    model: str
    """The model that gave it."""
    usage: Usage | None = None
    """What it took then."""

    def to_bytes(self) -> bytes:
        """A line of JSON, then the body."""
        counts = [getattr(self.usage, name) for name in _COUNTS] if self.usage is not None else None
        said = {"type": self.content_type, "streaming": self.streaming, "model": self.model, "usage": counts}
        return json.dumps(said).encode() + b"\n" + self.body

    @classmethod
    def from_bytes(cls, data: bytes) -> "KeptAnswer":
        """Of what `to_bytes` has made."""
        head, _, body = data.partition(b"\n")
        said: dict[str, Any] = json.loads(head)
        counts = said["usage"]
        usage = Usage(**dict(zip(_COUNTS, counts, strict=True))) if counts is not None else None
        return cls(body, said["type"], said["streaming"], said["model"], usage)
