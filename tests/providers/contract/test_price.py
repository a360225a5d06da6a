"""What tokens cost."""

from decimal import Decimal

import pytest

from providers.contract.events import Usage
from providers.contract.price import LongerPrompt, Price, dollars_of, money_of

PRICE = Price(Decimal(3), Decimal(15), Decimal("0.3"), Decimal("3.75"))
PLAIN = Price(Decimal(2), Decimal(8))


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (Usage(1_000_000, 0, 0), "3"),
        (Usage(0, 1_000_000, 0), "15"),
        (Usage(100, 10, 110), "0.00045"),
        (Usage(100, 10, 110, reasoning_tokens=5), "0.00045"),
        (Usage(100, 10, 110, cached_tokens=80), "0.000234"),
        (Usage(100, 10, 110, cached_tokens=60, written_tokens=20), "0.000303"),
        (Usage(100, 0, 100, cached_tokens=500, written_tokens=500), "0.00003"),
    ],
)
def test_each_kind_of_token_has_its_price(usage: Usage, cost: str) -> None:
    assert PRICE.rates().cost(usage) == money_of(Decimal(cost))


def test_input_without_a_price_of_its_own_costs_what_input_costs() -> None:
    rates = PLAIN.rates()
    assert rates.cost(Usage(100, 0, 100, cached_tokens=60, written_tokens=20)) == rates.cost(Usage(100, 0, 100))


@pytest.mark.parametrize(("prompt", "cost"), [(200, "0.0004"), (201, "0.00201"), (401, "0.0401")])
def test_a_longer_prompt_costs_more_as_a_whole(prompt: int, cost: str) -> None:
    longest = LongerPrompt(400, Price(Decimal(100), Decimal(0)))
    stepped = Price(Decimal(2), Decimal(8), longer=LongerPrompt(200, Price(Decimal(10), Decimal(0), longer=longest)))
    rates = stepped.rates()
    assert rates.cost(Usage(prompt, 0, prompt)) == money_of(Decimal(cost)) == prompt * rates.of_prompt(prompt).input


def test_costs_are_exact_and_no_floats() -> None:
    third = Price(Decimal("0.000001"), Decimal("0.1")).rates()
    assert dollars_of(sum(third.cost(Usage(1, 1, 2)) for _ in range(10))) == Decimal("0.00000100001")


def test_what_is_less_than_a_femtodollar_a_token_costs_one() -> None:
    """Nobody has anything for nothing; all that prices are told in is exact."""
    cheap = Price(Decimal("0.000000000001"), Decimal("0.0000000011")).rates()
    assert (cheap.input, cheap.output) == (1, 2)
    assert dollars_of(money_of(Decimal("1000000.123456789"))) == Decimal("1000000.123456789")
