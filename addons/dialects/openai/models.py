"""OpenAI's list of models, and one model of it: GET /v1/models and /v1/models/{id}."""

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

from mitmproxy import http

from addons.dialects.base import JSON
from addons.dialects.local import Catalog
from addons.dialects.openai.codex_models import codex_models
from addons.dialects.routed_head import RoutedHead
from addons.dialects.routes import GET, Route
from providers.contract.provider import Model

_TOOLS: Final = ("tools", "tool_choice")
_OURS: Final = ("response_format", "structured_outputs", "max_tokens", "stop")
"""What the gateway sees to in every chat of a web session."""
_SUPPORTED: Final[Mapping[str, tuple[str, ...]]] = {
    "native": _TOOLS,
    "emulated": (*_TOOLS, "parallel_tool_calls", *_OURS),
    "off": _OURS,
    "none": (),
}
"""What is told of a model by its `tools`."""


def models_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    """The list of models. `?all=true`: those too that no account can serve now; `?client_version=…`: for Codex too."""
    query = parse_qs(head.query)
    everything = query.get("all", ["false"])[-1].lower() in ("1", "true", "yes")
    told: dict[str, object] = {"object": "list", "data": model_list(catalog, everything=everything)}
    if "client_version" in query:
        told["models"] = codex_models(dict(catalog.listed(everything=everything)))
    return _json(told)


def model_answer(head: RoutedHead, catalog: Catalog) -> http.Response:
    """One model, under the name it was asked by. Raises GatewayError (404) where it is not served."""
    name = head.params["id"]
    model = catalog.find(name)
    return _json(model_object(model, catalog.created, "" if model.id.casefold() == name.casefold() else name))


ROUTES: Final = (
    Route(GET, "/v1/models", "models", models_answer),
    Route(GET, "/v1/models/{id:path}", "model", model_answer),
)


def model_list(catalog: Catalog, *, everything: bool) -> list[dict[str, object]]:
    """The models and aliases that an account can serve; with `everything` also others, and names with a suffix."""
    return [model_object(model, catalog.created, name) for name, model in catalog.listed(everything=everything)]


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
    if model.vision is not None or model.draws_as or model.makes or model.takes:
        told["architecture"] = {"input_modalities": _inputs(model), "output_modalities": list(model.outputs)}
    if model.tools != "unknown" and not model.makes:
        told["supported_parameters"] = list(_supported(model))
    return told


def _inputs(model: Model) -> list[str]:
    if model.makes == "transcription":
        return ["audio"]
    return ["text", *(["image"] if model.vision else []), *model.takes]


def _supported(model: Model) -> tuple[str, ...]:
    """The fields that are known to be served."""
    searches = ("web_search_options",) if model.tools in ("emulated", "off") and model.search is not False else ()
    return (*_SUPPORTED[model.tools], *searches)


def _json(value: object) -> http.Response:
    return http.Response.make(200, json.dumps(value).encode(), {"content-type": JSON})
