"""Headers of a provider's answer that the client is shown: what is left of its limits, and the id of the request. Pure.

A fixed list; values are short words and numbers or nothing.
"""

import re
from collections.abc import Mapping
from typing import Final

_OF: Final = ("-requests", "-tokens", "", "-requests-minute", "-tokens-minute", "-requests-day", "-tokens-day")
RATE_LIMITS: Final = tuple(f"x-ratelimit-{what}{of}" for of in _OF for what in ("limit", "remaining", "reset"))
"""OpenAI's own names, which Groq, Mistral and others have taken over; OpenRouter's and Together's without a unit;
Cerebras' by minute and day."""
_ANTHROPIC_LIMITS: Final = tuple(
    f"anthropic-ratelimit-{of}-{what}"
    for of in ("requests", "tokens", "input-tokens", "output-tokens")
    for what in ("limit", "remaining", "reset")
)
"""Those of Anthropic's form keep their names. What it says of a subscription's limits (`unified`) is left out: programs
show it as the person's own, and accounts may be many."""
REQUEST_IDS: Final = (
    "x-request-id", "request-id", "x-ds-trace-id", "apim-request-id", "x-siliconcloud-trace-id", "x-generation-id",
    "mistral-correlation-id", "x-tt-logid", "trace-id",
)  # fmt: skip
_MIRRORED: Final = frozenset((*RATE_LIMITS, *_ANTHROPIC_LIMITS, *REQUEST_IDS))
_UPSTREAM_LIMIT: Final = "x-glassgate-upstream-ratelimit-"
_UPSTREAM_ID: Final = "x-glassgate-upstream-request-id"
UPSTREAM_HEADERS: Final = (
    *RATE_LIMITS,
    *_ANTHROPIC_LIMITS,
    *(_UPSTREAM_LIMIT + name.removeprefix("x-ratelimit-") for name in RATE_LIMITS),
    _UPSTREAM_ID,
)
"""Every name that a client may be shown by this."""
_VALUE: Final = re.compile(r"[A-Za-z0-9.:_+/ -]{1,100}")


def upstream_headers(headers: Mapping[str, str], *, own_limits: bool = False) -> tuple[tuple[str, str], ...]:
    """What to add to the client's answer. Header names of `headers` are lower case.

    `own_limits`: the client's key has limits of its own, which `x-ratelimit-*` then are.
    """
    if _MIRRORED.isdisjoint(headers):  # mostly
        return ()
    prefix = _UPSTREAM_LIMIT if own_limits else "x-ratelimit-"
    found = [
        (prefix + name.removeprefix("x-ratelimit-"), headers[name]) for name in RATE_LIMITS if _fits(headers.get(name))
    ]
    found += [(name, headers[name]) for name in _ANTHROPIC_LIMITS if _fits(headers.get(name))]
    request_id = next((headers[name] for name in REQUEST_IDS if _fits(headers.get(name))), None)
    return (*found, (_UPSTREAM_ID, request_id)) if request_id else tuple(found)


def _fits(value: str | None) -> bool:
    return value is not None and _VALUE.fullmatch(value) is not None
