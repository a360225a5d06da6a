"""A dialect's own answers, for which no model is asked: a list of models, a count of tokens."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mitmproxy import http

from addons.dialects.body import VALUES_LIMIT, Reading
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


class KeptItems(Protocol):
    """What is kept between the requests of one client key, whatever key that is: no other's item can be reached.

    An item has a kind, an id of any characters, a value, and where a provider has what the id names the account there
    (provider, account). Items go when they are old or others need their room; nothing of it waits for a disk.
    """

    def get(self, kind: str, id: str) -> bytes | None:
        """The value; None for an id that is not known, or was another key's."""
        ...

    def place(self, kind: str, id: str) -> tuple[str, str] | None:
        """The account that has what the id names; None where it is not known, or lies at no provider."""
        ...

    def put(self, kind: str, id: str, value: bytes, place: tuple[str, str] | None = None) -> bool:
        """Keeps the item in the place of one of the same id; False where it is too large."""
        ...

    def delete(self, kind: str, id: str) -> bool:
        """Forgets the item; False where there was none."""
        ...

    def ids(self, kind: str) -> Sequence[str]:
        """The ids of a kind, the newest first."""
        ...


class Catalog(Protocol):
    """What such answers are made of: the models that are served, an estimate of tokens, what is kept for the client key."""

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
