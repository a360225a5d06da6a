"""What a model's tokens cost."""

from dataclasses import dataclass
from decimal import Decimal

from providers.contract.events import Usage

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens. None: as any input."""

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    """Input that the provider had kept."""
    cache_write: Decimal | None = None
    """Input that it keeps from now on, where that costs more."""
    longer: "LongerPrompt | None" = None

    def cost(self, usage: Usage) -> Decimal:
        """What these tokens cost, in USD, exactly."""
        if self.longer is not None and usage.prompt_tokens > self.longer.than:
            return self.longer.price.cost(usage)
        cached = min(usage.cached_tokens or 0, usage.prompt_tokens)
        written = min(usage.written_tokens or 0, usage.prompt_tokens - cached)
        plain = usage.prompt_tokens - cached - written
        total = plain * self.input + usage.completion_tokens * self.output
        total += cached * (self.input if self.cached_input is None else self.cached_input)
        total += written * (self.input if self.cache_write is None else self.cache_write)
        return total / _MILLION


@dataclass(frozen=True, slots=True)
class LongerPrompt:
    """Other prices of a whole request whose prompt has more tokens `than` these."""

    than: int
    price: Price
