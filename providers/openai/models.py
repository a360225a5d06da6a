"""The models of an OpenAI-form API: those known beforehand, and the API's own list."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from providers.contract.provider import Model
from providers.formats.jsontext import MODELS_LIMIT, mapping, model_name, whole
from providers.official.abilities import context_length, takes, tools, vision
from providers.official.prices import listed_price
from providers.openai.preset import OperationName, Preset
from providers.openai.purposes import purpose_of


def built_in(preset: Preset) -> dict[str, Model]:
    """Public id → model of a preset, with the variants each model has."""
    table: dict[str, Model] = {}
    for known in preset.models:
        model = Model(
            id=known.public,
            site_id=known.site_id or known.public,
            thinking=True if known.always_thinking else None,
            vision=known.vision,
            tools="native",
            context_length=known.context_length,
            owned_by=preset.owned_by,
            draws_as=known.public if known.draws else "",
            makes=purpose_of(known.public)[0],
        )
        table.setdefault(model.id, model)
        for suffix, (thinking, search) in (preset.suffixes or {}).items():
            if (thinking and not known.thinking) or (search and not known.search):
                continue
            variant = _variant(model, suffix, thinking, search)
            table.setdefault(variant.id, variant)
    return table


def read_list(value: Any, preset: Preset, operations: Collection[OperationName] = ()) -> list[Model] | None:
    """The models of GET /models that chat, draw, or are for one of these operations; None when the answer is no list of
    models."""
    entries = value if isinstance(value, list) else mapping(value).get("data", mapping(value).get("models"))
    if not isinstance(entries, list):
        return None
    found = []
    for entry in map(mapping, entries[:MODELS_LIMIT]):
        model_id = model_name(entry.get("id")) or model_name(entry.get("name"))
        name = model_id.lower()
        draws = any(part in name for part in preset.draws)
        makes, by = purpose_of(name)
        serves = draws or not any(part in name for part in preset.not_chat) or any(one in operations for one in by)
        if model_id and serves:
            model = _model(model_id, entry, preset)
            found.append(replace(model, draws_as=model_id) if draws else replace(model, makes=makes))
    return found


def _variant(model: Model, suffix: str, thinking: bool | None, search: bool | None) -> Model:
    return replace(
        model,
        id=model.id + suffix,
        thinking=model.thinking if thinking is None else thinking,
        search=model.search if search is None else search,
    )


def _model(model_id: str, entry: Mapping[str, Any], preset: Preset) -> Model:
    """A model of the list, with what the list says of it."""
    calls = tools(entry)
    return Model(
        id=model_id,
        site_id=model_id,
        vision=vision(entry),
        takes=takes(entry),
        tools="unknown" if calls is None else "native" if calls else "none",
        context_length=context_length(entry),
        owned_by=model_name(entry.get("owned_by")) or preset.owned_by,
        created=whole(entry.get("created")) or 0,
        price=listed_price(entry),
    )
