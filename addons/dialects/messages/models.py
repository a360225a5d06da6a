"""The list of models in Anthropic's form, and one model of it; OpenAI's fields stand beside, so that one list serves
both kinds of clients."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs

from mitmproxy import http

from addons.dialects.base import JSON
from addons.dialects.local import Catalog
from addons.dialects.openai.models import model_object
from addons.dialects.routed_head import RoutedHead
from addons.dialects.text import json_bytes
from providers.contract.provider import Model

PAGE: Final = 1000
"""Models of one page, at most; a larger `limit` is none."""


def models_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    """The list of models: the page that the query asks for (`limit`, `after_id`, `before_id`), else all of it."""
    listed = list(catalog.listed(everything=False))
    at, end, more = page_of([name or model.id for name, model in listed], parse_qs(head.query))
    told = [model_info(model, catalog.created, name) for name, model in listed[at:end]]
    ids = [one["id"] for one in told]
    page = {"has_more": more, "first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
    return _json({"object": "list", "data": told, **page})


def page_of(ids: Sequence[str], asked: Mapping[str, Sequence[str]]) -> tuple[int, int, bool]:
    """Where a page begins and ends, and whether more follow in its direction. An id that is not listed (any more) has
    nothing behind or before it: who pages comes to an end."""
    places = {id: at for at, id in enumerate(ids)}
    limit = asked.get("limit", [""])[-1]
    most = int(limit) if limit.isascii() and limit.isdecimal() and 0 < int(limit) <= PAGE else len(ids)
    if "before_id" in asked:
        end = places.get(asked["before_id"][-1], 0)
        at = max(0, end - most)
        return at, end, at > 0
    at = places.get(asked["after_id"][-1], len(ids)) + 1 if "after_id" in asked else 0
    return at, at + most, at + most < len(ids)


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
