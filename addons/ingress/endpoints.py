"""What the gateway answers itself: health, its own description, the front page, OPTIONS."""

import json
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from mitmproxy import http

from addons.accounts.report import AccountLine
from addons.cleaning.fields import Fields
from addons.dialects.body import Reading
from addons.dialects.kept_items import KeptItems
from addons.dialects.local import LocalRequest
from addons.errors import GatewayError
from addons.features.token_estimate import estimated
from addons.ingress.front_page import front_page
from addons.ingress.gate import Admission
from addons.ingress.key_limits import not_allowed
from addons.ingress.openapi import document_bytes
from addons.keys.limits import NO_LIMITS, KeyLimits
from addons.routing.model_index import ModelIndex, ModelRoute
from providers.contract.provider import Model

type BodyReading = Callable[[bytes], Reading[http.Response]]


@dataclass(frozen=True, slots=True)
class Inside:
    """What answers of the gateway's own are made of."""

    index: ModelIndex
    can_serve: Callable[[str], bool]
    """Provider name → whether one of its accounts has a session."""
    report: Callable[[], Sequence[AccountLine]]
    problems: Callable[[], Sequence[str]]
    """What is wrong while the gateway serves what it knew before."""
    variants: bool
    """Whether names with a suffix are listed."""
    draining: bool
    serves: Callable[[], bool]
    """Whether any account can serve."""
    created: int
    kept: KeptItems
    """What is kept for the client key that asks."""
    toolless: frozenset[str] = frozenset()
    """Providers for which no tools are told to a model."""
    key: str = ""
    """The name of the client key that asks …"""
    limits: KeyLimits = NO_LIMITS
    """… and which models it may ask, so that it sees no others."""

    # -- as a dialect's Catalog -----------------------------------------------------------------------------------
    def tokens(self, texts: Iterable[str]) -> int:
        """The estimate of how many tokens these texts are together."""
        return estimated(texts)

    def listed(self, *, everything: bool) -> Iterator[tuple[str, Model]]:
        """The models and aliases that an account can serve; with `everything` also others, and names with a suffix."""
        variants = everything or self.variants
        names: set[str] = set()
        for model in self.index.models():
            routes = self._permitted(model.id)
            if routes and (variants or not model.variant) and (everything or self._served(routes)):
                names.add(model.id.casefold())
                yield model.id, as_served(routes[0], self.toolless)
        for alias in self.index.aliases():
            routes = self._permitted(alias)
            if routes and alias.casefold() not in names and (everything or self._served(routes)):
                yield alias, as_served(routes[0], self.toolless)

    def find(self, name: str) -> Model:
        """The model of a name, in any case. Raises GatewayError (404; 403 where the key may not ask it)."""
        if not self.index.find(name):
            raise GatewayError(404, self.index.unknown(name), code="model_not_found", param="model")
        if not (routes := self._permitted(name)):
            raise not_allowed(name, self.key, self.limits)
        return as_served(routes[0], self.toolless)

    def _permitted(self, name: str) -> Sequence[ModelRoute]:
        """The routes of a model that the key may go."""
        routes = self.index.find(name)
        if self.limits.models is None:
            return routes
        return [route for route in routes if self.limits.permits(route.provider, route.model.id)]

    def _served(self, routes: Iterable[ModelRoute]) -> bool:
        return any(self.can_serve(route.provider) for route in routes)


def as_served(route: ModelRoute, toolless: Container[str]) -> Model:
    """The model as its provider serves it; `toolless` are providers whose models are told of no tools."""
    emulated = route.model.tools == "emulated"
    return replace(route.model, tools="off") if emulated and route.provider in toolless else route.model


def answer(admission: Admission, inside: Inside) -> http.Response | None:
    """The answer to a request at its head; None where its body is wanted. Raises GatewayError."""
    if admission.route is not None:
        return admission.route.local(admission.head, inside) if admission.route.local is not None else None
    match admission.action:
        case "health":
            return _health(inside, admission.key)
        case "live":
            return alive()
        case "ready":
            return _ready(inside)
        case "openapi":
            return http.Response.make(200, document_bytes(), {"content-type": "application/json"})
        case "front":
            return front_page(admission.base_url, page=admission.page)
        case "options" | "preflight":
            return _empty(admission.headers)
        case _:
            return None


def body_reading(admission: Admission, inside: Inside, most_values: int) -> BodyReading | None:
    """What makes the answer of a request's body, for its dialect; None where a model is to."""
    if admission.route is None or (reading := admission.route.local_reading) is None:
        return None
    return lambda body: reading(LocalRequest(admission.head, body, most_values), inside)


def _health(inside: Inside, key: str) -> http.Response:
    """`degraded`: it serves what it knew before; `draining`: it is about to end.

    `key` is the name of the key that was shown; without one there are no details.
    """
    problems = list(inside.problems())
    status = "draining" if inside.draining else "degraded" if problems else "ok"
    told: dict[str, object] = {"status": status}
    if key:
        told["key"] = key
        told["accounts"] = [asdict(line) for line in inside.report()]
        if problems:
            told["problem"] = "\n".join(problems)
    found = _json(told)
    found.status_code = 503 if inside.draining else 200
    return found


def alive() -> http.Response:
    """The answer to who asks whether the process serves, be it requests or refusals."""
    return _json({"status": "ok"})


def _ready(inside: Inside) -> http.Response:
    """Whether requests are to be sent here; why they are not, in one word."""
    word = "draining" if inside.draining else "ok" if inside.serves() else "unavailable"
    found = _json({"status": word})
    found.status_code = 200 if word == "ok" else 503
    return found


def _empty(headers: Fields) -> http.Response:
    found = http.Response.make(204, b"", dict(headers))
    del found.headers["content-length"]  # RFC 9110, 8.6: a 204 has none
    return found


def _json(value: object) -> http.Response:
    return http.Response.make(200, json.dumps(value).encode(), {"content-type": "application/json"})


def without_body(answer: http.Response) -> None:
    """HEAD: the headers of GET, no content. The length is told all the same."""
    length = answer.headers.get("content-length", "0")
    answer.content = b""
    answer.headers["content-length"] = length
