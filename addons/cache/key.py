"""What tells one request from another, as a digest. Pure."""

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from addons.cache.canonical import canonical
from addons.dialects.base import ParsedRequest
from addons.dialects.client_session import CACHE, READS
from addons.dialects.routed_head import RoutedHead

_NOT_OF_THE_ANSWER: Final = frozenset({CACHE, *READS})
"""Headers that change no answer: the session, how often it was tried, what is wanted of the cache."""


class Asked(NamedTuple):
    """A request, and all else that its answer depends on."""

    parsed: ParsedRequest
    dialect: str
    head: RoutedHead
    models: Sequence[tuple[str, str]]
    """Who serves it: provider and model, aliases resolved."""


def key_of(asked: Asked, secret: bytes, owner: bytes, settings: int) -> str:
    """A digest in hexadecimal, the same for the same request alone.

    Key order and white space of the body do not matter. `owner` is whose answers it may be given, `settings` another
    number for each configuration. `secret` (32 bytes) keys the digest, which nobody outside this process is told.
    """
    head = asked.head
    said = dict(asked.parsed.said or {})
    said.pop("model", None)  # these two have a place of their own: what they come to counts, not how they are written
    said.pop("stream", None)
    headers = {name: value for name, value in head.headers.items() if name not in _NOT_OF_THE_ANSWER}
    request, models = asked.parsed.request, sorted(asked.models)
    told = (settings, asked.dialect, head.operation, head.query, request.stream, models, headers, said)
    return hashlib.sha256(b"%b%d:%b%b" % (secret, len(owner), owner, canonical(told))).hexdigest()
