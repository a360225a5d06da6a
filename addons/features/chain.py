"""The features of the gateway, in the order in which a request passes them; its answer passes them backwards."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from addons.features.feature import Applied, Check, Feature, Flaw, Served
from addons.features.media.feature import Media
from addons.features.pictures import Pictures
from addons.features.stop_limits import StopLimits, StopsInWords
from addons.features.structured.feature import Structured
from addons.features.switches import Switches
from addons.features.tools.feature import Tools
from providers.contract.events import Event
from providers.contract.requests import ModelRequest

FEATURES: Final[list[Feature]] = [Pictures(), Switches(), Media(), Structured(), StopsInWords(), Tools(), StopLimits()]
"""The order is the design: what changes the request's meaning comes before what counts its answer's tokens."""


def applied(request: ModelRequest, served: Served) -> Applied:
    """The request as all features leave it, for one attempt."""
    found = Applied(request)
    for feature in FEATURES:
        more = feature.apply(found.request, served)
        if more is not None:
            found = replace(
                more,
                claims=found.claims | more.claims,
                filters=(*more.filters, *found.filters),
                steps=(*found.steps, *more.steps),
                check=_both(found.check, more.check),
            )
    return found


def _both(outer: Check | None, inner: Check | None) -> Check | None:
    """The checks of two features as one: the later one looks first, as its filter does."""
    if outer is None or inner is None:
        return outer or inner
    return _Both([inner, outer])


class _Both:
    """The Check of an answer that has to pass several."""

    def __init__(self, checks: list[Check]) -> None:
        self._left = checks

    def passes(self, events: Sequence[Event]) -> bool:
        self._left = [check for check in self._left if not check.passes(events)]
        return not self._left

    def flaw(self, events: Sequence[Event]) -> Flaw | None:
        return next((flaw for check in self._left if (flaw := check.flaw(events)) is not None), None)
