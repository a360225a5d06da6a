"""The suffix rule of public model names: `GLM-4.6-Thinking-Search` is GLM-4.6 with thinking and search switched on.

Suffixes are an invention of gateways, not of the sites: each stands for a switch of the site's own page.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from providers.contract.provider import Model

type Suffixes = Mapping[str, tuple[bool | None, bool | None]]
"""Suffix → (thinking, search); None leaves the switch to the client."""


def with_suffixes(models: Iterable[Model], suffixes: Suffixes) -> dict[str, Model]:
    """The models by public id, each base model followed by its variants."""
    table: dict[str, Model] = {}
    for model in models:
        table.setdefault(model.id, model)
        for suffix, (thinking, search) in suffixes.items():
            variant = replace(
                model,
                id=model.id + suffix,
                thinking=model.thinking if thinking is None else thinking,
                search=model.search if search is None else search,
                variant=bool(suffix),
            )
            table.setdefault(variant.id, variant)
    return table


def wants_thinking(model: Model, reasoning_effort: str | None, *, default: bool) -> bool:
    """Whether the model shall think: its name decides, else the client's reasoning_effort, else `default`."""
    if model.thinking is not None:
        return model.thinking
    if reasoning_effort is not None:
        return reasoning_effort not in ("none", "minimal")
    return default


def wants_search(model: Model, search: bool | None) -> bool:
    """Whether the model shall search: its name decides, else the client's web_search_options."""
    return model.search if model.search is not None else bool(search)
