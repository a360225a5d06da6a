"""A dialect's own answers, for which no model is asked: a list of models, a count of tokens."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from mitmproxy import http

from addons.dialects.body import VALUES_LIMIT, Reading
from addons.dialects.kept_items import KeptItems
from addons.dialects.routed_head import RoutedHead
from providers.contract.provider import Model


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """A whole request for a route that the gateway answers from what it knows."""

    head: RoutedHead
    body: bytes
    """Plain, however it was compressed."""
    most_values: int = VALUES_LIMIT
    """JSON values that it may have."""


class Catalog(Protocol):
    """What such answers are made of: the models that are served, tokens of a text, what is kept for the client key."""

    @property
    def kept(self) -> KeptItems:
        """What is kept for the client key that asks."""
        ...

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

    def tokens(self, texts: Iterable[str]) -> int:
        """The estimate of how many tokens these texts are together, for whatever model."""
        ...


type LocalAnswer = Callable[[RoutedHead, Catalog], http.Response]
"""Answers a request at its head: a body is not read. Raises GatewayError."""
type LocalReading = Callable[[LocalRequest, Catalog], Reading[http.Response]]
"""Answers a request once its body has come, in steps (addons/dialects/body.py). Raises GatewayError."""
