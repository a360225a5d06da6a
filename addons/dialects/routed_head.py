"""A request's head as the dialect sees it whose route was found: what it reads of it, and no credentials."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class RoutedHead:
    """The part of a head that a dialect may see."""

    operation: str = ""
    """The route's, where a dialect has several."""
    params: Mapping[str, str] = field(default_factory=dict)
    """What the names in the route's path stand for."""
    query: str = ""
    """What credentials.py of addons/stream/ has left of it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those that the route `reads` and the request has, by name in lower case; several of one name are one list.
    Hostile as a body is."""


NO_HEAD: Final = RoutedHead()
"""Of a body that was kept without its head: in recordings and flows."""
