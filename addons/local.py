"""What the gateway answers itself: the list of models, health, OPTIONS."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from urllib.parse import parse_qs

from mitmproxy import http

from addons.account_report import AccountLine
from addons.core.errors import GatewayError
from addons.core.gate import Admission
from addons.core.routing import ModelIndex
from providers.contract import Model

type CanServe = Callable[[str], bool]
"""Provider name → whether one of its accounts has a session."""

type ReportOf = Callable[[], Sequence[AccountLine]]


def answer(
    admission: Admission,
    index: ModelIndex,
    can_serve: CanServe,
    report: ReportOf,
    created: int,
    problem: Callable[[], str | None] = lambda: None,
) -> http.Response | None:
    """The answer, or None for a chat. Raises GatewayError(404) for a model that is not served."""
    match admission.action:
        case "health":
            return _json(_health(problem(), report() if admission.key else None))
        case "options":
            return http.Response.make(204, b"", {"allow": admission.allow})
        case "models":
            everything = parse_qs(admission.query).get("all", ["false"])[-1].lower() in ("1", "true", "yes")
            found = [m for m in index.models() if everything or _served(m.id, index, can_serve)]
            return _json({"object": "list", "data": [model_object(model, created) for model in found]})
        case "model":
            routes = index.find(admission.argument)
            if not routes:
                near = index.near(admission.argument)
                hint = f" Near names: {', '.join(near)}." if near else ""
                message = f"the model {admission.argument[:100]!r} is not served here.{hint}"
                raise GatewayError(404, message, code="model_not_found", param="model")
            return _json(model_object(routes[0].model, created))
        case _:
            return None


def model_object(model: Model, created: int) -> dict[str, object]:
    """A model as OpenAI lists it."""
    return {"id": model.id, "object": "model", "created": model.created or created, "owned_by": model.owned_by}


def _health(problem: str | None, lines: Sequence[AccountLine] | None) -> dict[str, object]:
    """`degraded`: it serves what it knew before. Only who has a client key (`lines` is not None) is told more."""
    told: dict[str, object] = {"status": "degraded" if problem else "ok"}
    if lines is not None:
        told["accounts"] = [asdict(line) for line in lines]
        if problem:
            told["problem"] = problem
    return told


def _served(model_id: str, index: ModelIndex, can_serve: CanServe) -> bool:
    return any(can_serve(route.provider) for route in index.find(model_id))


def _json(value: object) -> http.Response:
    return http.Response.make(200, json.dumps(value).encode(), {"content-type": "application/json"})
