"""Reader of token counts of the OpenAI form, under the names that are in use."""

import re
from collections.abc import Mapping
from typing import Any, Final

from providers.contract.events import Usage
from providers.formats.jsontext import mapping

_DEPTH_LIMIT: Final = 4
_KEPT_LIMIT: Final = 64
"""Figures of earlier usage objects; each has a name of its own."""
_LARGEST: Final = 2**53
"""No count is larger, and many clients read no larger number."""
_DIGITS_LIMIT: Final = 24
_WRITTEN: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,9})?")
_PROMPT: Final = ("prompt_tokens", "input_tokens")
_DETAILS: Final = frozenset({"prompt_tokens_details", "completion_tokens_details"})
_COMPLETION: Final = ("completion_tokens", "output_tokens")


def counts_tokens(value: Any) -> bool:
    """Whether a `usage` value says anything: some APIs send null or {} in every chunk but the last."""
    return isinstance(value, dict) and _first(value, *_PROMPT, *_COMPLETION, "total_tokens") is not None


def best(known: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Mapping[str, Any]:
    """The later figures of two usage objects, but never a zero or nothing for one that was told."""
    if not known:
        return new
    kept = [(name, value) for name, value in known.items() if _says_more(value, new.get(name))]
    inner = {
        name: best(value, new[name])
        for name, value in known.items()
        if isinstance(value, dict) and value and isinstance(new.get(name), dict) and new[name]
    }
    return {**new, **inner, **dict(kept[:_KEPT_LIMIT])} if kept or inner else new


def usage_of(raw: Mapping[str, Any]) -> Usage:
    told = (_first(raw, *_PROMPT), _first(raw, *_COMPLETION))
    total = _first(raw, "total_tokens") or 0
    prompt = told[0] or 0
    completion = told[1] or 0
    if told[1] is None and told[0] is not None:
        completion = max(0, total - prompt)
    elif told[0] is None:
        prompt = max(0, total - completion)
    prompt_details = mapping(raw.get("prompt_tokens_details")) or mapping(raw.get("input_tokens_details"))
    details = mapping(raw.get("completion_tokens_details")) or mapping(raw.get("output_tokens_details"))
    cached = _first(prompt_details, "cached_tokens")
    if cached is None:  # DeepSeek, Moonshot
        cached = _first(raw, "prompt_cache_hit_tokens", "cached_tokens")
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=max(total, prompt + completion),
        reasoning_tokens=_first(details, "reasoning_tokens"),
        cached_tokens=cached,
        raw=_with_whole_counts(raw, 0),
        written_tokens=_first(prompt_details, "cache_write_tokens"),
    )


def _first(place: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        if (count := _count(place.get(name))) is not None:
            return count
    return None


def _count(value: Any) -> int | None:
    """A count as a whole number, also where it is written as a float or as text; None when it cannot be one."""
    if value is None:
        return None
    if isinstance(value, str):
        value = _number(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LARGEST:
        return None
    return int(value)


def _number(text: str) -> float | None:
    """`7`, `7.0`, ` 7 `; no other way to write a count."""
    return float(text) if len(text) <= _DIGITS_LIMIT and _WRITTEN.fullmatch(text.strip()) else None


def _says_more(known: Any, new: Any) -> bool:
    if isinstance(known, dict):
        return not new
    return bool(_count(known)) and not _count(new)


def _with_whole_counts(raw: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """The same object with 5.0 and "5" as 5, and details that are objects: strict clients know no others."""
    return {
        name: _whole_count(name, value, depth)
        for name, value in raw.items()
        if value is None or isinstance(value, dict) or name not in _DETAILS
    }


def _whole_count(name: str, value: Any, depth: int) -> Any:
    if isinstance(value, dict) and depth < _DEPTH_LIMIT:
        return _with_whole_counts(value, depth + 1)
    if isinstance(value, str) and name.endswith("tokens") and (number := _number(value)) is not None:
        value = number
    elif depth and name.endswith("tokens") and _count(value) is None:
        return None  # a detail that is no count
    return int(value) if isinstance(value, float) and value.is_integer() else value
