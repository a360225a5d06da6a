"""Tables of an official API's models: those known beforehand, those config.yaml names, and the API's own list."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from providers.contract.provider import Model


def joined(known: Mapping[str, Model], live: Sequence[Model]) -> dict[str, Model]:
    """The known models, then those only the API's own list has."""
    table = dict(known)
    taken = {name.casefold() for model in known.values() for name in (model.id, model.site_id)}
    for model in live:
        if model.id.casefold() not in taken:
            table[model.id] = model
    return table


def renamed(models: Mapping[str, str], known: Iterable[Model], owned_by: str) -> dict[str, Model]:
    """The models of config.yaml (public id → the API's id, or a known public id), with what is known of them."""
    by_name: dict[str, Model] = {}
    for model in known:
        by_name.setdefault(model.id.casefold(), model)
        by_name.setdefault(model.site_id.casefold(), model)
    table: dict[str, Model] = {}
    for public, site_id in models.items():
        model = by_name.get(site_id.casefold()) or Model(
            public, site_id, vision=None, tools="unknown", owned_by=owned_by
        )
        table[public] = replace(model, id=public)
    return table


def model_of(models: Mapping[str, Model], public: str) -> Model:
    """The model as far as it is known; one that nobody has heard of is the API's own business."""
    known = models.get(public)
    if known is None:
        folded = public.casefold()
        known = next((model for name, model in models.items() if name.casefold() == folded), None)
    return known or Model(public, public, tools="native")
