"""Header fields: how they are written down, and as a mapping."""

from collections.abc import Iterable

type Fields = tuple[tuple[str, str], ...]
"""Header fields of an answer: name and value."""


def by_name(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header fields as a mapping, in linear time (mitmproxy's own views of headers are quadratic)."""
    found: dict[str, list[str]] = {}
    for name, value in fields:
        key = name.decode("utf-8", "surrogateescape").lower()
        found.setdefault(key, []).append(value.decode("utf-8", "surrogateescape"))
    return {name: ", ".join(values) for name, values in found.items()}
