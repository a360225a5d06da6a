"""A request's head as the dialect sees it whose route was found: what it reads of it, and no credentials."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from addons.cleaning.fields import Fields

SENT_CHARS: Final = 8192
"""Of a header's value that is sent on."""
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class RoutedHead(NamedTuple):
    """The part of a head that a dialect may see."""

    operation: str = ""
    """The route's, where a dialect has several."""
    params: Mapping[str, str] = NOTHING
    """What the names in the route's path stand for."""
    query: str = ""
    """What credentials.py of addons/stream/ has left of it."""
    headers: Mapping[str, str] = NOTHING
    """Those that the route `reads` and the request has, by name in lower case; several of one name are one list.
    Hostile as a body is."""
    id_header: str = ""
    """Where clients of the route look for the request's id, beside x-request-id."""
    request_id: str = ""
    """The request's id, where an error is told."""

    def sendable(self, names: Iterable[str]) -> Fields:
        """The headers of these names that may be sent on: a value of one line, of characters that every server reads
        alike."""
        found = ((name, self.headers.get(name, "")) for name in names)
        return tuple(
            (name, value)
            for name, value in found
            if value and len(value) <= SENT_CHARS and value.isascii() and value.isprintable()
        )

    def id_fields(self, request_id: str) -> Fields:
        """The header fields that tell a client the id of its request."""
        usual = ("x-request-id", request_id)
        return (usual, (self.id_header, request_id)) if self.id_header else (usual,)


NO_HEAD: Final = RoutedHead()
"""Of a body that was kept without its head: in recordings and flows."""
