"""LongCat's keys in config.yaml. The defaults are those of longcat/data.py."""

from collections.abc import Mapping

from pydantic import Field

from providers.contract.provider import ProviderOptions
from providers.contract.written import Written
from providers.longcat import data


class SwitchOptions(Written):
    """A public name of one's own: which switches it sets, and which agent it asks."""

    thinking: bool | None = None
    search: bool | None = None
    agent_id: str = "1"


class LongCatOptions(ProviderOptions):
    """The keys of a `longcat` provider."""

    base_url: str = data.BASE_URL
    headers: Mapping[str, str] = Field(default_factory=dict)
    """Put over the page's headers; an empty value takes one away."""
    models: Mapping[str, SwitchOptions] = Field(default_factory=dict)
    """Public name → switches, put over the built-in ones."""
