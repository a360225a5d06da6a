"""Header fields as bytes, for what is asked of every head. mitmproxy's views take some ten Python calls for a look."""

from collections.abc import Iterable

from mitmproxy import http

type RawFields = tuple[tuple[bytes, bytes], ...]
"""Of a head: name and value of each."""


def value_of(fields: RawFields, name: bytes) -> bytes | None:
    """The value of the field of this name, which is in small letters; of several one list (RFC 9110, 5.3)."""
    found = [value for given, value in fields if given.lower() == name]
    if not found:
        return None
    return found[0] if len(found) == 1 else b", ".join(found)


def headers_of(fields: Iterable[tuple[bytes, bytes]]) -> http.Headers:
    """mitmproxy's Headers of fields that are pairs of bytes for certain, as no look is taken at them."""
    headers: http.Headers = http.Headers.__new__(http.Headers)
    headers.fields = tuple(fields)
    return headers
