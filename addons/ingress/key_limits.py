"""What a client is told of its key's limits: refusals, `x-ratelimit-*` as OpenAI has them, the policy at the door."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from addons.cleaning.fields import Fields
from addons.errors import SHORT_WAIT_S, GatewayError
from addons.ingress.gate import Admission
from addons.keys.limits import KeyLimits
from addons.keys.meter import Figures, OverLimit
from addons.keys.meters import KeyMeters

_NAMES_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class WithinLimits:
    """A key that has no room at all is told so at the head of its request; whether there is enough, its body says."""

    meters: Callable[[], KeyMeters]

    def check(self, admission: Admission) -> None:
        if not admission.asks_model or admission.identity is None or not admission.limits.metered:
            return
        meters = self.meters()
        try:
            meters.check(admission.identity, admission.limits)
        except OverLimit as over:
            error = over_limit(over, admission.key, admission.limits)
            error.extra_headers = limit_headers(meters.figures(admission.identity, admission.limits))
            raise error from None


def over_limit(over: OverLimit, key: str, limits: KeyLimits) -> GatewayError:
    """The refusal of a request that its key has no room for."""
    wait_s = over.retry_after_s
    again = f"try again in {span(wait_s)}" if wait_s is not None else "no more comes by waiting"
    said, code = {
        "rpm": (f"may ask {limits.rpm} times a minute; {again}", "rate_limit_exceeded"),
        "concurrent": (f"may have {limits.concurrent} requests under way at once; {again}", "rate_limit_exceeded"),
        "reserved": ("has requests under way that may need what is left to it; try again soon", "rate_limit_exceeded"),
        "tokens": (f"may use {limits.tokens_per_day} tokens a day, and this is more; {again}", "rate_limit_exceeded"),
        "budget": (f"has spent its budget of {limits.budget}; {again}", "insufficient_quota"),
    }[over.which]
    passes = over.which != "budget" and wait_s is not None and wait_s <= SHORT_WAIT_S
    return GatewayError(
        429, f"the API key {key!r} {said}", code=code, retry_after_s=wait_s, should_retry=None if passes else False
    )


def ran_over(which: str, key: str, limits: KeyLimits) -> GatewayError:
    """What an answer ends with that has used up what its key may use (limits.over: end)."""
    what = f"budget of {limits.budget}" if which == "budget" else f"{limits.tokens_per_day} tokens of a day"
    message = f"the API key {key!r} has used up its {what}; the answer was ended before its end"
    return GatewayError(429, message, code="insufficient_quota", should_retry=False)


def not_allowed(model: str, key: str, limits: KeyLimits) -> GatewayError:
    """The refusal of a model that a key may not ask."""
    asked = f"the model {model[:100]!r}" if model else "for what names no model"
    message = f"the API key {key!r} may not ask {asked}; {_may(limits)}"
    return GatewayError(403, message, code="model_not_allowed", param="model", should_retry=False)


def no_further_models(field: str, key: str, limits: KeyLimits) -> GatewayError:
    """The refusal of a field that has an API choose among models by itself."""
    message = f"the API key {key!r} may not send {field!r}, which names further models; {_may(limits)}"
    return GatewayError(403, message, code="model_not_allowed", param=field, should_retry=False)


def not_counted(key: str) -> GatewayError:
    """The refusal of what a key with a limit of tokens or a budget could not be counted for."""
    message = (
        f"the API key {key!r} has a limit of tokens or a budget, and what a batch uses is known to its provider alone; "
        "use a key without such limits"
    )
    return GatewayError(403, message, code="batch_not_counted", should_retry=False)


def _may(limits: KeyLimits) -> str:
    names = limits.models or ()
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return f"it may ask: {', '.join(names[:_NAMES_SHOWN])}{more}"


def limit_headers(figures: Figures) -> Fields:
    """What is left to a key, under OpenAI's names."""
    requests, tokens = figures
    found: Fields = ()
    if requests is not None:
        limit, left, reset_s = requests
        found = (
            ("x-ratelimit-limit-requests", str(limit)),
            ("x-ratelimit-remaining-requests", str(left)),
            ("x-ratelimit-reset-requests", span(reset_s)),
        )
    if tokens is not None:
        limit, left, reset_s = tokens
        found = (
            *found,
            ("x-ratelimit-limit-tokens", str(limit)),
            ("x-ratelimit-remaining-tokens", str(left)),
            ("x-ratelimit-reset-tokens", span(reset_s)),
        )
    return found


def span(seconds: float) -> str:
    """So long, as OpenAI writes it: `1s`, `6m0s`, `23h59m0s`."""
    return _span(math.ceil(max(0.0, seconds)))


@lru_cache(maxsize=1024)
def _span(whole: int) -> str:
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s" if minutes else f"{rest}s"
