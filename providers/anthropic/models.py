"""The models of an API of the Messages form: those known beforehand, and its own list (GET /v1/models)."""

from collections.abc import Mapping
from typing import Any, Final

from providers.anthropic.preset import Preset
from providers.contract.provider import Model
from providers.formats.jsontext import MODELS_LIMIT, mapping, model_name, text, whole
from providers.formats.moments import date_s
from providers.official.abilities import context_length, takes, vision
from providers.official.prices import listed_price

PAGE: Final = 1000
"""Models asked for at once: the most there is."""


def built_in(preset: Preset) -> dict[str, Model]:
    """Public id → model of a preset."""
    search = None if preset.search else False
    return {
        known.public: Model(
            id=known.public,
            site_id=known.site_id or known.public,
            search=search,
            vision=known.vision,
            tools="native",
            context_length=known.context_length,
            owned_by=preset.owned_by,
        )
        for known in preset.models
    }


def read_list(value: Any, preset: Preset) -> list[Model] | None:
    """The models of one page; None when the answer is no list of models. Lists of the OpenAI form are read too."""
    entries = value if isinstance(value, list) else mapping(value).get("data")
    if not isinstance(entries, list):
        return None
    models = (_model(entry, preset) for entry in map(mapping, entries[:MODELS_LIMIT]))
    return [model for model in models if model is not None]


def next_page(value: Any) -> str | None:
    """The id after which the next page begins; None on the last one."""
    page = mapping(value)
    return (model_name(page.get("last_id")) or None) if page.get("has_more") is True else None


def _model(entry: Mapping[str, Any], preset: Preset) -> Model | None:
    model_id = model_name(entry.get("id"))
    if not model_id:
        return None
    limit = whole(entry.get("max_input_tokens"))
    return Model(
        id=model_id,
        site_id=model_id,
        search=None if preset.search else False,
        vision=_sees(entry),
        takes=("file",) if _supports(entry, "pdf_input") else takes(entry),
        tools="native",
        context_length=limit if limit is not None and limit > 0 else context_length(entry),
        owned_by=model_name(entry.get("owned_by")) or preset.owned_by,
        created=whole(entry.get("created")) or int(date_s(text(entry.get("created_at"))[:40]) or 0),
        price=listed_price(entry),
    )


def _sees(entry: Mapping[str, Any]) -> bool | None:
    """Whether it takes pictures, as `capabilities.image_input.supported` says, or another API's own word."""
    supported = _supports(entry, "image_input")
    return supported if supported is not None else vision(entry)


def _supports(entry: Mapping[str, Any], what: str) -> bool | None:
    supported = mapping(mapping(entry.get("capabilities")).get(what)).get("supported")
    return supported if isinstance(supported, bool) else None
