"""Header fields as bytes and as mappings, in linear time."""

from collections.abc import Iterable

type Fields = tuple[tuple[str, str], ...]
"""Header fields of an answer: name and value."""


def by_name(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header fields as a mapping, in linear time (mitmproxy's own views of headers are quadratic)."""
    return joined(
        (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape")) for name, value in fields
    )


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Header fields as a mapping by lower-case name. Those of one name are one list; a cookie may have a field of its
    own (RFC 9113 8.2.3)."""
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name.lower(), []).append(value)
    return {name: ("; " if name == "cookie" else ", ").join(values) for name, values in found.items()}
