"""The prices of official APIs, as far as slips of the pen can be found by a look at them."""

import pytest

from providers.official import price_data
from providers.official.prices import PriceTable


@pytest.mark.parametrize(
    "prices", [found for name, found in vars(price_data).items() if name.isupper() and isinstance(found, dict)]
)
def test_what_is_kept_or_longer_is_priced_in_the_right_direction(prices: PriceTable) -> None:
    """A slip of the pen in the data would most likely be one of these."""
    for name, price in prices.items():
        assert name == name.lower()
        while True:
            assert price.cached_input is None or price.cached_input < price.input
            assert price.cache_write is None or price.cache_write >= price.input
            assert price.output == 0 or price.output > price.input
            if price.longer is None:
                break
            assert price.longer.price.input > price.input
            price = price.longer.price
