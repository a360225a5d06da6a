"""K2Think's models: the public names, and the site's ids as its live list gives them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from providers.contract.provider import Model
from providers.formats.jsontext import MODELS_LIMIT, mapping, model_name, text
from providers.k2think import data

_OWNER: Final = "MBZUAI"
_VERSION: Final = re.compile(rf"{re.escape(data.FAMILY)}(?:-v(\d{{1,4}}))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LiveModel:
    """A model as GET /api/models names it."""

    id: str
    name: str


def read_live(value: Any) -> list[LiveModel] | None:
    """The active models of `{"data": […]}` or of a bare list; None when the answer is no list of models."""
    items = value if isinstance(value, list) else mapping(value).get("data")
    if not isinstance(items, list):
        return None
    found = []
    for item in map(mapping, items[:MODELS_LIMIT]):
        model_id, status = model_name(item.get("id")), text(item.get("status")) or "active"
        if model_id and status.lower() == "active":
            found.append(LiveModel(model_id, model_name(item.get("name")) or model_id))
    return found


def resolve(public: str, ids: Sequence[str], live: Sequence[LiveModel]) -> str:
    """The site's id of a public model: a known id that is live, else one of that name, else the newest version there.

    Without a list, or when nothing in it fits: the newest known id.
    """
    by_id = {model.id: model.id for model in live}
    by_name = {model.name.casefold(): model.id for model in live} | {model.id.casefold(): model.id for model in live}
    for site_id in ids:
        if found := by_id.get(site_id) or by_name.get(site_id.casefold()):
            return found
    versions = [(int(match[1] or 1), model.id) for model in live if (match := _VERSION.fullmatch(model.id))]
    if public == data.FAMILY and versions:
        return max(versions)[1]
    return ids[0]


def catalogue(known: Mapping[str, Sequence[str]], live: Sequence[LiveModel]) -> dict[str, Model]:
    """Public id → model: the known ones, then those that only the live list has."""
    models = {public: _model(public, resolve(public, ids, live)) for public, ids in known.items()}
    taken = {model.site_id for model in models.values()}
    names = {public.casefold() for public in models}
    for model in live:
        if model.id not in taken and model.id.casefold() not in names:
            names.add(model.id.casefold())
            models[model.id] = _model(model.id, model.id)
    return models


def _model(public: str, site_id: str) -> Model:
    return Model(public, site_id, thinking=True, search=False, tools="emulated", owned_by=_OWNER)
