"""Costs as people read them."""

import pytest

from addons.inspect.money import shown_cost


@pytest.mark.parametrize(
    ("cost", "told"),
    [
        ("", ""),
        ("0", "$0.0000"),
        ("0.00001", "<$0.0001"),
        ("0.018216", "$0.0182"),
        ("12.5", "$12.5000"),
        ("-1", ""),
        ("nan", ""),
        ("inf", ""),
        ("1e999999", ""),
        ("much", ""),
        ("9" * 60, ""),
        (None, ""),
        (3.5, ""),
    ],
)
def test_it_is_told_in_dollars_or_not_at_all(cost: object, told: str) -> None:
    assert shown_cost(cost) == told
