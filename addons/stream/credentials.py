"""Removing the client's credentials before a flow is made of the request: no addon, view, file or event sees them.

What is taken off is kept beside the request object, for the gate alone, and goes with it.
"""

import re
from collections.abc import Mapping
from typing import Final
from weakref import WeakKeyDictionary

from mitmproxy import http

from addons.cleaning.fields import by_name

_NAMES: Final = re.compile(
    rb"auth|key|token|cookie|secret|passw|session|credential|signature|sec-websocket-protocol", re.IGNORECASE
)
_SCHEME: Final = re.compile(rb"[ \t]*(?:bearer|basic|digest|negotiate|token|apikey)[ \t]", re.IGNORECASE)
"""An authentication scheme, under whatever name."""
_KEY: Final = re.compile(rb"(?:^|[^a-z0-9])sk-[\w-]{8}")
"""A word of the form of a key, in small letters."""
FRAMING: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", b"expect"})
"""What HTTP itself needs stays."""
_OWN_PARAMETER: Final = re.compile(
    rb"all=[A-Za-z0-9]{0,5}|limit=[0-9]{1,5}|order=(?:asc|desc)|client_version=[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}"
    rb"|after=(?:file|batch|msg|fc|fco|ctc|ctco|rs|item)[-_][A-Za-z0-9]{1,80}"
    rb"|(?:after|before)_id=[A-Za-z0-9](?:[A-Za-z0-9._:/-]|%2[Ff]|%3[Aa]){0,99}"
    rb"|purpose=(?:assistants|batch|evals|fine-tune|user_data|vision)(?:_output|-results)?"
)
"""The query parameters that dialects read, with the values they can have. Any other is nobody's, and where clients like
to put their keys."""

type FieldsByName = Mapping[str, str]
"""Header fields by lower-case name; several of a name are joined by a comma."""


def remove_credentials(request: http.Request) -> FieldsByName:
    """Removes the credentials from the request's head; returns the header fields that held them."""
    kept: list[tuple[bytes, bytes]] = []
    taken: list[tuple[bytes, bytes]] = []
    for field in request.headers.fields:
        (taken if _is_secret(*field) else kept).append(field)
    if taken:
        request.headers = http.Headers(kept)
    path, mark, query = request.data.path.partition(b"?")
    if mark:
        own = [part for part in query.split(b"&") if _OWN_PARAMETER.fullmatch(part)]
        request.data.path = path + b"?" + b"&".join(own) if own else path
    return by_name(taken)


def _is_secret(name: bytes, value: bytes) -> bool:
    if name.lower() in FRAMING:
        return False
    if _NAMES.search(name) or _SCHEME.match(value):
        return True
    small = value.lower()
    return b"sk-" in small and _KEY.search(small) is not None


class HeldCredentials:
    """The credentials removed from requests, by request object; forgotten when the request is."""

    def __init__(self) -> None:
        self._taken: WeakKeyDictionary[http.Request, FieldsByName] = WeakKeyDictionary()

    def put(self, request: http.Request) -> None:
        self._taken[request] = remove_credentials(request)

    def take(self, request: http.Request) -> FieldsByName:
        """The credentials of the request, as header fields; given once."""
        return self._taken.pop(request, {})
