"""What a model's tokens cost."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from providers.contract.events import Usage

type Money = int
"""In femtodollars, 10⁻¹⁵ USD: whole numbers of them are exact and quick to add, and a price per million tokens with up
to nine decimals is one for each token."""

DOLLAR: Final[Money] = 10**15
_MILLION: Final = 1_000_000


def money_of(dollars: Decimal) -> Money:
    """USD in femtodollars; what is less than one counts as one."""
    return int((dollars * DOLLAR).to_integral_value(ROUND_CEILING))


def dollars_of(money: Money) -> Decimal:
    """The same in USD, exactly."""
    return Decimal(money).scaleb(-15)


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

    def rates(self) -> "Rates":
        """The same for each token, to be worked with."""
        plain, longer = self.input, self.longer
        return Rates(
            _each(plain),
            _each(self.output),
            _each(plain if self.cached_input is None else self.cached_input),
            _each(plain if self.cache_write is None else self.cache_write),
            (longer.than, longer.price.rates()) if longer is not None else None,
        )


@dataclass(frozen=True, slots=True)
class LongerPrompt:
    """Other prices of a whole request whose prompt has more tokens `than` these."""

    than: int
    price: Price


@dataclass(frozen=True, slots=True)
class Rates:
    """What each token costs."""

    input: Money
    output: Money
    cached: Money
    written: Money
    longer: "tuple[int, Rates] | None" = None
    """Those of a whole request whose prompt has more tokens than this."""

    def cost(self, usage: Usage) -> Money:
        """What these tokens cost."""
        prompt = usage.prompt_tokens
        if self.longer is not None and prompt > self.longer[0]:
            return self.longer[1].cost(usage)
        total = prompt * self.input + usage.completion_tokens * self.output
        if usage.cached_tokens or usage.written_tokens:
            cached = min(usage.cached_tokens or 0, prompt)
            written = min(usage.written_tokens or 0, prompt - cached)
            total += cached * (self.cached - self.input) + written * (self.written - self.input)
        return total

    def of_prompt(self, prompt: int) -> "Rates":
        """Those of a request whose prompt has so many tokens."""
        if self.longer is not None and prompt > self.longer[0]:
            return self.longer[1].of_prompt(prompt)
        return self


def _each(per_million: Decimal) -> Money:
    return money_of(per_million / _MILLION)
