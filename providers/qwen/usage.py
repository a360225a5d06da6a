"""Token counts of a Qwen stream. Sums so far, on nearly each frame; they begin anew with each tool round."""

from collections.abc import Mapping
from typing import Any, Final

from providers.contract.events import Usage
from providers.formats.jsontext import mapping, whole

_MOST: Final = 2**53
"""Beyond it a number is no count, and no JSON reader agrees on it."""


def read_usage(usage: Mapping[str, Any]) -> Usage | None:
    """Token counts of either age of names; None where there are none."""
    prompt = _count_of(usage, "input_tokens", "prompt_tokens")
    completion = _count_of(usage, "output_tokens", "completion_tokens")
    if prompt is None or completion is None:
        return None
    made_of = mapping(usage.get("output_tokens_details")) or mapping(usage.get("completion_tokens_details"))
    cached = mapping(usage.get("prompt_tokens_details")) or mapping(usage.get("input_tokens_details"))
    total = _count_of(usage, "total_tokens")
    return Usage(
        prompt,
        completion,
        prompt + completion if total is None else total,
        reasoning_tokens=_count_of(made_of, "reasoning_tokens"),
        cached_tokens=_count_of(cached, "cached_tokens"),
    )


def _count_of(usage: Mapping[str, Any], *names: str) -> int | None:
    counts = (whole(usage.get(name)) for name in names)
    return next((count for count in counts if count is not None and 0 <= count <= _MOST), None)
