"""The features of the gateway, in the order in which a request passes them; its answer passes them backwards."""

from dataclasses import replace
from typing import Final

from addons.features.feature import Applied, Feature
from addons.features.stop_limits import StopLimits
from providers.contract.chat import ChatRequest
from providers.contract.provider import Model

FEATURES: Final[list[Feature]] = [StopLimits()]
"""The order is the design: what changes the request's meaning comes before what counts its answer's tokens."""


def applied(request: ChatRequest, model: Model, native: frozenset[str] | None) -> Applied:
    """The request as all features leave it, for one attempt at `model`."""
    found = Applied(request)
    for feature in FEATURES:
        more = feature.apply(found.request, model, native)
        if more is not None:
            claims, filters = found.claims | more.claims, (*more.filters, *found.filters)
            found = replace(more, claims=claims, filters=filters)
    return found
