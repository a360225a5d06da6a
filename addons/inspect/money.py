"""Costs as people read them. Pure."""

from decimal import Decimal, InvalidOperation
from typing import Final

_LONGEST: Final = 40
_LEAST: Final = Decimal("0.0001")


def shown_cost(cost: object) -> str:
    """An annotation's cost in dollars, to the hundredth of a cent; empty where it is none, as a file may have it."""
    if not isinstance(cost, str) or not cost or len(cost) > _LONGEST:
        return ""
    try:
        amount = Decimal(cost)
    except InvalidOperation:
        return ""
    if not amount.is_finite() or amount < 0 or amount.adjusted() > _LONGEST:
        return ""
    return f"<${_LEAST}" if 0 < amount < _LEAST else f"${amount:.4f}"
