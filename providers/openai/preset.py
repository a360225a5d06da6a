"""The preset of a known API: its address, its form, its models."""

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from providers.official.prices import NO_PRICES, PriceTable
from providers.openai.form import Form
from providers.shared.suffixes import Suffixes

type OperationName = Literal[
    "chat",
    "completions",
    "responses",
    "images",
    "variations",
    "embeddings",
    "speech",
    "transcriptions",
    "translations",
    "moderations",
    "rerank",
    "files",
    "batches",
]
"""What an API can be asked for (providers/openai/provider.py has the operations)."""
OPERATIONS: Final[tuple[OperationName, ...]] = get_args(OperationName.__value__)


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model served without asking the API for its list. `thinking`/`search`: there are variants with these on."""

    public: str
    site_id: str = ""
    """The API's name, where it is another."""
    thinking: bool = False
    search: bool = False
    vision: bool = False
    context_length: int | None = None
    always_thinking: bool = False
    draws: bool = False
    """It makes pictures, and no words."""


@dataclass(frozen=True, slots=True)
class Preset:
    """The facts about a known API."""

    base_url: str
    owned_by: str
    form: Form
    operations: tuple[OperationName, ...] = ("chat", "completions")
    models: tuple[KnownModel, ...] = ()
    suffixes: Suffixes | None = None
    """Variants of the known models by the ends of their names, as the site's web adapter has them."""
    not_chat: tuple[str, ...] = ()
    """Parts of ids in the live list that are no chat models."""
    draws: tuple[str, ...] = ()
    """Parts of ids that make pictures, of those that are no chat models or of others."""
    prices: PriceTable = field(default_factory=lambda: NO_PRICES, repr=False)
