"""What the gateway answers itself: the list of models, health, its own description, the front page, OPTIONS."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import parse_qs

from mitmproxy import http

from addons.accounts.report import AccountLine
from addons.cleaning.fields import Fields
from addons.errors import GatewayError
from addons.ingress.front_page import front_page
from addons.ingress.gate import Admission
from addons.ingress.openapi import document_bytes
from addons.routing.model_index import ModelIndex
from providers.contract.provider import Model


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
    created: int


def answer(admission: Admission, inside: Inside) -> http.Response | None:
    """The answer, or None for a chat. Raises GatewayError(404) for a model that is not served."""
    match admission.action:
        case "health":
            return _health(inside, admission.key)
        case "openapi":
            return http.Response.make(200, document_bytes(), {"content-type": "application/json"})
        case "front":
            return front_page(admission.base_url, page=admission.page)
        case "options" | "preflight":
            return _empty(admission.headers)
        case "models":
            everything = parse_qs(admission.query).get("all", ["false"])[-1].lower() in ("1", "true", "yes")
            return _json({"object": "list", "data": model_list(inside, everything=everything)})
        case "model":
            routes = inside.index.find(admission.argument)
            if not routes:
                message = inside.index.unknown(admission.argument)
                raise GatewayError(404, message, code="model_not_found", param="model")
            model = routes[0].model
            alias = "" if model.id.casefold() == admission.argument.casefold() else admission.argument
            return _json(model_object(model, inside.created, alias))
        case _:
            return None


def model_list(inside: Inside, *, everything: bool) -> list[dict[str, object]]:
    """The models and aliases that an account can serve; with `everything` also others, and names with a suffix."""
    variants = everything or inside.variants
    listed = [model for model in inside.index.models() if variants or not model.variant]
    found = [model_object(model, inside.created) for model in listed if everything or _served(model.id, inside)]
    names = {str(entry["id"]).casefold() for entry in found}
    for alias in inside.index.aliases():
        routes = inside.index.find(alias)
        if routes and alias.casefold() not in names and (everything or _served(alias, inside)):
            found.append(model_object(routes[0].model, inside.created, alias))
    return found


def model_object(model: Model, created: int, name: str = "") -> dict[str, object]:
    """A model as OpenAI lists it, and what is known of its abilities under the names OpenRouter gave them."""
    told: dict[str, object] = {
        "id": name or model.id,
        "object": "model",
        "created": model.created or created,
        "owned_by": model.owned_by,
    }
    if model.context_length:
        told["context_length"] = model.context_length
    if model.vision is not None:
        inputs = ["text", "image"] if model.vision else ["text"]
        told["architecture"] = {"input_modalities": inputs, "output_modalities": ["text"]}
    if model.tools != "unknown":
        told["supported_parameters"] = ["tools", "tool_choice"] if model.tools != "none" else []
    return told


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


def _empty(headers: Fields) -> http.Response:
    found = http.Response.make(204, b"", dict(headers))
    del found.headers["content-length"]  # RFC 9110, 8.6: a 204 has none
    return found


def _served(model_id: str, inside: Inside) -> bool:
    return any(inside.can_serve(route.provider) for route in inside.index.find(model_id))


def _json(value: object) -> http.Response:
    return http.Response.make(200, json.dumps(value).encode(), {"content-type": "application/json"})
