"""Takes secrets out of a request's head before it is kept or told, wherever else in it they stand."""

import re
from collections.abc import Mapping
from typing import Final

from mitmproxy import http

from addons.cleaning.cleaner import Cleaner
from addons.cleaning.index import KnownSecret
from addons.stream.credentials import FRAMING

_WORD: Final = re.compile(rb"[^\s,;=/?&\"'#]{8,}")
_KEPT_BYTES: Final = 8 * 1024
"""So much of a client's head is kept where people can see it; programs send a tenth of that."""


def redact_head(request: http.Request, cleaner: Cleaner, shown: Mapping[str, str]) -> Cleaner:
    """Hides secrets wherever else they may stand in a head: in the path, under a name of any kind, as a piece, encoded.

    `shown` are the credentials that came with the request; they are hidden elsewhere too, right or wrong. Gives the
    cleaner that knows those that stood elsewhere: for what else is said of the request. What a head
    has beyond _KEPT_BYTES is not kept, since looking through it has its price and most who send it have no key.
    """
    _cut(request)
    texts = [request.data.path, request.data.authority, *(part for field in request.headers.fields for part in field)]
    words = {word for value in shown.values() for word in _WORD.findall(value.encode("utf-8", "surrogateescape"))}
    said = b"\n".join(texts)
    if any(word in said for word in words):
        cleaner = cleaner.also(KnownSecret(word.decode("utf-8", "surrogateescape"), "client_key") for word in words)
    if cleaner.nothing_in(*texts):  # nearly always
        return cleaner
    request.data.path = cleaner.data(request.data.path)
    request.data.authority = cleaner.data(request.data.authority)
    request.headers = http.Headers((cleaner.data(name), cleaner.data(value)) for name, value in request.headers.fields)
    return cleaner


def _cut(request: http.Request) -> None:
    """Leaves _KEPT_BYTES of the head, and what HTTP itself needs."""
    room = _KEPT_BYTES
    fields: list[tuple[bytes, bytes]] = []
    request.data.path = request.data.path[:room]
    request.data.authority = request.data.authority[:room]
    room -= len(request.data.path) + len(request.data.authority)
    for name, value in request.headers.fields:
        room -= len(name) + len(value)
        if room >= 0 or name.lower() in FRAMING:
            fields.append((name, value))
    if room < 0:
        request.headers = http.Headers(fields)
