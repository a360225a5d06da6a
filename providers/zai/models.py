"""Z.AI's models: the public names, and the site's ids as its live list gives them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from providers.contract.provider import Model
from providers.formats.jsontext import MODELS_LIMIT, mapping, model_name
from providers.shared.suffixes import with_suffixes
from providers.zai import data as zai_data
from providers.zai.data import SiteModel

OWNER = "z.ai"


@dataclass(frozen=True, slots=True)
class LiveModel:
    """A model as GET /api/models names it."""

    id: str
    name: str
    vision: bool | None = None
    """Whether it sees, where the list says that."""


def read_live(body: Any) -> list[LiveModel] | None:
    """The models of the site's list that are shown and active; None when the answer is no list of models."""
    items = mapping(body).get("data")
    if not isinstance(items, list):
        return None
    found = []
    for item in map(mapping, items[:MODELS_LIMIT]):
        info = mapping(item.get("info"))
        shut = info.get("is_active") is False or item.get("is_active") is False
        if (model_id := model_name(item.get("id"))) and not shut and not mapping(info.get("meta")).get("hidden"):
            sees = mapping(mapping(info.get("meta")).get("capabilities")).get("vision")
            vision = sees if isinstance(sees, bool) else None
            found.append(LiveModel(model_id, model_name(item.get("name")) or model_id, vision))
    return found


def resolve(known: SiteModel, live: Sequence[LiveModel]) -> str:
    """The site's id of a model: a known id in the live list, else the public name there, else the newest known id."""
    ids = {model.id for model in live}
    if exact := next((site_id for site_id in known.ids if site_id in ids), None):
        return exact
    names = {model.name.casefold(): model.id for model in live} | {model.id.casefold(): model.id for model in live}
    wanted = (known.public, *known.ids)
    return next((names[name.casefold()] for name in wanted if name.casefold() in names), known.ids[0])


def catalogue(known: Iterable[SiteModel], live: Sequence[LiveModel]) -> dict[str, Model]:
    """Public id → model, with all suffixes: the known ones, then those that only the live list has."""
    sight = {model.id: model.vision for model in live if model.vision is not None}
    models = []
    for one in known:
        site_id = resolve(one, live)
        sees = sight.get(site_id, one.vision)
        models.append(_model(one.public, site_id, vision=sees, context_length=one.context_length))
    taken = {model.site_id for model in models}
    names = {model.id.casefold() for model in models}
    for model in live:
        public = model.id if " " in model.name else model.name
        if model.id not in taken and public.casefold() not in names:
            models.append(_model(public, model.id, vision=bool(model.vision)))
            names.add(public.casefold())
    return with_suffixes(models, zai_data.SUFFIXES)


def _model(public: str, site_id: str, *, vision: bool, context_length: int | None = None) -> Model:
    return Model(public, site_id, vision=vision, tools="emulated", context_length=context_length, owned_by=OWNER)


def known_models(overrides: Mapping[str, str | Sequence[str]]) -> list[SiteModel]:
    """The built-in models with config.yaml's `model_ids` (public id → site id, or several to try) put over them."""
    table = {model.public: model for model in zai_data.MODELS}
    for public, given in overrides.items():
        ids = (given,) if isinstance(given, str) else tuple(given)
        table[public] = replace(table.get(public, SiteModel(public, ())), ids=ids)
    return list(table.values())
