"""The features of the gateway, in the order in which a request passes them; its answer passes them backwards."""

from dataclasses import replace
from typing import Final

from addons.features.feature import Applied, Check, Feature, Served
from addons.features.stop_limits import StopLimits
from providers.contract.requests import ModelRequest

FEATURES: Final[list[Feature]] = [StopLimits()]
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
    return lambda events: inner(events) or outer(events)
