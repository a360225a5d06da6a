"""What a dialect's own small answers are made of: those that no model is asked for, such as a list of models."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mitmproxy import http

from providers.contract.provider import Model


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """A request for a route that the gateway answers from what it knows."""

    params: Mapping[str, str] = field(default_factory=dict)
    """What the names in the route's path stand for."""
    query: str = ""


class Catalog(Protocol):
    """The models that are served."""

    @property
    def created(self) -> int:
        """Since when there is a model of which nobody says so; unix seconds."""
        ...

    def listed(self, *, everything: bool) -> Iterable[tuple[str, Model]]:
        """Names (also aliases) with their models; `everything`: those too that no account can serve now."""
        ...

    def find(self, name: str) -> Model:
        """The model of a name, in any case. Raises GatewayError (404)."""
        ...


type LocalAnswer = Callable[[LocalRequest, Catalog], http.Response]
"""Answers a request. Raises GatewayError."""
