"""Token counts of the OpenAI form, under the names that are in use."""

from collections.abc import Mapping
from typing import Any

from providers.events import Usage
from providers.jsontext import mapping, whole


def counts_tokens(value: Any) -> bool:
    """Whether a `usage` value says anything: some APIs send null or {} in every chunk but the last."""
    if not isinstance(value, dict):
        return False
    return any(whole(value.get(name)) is not None for name in ("prompt_tokens", "completion_tokens", "input_tokens"))


def usage_of(raw: Mapping[str, Any]) -> Usage:
    prompt = _first(raw, "prompt_tokens", "input_tokens") or 0
    completion = _first(raw, "completion_tokens", "output_tokens") or 0
    total = _first(raw, "total_tokens")
    prompt_details = mapping(raw.get("prompt_tokens_details")) or mapping(raw.get("input_tokens_details"))
    details = mapping(raw.get("completion_tokens_details")) or mapping(raw.get("output_tokens_details"))
    cached = _first(prompt_details, "cached_tokens")
    if cached is None:  # DeepSeek, Moonshot
        cached = _first(raw, "prompt_cache_hit_tokens", "cached_tokens")
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion if total is None else total,
        reasoning_tokens=_first(details, "reasoning_tokens"),
        cached_tokens=cached,
        raw=raw,
    )


def _first(place: Mapping[str, Any], *names: str) -> int | None:
    return next((count for name in names if (count := whole(place.get(name))) is not None), None)
