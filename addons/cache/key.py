"""What tells one request from another, as a digest. Pure."""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from addons.dialects.base import ParsedRequest
from addons.dialects.client_session import CACHE, READS
from addons.dialects.routed_head import RoutedHead

_ELSEWHERE: Final = frozenset({"model", "stream"})
"""Fields of a body that have a place of their own in the key: what they come to counts, not how they are written."""
_NOT_OF_THE_ANSWER: Final = frozenset({CACHE, *READS})
"""Headers that change no answer: the session, how often it was tried, what is wanted of the cache."""

_written: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
"""JSON in its one canonical form: sorted, without white space, ASCII."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and all else that its answer depends on."""

    parsed: ParsedRequest
    dialect: str
    head: RoutedHead
    models: Sequence[tuple[str, str]]
    """Who serves it: provider and model, aliases resolved."""


def key_of(asked: Asked, secret: bytes, owner: bytes, settings: int) -> bytes:
    """32 bytes, the same for the same request alone.

    Key order and white space of the body do not matter. `owner` is whose answers it may be given, `settings` another
    number for each configuration, `secret` keys the digest.
    """
    said, head = asked.parsed.said or {}, asked.head
    told = (
        settings,
        asked.dialect,
        head.operation,
        head.query,
        asked.parsed.request.stream,
        sorted(asked.models),
        {name: value for name, value in head.headers.items() if name not in _NOT_OF_THE_ANSWER},
        {name: value for name, value in said.items() if name not in _ELSEWHERE},
    )
    return hmac.digest(secret, b"%d:%b%b" % (len(owner), owner, _written(told).encode()), "sha256")
