"""The provider that setup adds: what is asked for by a name, as an entry of config.yaml."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from addons.cli.base import Problem
from addons.config.names import is_name
from providers.registry import preset_types, provider_class, type_names


@dataclass(frozen=True, slots=True)
class Wanted:
    """The provider: its name, its entry, its account."""

    name: str
    entry: dict[str, Any]
    account: str
    keyless: bool = False

    @property
    def wants_key(self) -> bool:
        return not (self.keyless or provider_class(self.entry["type"]).web_session)


def site_names() -> list[str]:
    """The sites that are reached with a web session."""
    return [name for name in type_names() if provider_class(name).web_session]


def api_names() -> list[str]:
    """The official APIs that are known."""
    return sorted(preset_types())


def chosen(word: str, account: str, base_url: str | None, models: Sequence[str] = (), *, keyless: bool) -> Wanted:
    """The provider that `word` names: an official API, `web:SITE`, or any name with a `base_url`. Raises Problem."""
    accounts: list[Any] = [{"name": account, "session": "none"}] if keyless else [account]
    if base_url is not None:
        if not is_name(word):
            raise Problem("a provider's name is made of letters, digits, '.', '_' and '-'")
        served = {"models": list(models)} if models else {}
        entry = {"type": "openai_compatible", "base_url": base_url, **served, "accounts": accounts}
        return Wanted(word, entry, account, keyless)
    kind, _, site = word.casefold().partition(":")
    if kind == "web":
        if site not in site_names():
            raise Problem(f"there is no site {site!r}. Known: {', '.join(f'web:{name}' for name in site_names())}")
        return Wanted(site, {"type": site, "accounts": accounts}, account)
    if kind not in preset_types():
        near = difflib.get_close_matches(kind, api_names(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(api_names())}."
        raise Problem(f"there is no API {word!r} known here.{hint} Any other: --base-url https://…/v1")
    name = f"{kind}-api" if kind in site_names() else kind
    entry = {"type": preset_types()[kind], "preset": kind, "accounts": accounts}
    return Wanted(name, entry, account, keyless)
