"""How much a model is to think: `reasoning_effort` in the words that the model takes."""

from collections.abc import Mapping
from typing import Any, Final

from providers.anthropic.takes import EFFORTS, Takes

_OFF: Final = frozenset({"none", "minimal"})
_BUDGETS: Final = {"low": 2048, "medium": 8192, "high": 16_384, "xhigh": 24_576, "max": 31_000}
LEAST_BUDGET: Final = 1024
_ROOM: Final = 256
"""Tokens that are left for the answer itself."""


def thinking_of(effort: str | None, takes: Takes, *, max_tokens: int, allowed: bool) -> dict[str, Any]:
    """The fields of a request: `thinking`, `output_config`. None of them where the client says nothing.

    `allowed` False: a call is demanded, or the turn that goes on began without a signed thought, which a model that
    thinks would have to see.
    """
    if effort is None or takes.thinking == "none":
        return {}
    if effort in _OFF:
        return _off(takes)
    found: dict[str, Any] = {}
    if takes.efforts and (nearest := nearest_effort(effort, takes.efforts)) is not None:
        found["output_config"] = {"effort": nearest}
    if allowed and (thinking := _on(effort, takes, max_tokens)) is not None:
        found["thinking"] = thinking
    return found


def _on(effort: str, takes: Takes, max_tokens: int) -> dict[str, Any] | None:
    if takes.thinking == "adaptive":
        return {"type": "adaptive"}
    if takes.thinking == "switch":
        return {"type": "enabled"}
    budget = min(_BUDGETS.get(effort, _BUDGETS["medium"]), max_tokens - _ROOM)
    return {"type": "enabled", "budget_tokens": budget} if budget >= LEAST_BUDGET else None


def _off(takes: Takes) -> dict[str, Any]:
    if takes.off == "never":
        return {"output_config": {"effort": takes.efforts[0]}} if takes.efforts else {}
    return {} if takes.off == "omit" else {"thinking": {"type": takes.off}}


def nearest_effort(effort: str, known: tuple[str, ...]) -> str | None:
    """The value next to `effort` that there is; the stronger of two."""
    if effort in known:
        return effort
    if effort not in EFFORTS:
        return None
    place = EFFORTS.index(effort)
    ranked = [name for name in known if name in EFFORTS]
    return min(ranked, key=lambda name: (abs(EFFORTS.index(name) - place), -EFFORTS.index(name)), default=None)


def is_on(fields: Mapping[str, Any]) -> bool:
    """Whether a request's fields switch thinking on."""
    return fields.get("thinking", {}).get("type") in ("enabled", "adaptive")
