"""Qwen's models: the public names with their suffixes, and the site's ids as its live list gives them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from providers.contract.chat import MediaKind
from providers.contract.provider import Model
from providers.formats.jsontext import MODELS_LIMIT, mapping, model_name, whole
from providers.qwen import data
from providers.qwen.data import SiteModel
from providers.shared.suffixes import with_suffixes

type Aliases = Mapping[str, Sequence[str]]
"""Public id → the site's ids to try, best first."""


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """The meaning of a public model id."""

    model: Model
    site: SiteModel
    image: bool = False
    editor: SiteModel | None = None
    """Who changes pictures, where this one makes them."""


def read_live(body: Any) -> list[SiteModel] | None:
    """The active models of GET /api/models or /api/v2/models/; None when the answer is no list of models."""
    items = mapping(body).get("data")
    if isinstance(items, dict):
        items = items.get("data")
    if not isinstance(items, list):
        return None
    found = (_read_item(mapping(item)) for item in items[:MODELS_LIMIT])
    return [model for model in found if model is not None]


def _read_item(item: Mapping[str, Any]) -> SiteModel | None:
    site_id, info = model_name(item.get("id")), mapping(item.get("info"))
    if not site_id or False in (info.get("is_active"), item.get("is_active")):
        return None
    meta = mapping(info.get("meta"))
    types = meta.get("chat_type")
    types = {kind for kind in types if isinstance(kind, str)} if isinstance(types, list) else set()
    if types and not types & {"t2t", "search", "t2i"}:
        return None
    return SiteModel(
        site_id,
        model_name(item.get("name")),
        thinking=_able(meta, "thinking"),
        search=_able(meta, "search") or "search" in types,
        images=not types or "t2i" in types,
        edits="image_edit" in types if types else None,
        vision=_able(meta, "vision", unknown=False),
        must_think=mapping(meta.get("think_skip")).get("enable") is False,
        auto_thinking=meta.get("auto_thinking") is not False,
        search_type=not types or "search" in types,
        thinking_format=model_name(meta.get("thinking_format")) or data.THINKING_FORMAT,
        context_length=whole(meta.get("max_context_length")),
        takes=_takes(meta),
    )


def _takes(meta: Mapping[str, Any]) -> frozenset[MediaKind]:
    """The kinds of files that a model of the list can be given; documents are read for it, unless it says no."""
    capabilities = mapping(meta.get("capabilities"))
    found: set[MediaKind] = set() if capabilities.get("document") is False else {"document"}
    kinds: tuple[tuple[MediaKind, str], ...] = (("image", "vision"), ("video", "video"), ("audio", "audio"))
    return frozenset(found | {kind for kind, name in kinds if _able(meta, name, unknown=False)})


def _able(meta: Mapping[str, Any], what: str, *, unknown: bool = True) -> bool:
    """Whether the list says a model can do a thing: `capabilities` by yes or no, `abilities` by 0 to 3."""
    capabilities, abilities = mapping(meta.get("capabilities")), mapping(meta.get("abilities"))
    if not capabilities and not abilities:
        return unknown
    return bool(capabilities.get(what)) or bool(abilities.get(what))


class Catalogue:
    """The catalogue of public ids: aliases, built-in models and those that only the live list has."""

    def __init__(self, aliases: Aliases, live: Sequence[SiteModel] = ()) -> None:
        self._live = _by_name(live)
        self._known = _by_name(data.MODELS)
        self.choices: dict[str, CatalogueEntry] = {}
        stand_ins = [self._site(name) for name in data.IMAGE_STAND_INS]
        for public, candidates in aliases.items():
            self._offer(public, [self._site(name) for name in candidates], stand_ins)
        taken = {public.casefold() for public in aliases}
        for site in (*data.MODELS, *live):
            if site.id.casefold() not in taken:
                taken.add(site.id.casefold())
                self._offer(site.id, [self._site(site.id)])
        self.models: Mapping[str, Model] = {public: choice.model for public, choice in self.choices.items()}

    def _site(self, name: str) -> SiteModel:
        """A model by id or name, as the live list has it, else as built in, else nothing known of it."""
        key = name.casefold()
        return self._live.get(key) or self._known.get(key) or SiteModel(name)

    def _offer(self, public: str, sites: Sequence[SiteModel], stand_ins: Sequence[SiteModel] = ()) -> None:
        """The public id and each suffix that one of its sites' models can serve."""
        drawer = self._pick([s for s in (*sites, *stand_ins) if s.images])
        name = public + data.IMAGE_SUFFIX if drawer is not None else ""
        for suffix, (thinking, search) in {"": (None, None), **data.SUFFIXES}.items():
            site = self._pick([s for s in sites if (s.thinking or not thinking) and (s.search or not search)])
            if site is not None:
                plain = replace(_model(public, site), draws_as=name)
                model = with_suffixes([plain], {suffix: (thinking, search)})[public + suffix]
                self.choices.setdefault(model.id, CatalogueEntry(model, site))
        if drawer is not None:
            editor = self._pick([s for s in (*sites, *stand_ins) if (s.vision if s.edits is None else s.edits)])
            model = Model(
                name,
                drawer.id,
                thinking=False,
                search=False,
                vision=editor is not None,
                owned_by=data.OWNER,
                variant=True,
                draws_as=name,
            )
            self.choices.setdefault(name, CatalogueEntry(model, drawer, image=True, editor=editor))

    def _pick(self, sites: Sequence[SiteModel]) -> SiteModel | None:
        """The first that the live list has, else the first."""
        here = (site for site in sites if site.id.casefold() in self._live)
        return next(here, sites[0] if sites else None)


def _model(public: str, site: SiteModel) -> Model:
    return Model(
        public,
        site.id,
        thinking=True if site.must_think else None if site.thinking else False,
        search=None if site.search else False,
        vision=site.vision,
        context_length=site.context_length,
        tools="emulated",
        owned_by=data.OWNER,
    )


def _by_name(models: Iterable[SiteModel]) -> dict[str, SiteModel]:
    """Models by id and by name, without regard to case; an id goes before a name."""
    models = list(models)
    names = {model.name.casefold(): model for model in models if model.name}
    return names | {model.id.casefold(): model for model in models}
