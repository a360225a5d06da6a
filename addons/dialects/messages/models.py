"""The list of models in Anthropic's form, and one model of it; OpenAI's fields stand beside, so that one list serves
both kinds of clients."""

from datetime import UTC, datetime

from mitmproxy import http

from addons.dialects.base import JSON
from addons.dialects.local import Catalog
from addons.dialects.openai.models import model_object
from addons.dialects.routed_head import RoutedHead
from addons.dialects.text import json_bytes
from providers.contract.provider import Model


def models_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    """The list of models, all on one page."""
    told = [model_info(model, catalog.created, name) for name, model in catalog.listed(everything=False)]
    ids = [one["id"] for one in told]
    page = {"has_more": False, "first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
    return _json({"object": "list", "data": told, **page})


def model_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    """One model, under the name it was asked by. Raises GatewayError (404) where it is not served."""
    name = head.params["id"]
    model = catalog.find(name)
    return _json(model_info(model, catalog.created, "" if model.id.casefold() == name.casefold() else name))


def model_info(model: Model, created: int, name: str = "") -> dict[str, object]:
    """A model as both forms list it."""
    told = model_object(model, created, name)
    since = datetime.fromtimestamp(model.created or created, UTC)
    return {
        "type": "model",
        "display_name": told["id"],
        "created_at": since.isoformat().replace("+00:00", "Z"),
        "lifecycle": "active",
        **({"max_input_tokens": model.context_length} if model.context_length else {}),
        **told,
    }


def _json(value: object) -> http.Response:
    return http.Response.make(200, json_bytes(value), {"content-type": JSON})
