"""K2Think's keys in config.yaml. The defaults are those of k2think/data.py."""

from collections.abc import Mapping

from pydantic import Field

from providers.contract.provider import ProviderOptions
from providers.k2think import data


class K2ThinkOptions(ProviderOptions):
    """The keys of a `k2think` provider."""

    base_url: str = data.BASE_URL
    stream: bool = True
    """Ask the site for a stream; else for a whole answer."""
    headers: Mapping[str, str] = Field(default_factory=dict)
    """Put over the page's headers; an empty value takes one away."""
    model_ids: Mapping[str, str | tuple[str, ...]] = Field(default_factory=dict)
    """Public id → the site's id, or several to try; put over the built-in ones."""
