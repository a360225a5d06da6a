"""What the gateway answers itself: the list of models, health, its own description, OPTIONS."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import parse_qs

from mitmproxy import http

from addons.account_report import AccountLine
from addons.core.errors import GatewayError
from addons.core.gate import Admission
from addons.core.routing import ModelIndex
from addons.openapi import document_bytes
from providers.contract import Model


@dataclass(frozen=True, slots=True)
class Inside:
    """What answers of the gateway's own are made of."""

    index: ModelIndex
    can_serve: Callable[[str], bool]
    """Provider name → whether one of its accounts has a session."""
    report: Callable[[], Sequence[AccountLine]]
    problems: Callable[[], Sequence[str]]
    """What is wrong while the gateway serves what it knew before."""
    draining: bool
    created: int


def answer(admission: Admission, inside: Inside) -> http.Response | None:
    """The answer, or None for a chat. Raises GatewayError(404) for a model that is not served."""
    match admission.action:
        case "health":
            return _health(inside, admission.key)
        case "openapi":
            return http.Response.make(200, document_bytes(), {"content-type": "application/json"})
        case "options":
            return http.Response.make(204, b"", {"allow": admission.allow})
        case "models":
            everything = parse_qs(admission.query).get("all", ["false"])[-1].lower() in ("1", "true", "yes")
            found = [m for m in inside.index.models() if everything or _served(m.id, inside)]
            return _json({"object": "list", "data": [model_object(model, inside.created) for model in found]})
        case "model":
            routes = inside.index.find(admission.argument)
            if not routes:
                near = inside.index.near(admission.argument)
                hint = f" Near names: {', '.join(near)}." if near else ""
                message = f"the model {admission.argument[:100]!r} is not served here.{hint}"
                raise GatewayError(404, message, code="model_not_found", param="model")
            return _json(model_object(routes[0].model, inside.created))
        case _:
            return None


def model_object(model: Model, created: int) -> dict[str, object]:
    """A model as OpenAI lists it."""
    return {"id": model.id, "object": "model", "created": model.created or created, "owned_by": model.owned_by}


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


def _served(model_id: str, inside: Inside) -> bool:
    return any(inside.can_serve(route.provider) for route in inside.index.find(model_id))


def _json(value: object) -> http.Response:
    return http.Response.make(200, json.dumps(value).encode(), {"content-type": "application/json"})
