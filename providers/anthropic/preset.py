"""What is known of an API of the Messages form beforehand: its address, where its key goes, what its models take."""

from dataclasses import dataclass, field
from typing import Literal

from providers.anthropic.takes import SWITCH, Takes
from providers.official.prices import NO_PRICES, PriceTable

type KeyHeader = Literal["x-api-key", "authorization"]


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model served without asking the API for its list."""

    public: str
    site_id: str = ""
    """The API's name, where it is another."""
    vision: bool = True
    context_length: int | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """The facts about a known API. The defaults are what is assumed of an address of which nothing is known."""

    base_url: str
    owned_by: str
    key_header: KeyHeader = "authorization"
    models: tuple[KnownModel, ...] = ()
    takes: Takes = SWITCH
    """What its models take, but for those of `claude.py`."""
    search: bool = False
    """It has the server tool web_search."""
    schemas: bool = False
    """It has `output_config.format`; without it the gateway asks for JSON in words."""
    caches: bool = False
    """It keeps a prefix where `cache_control` says so; others do so by themselves, or not at all."""
    thought_returns: bool = False
    """It wants the thinking of earlier turns back, and checks no signature of it."""
    lists_models: bool = True
    lowest_temperature: float = 0.0
    prices: PriceTable = field(default_factory=lambda: NO_PRICES, repr=False)
