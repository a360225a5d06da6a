"""Reader of token counts of the Messages form. Its `input_tokens` leave out what came from the cache or went into it;
ours count all of the prompt."""

from typing import Any, Final

from providers.contract.events import Usage
from providers.formats.jsontext import mapping

_LARGEST: Final = 2**53
_NAMES: Final = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


class UsageReader:
    """The counts of one answer: those of a later event take the place of earlier ones, where they name any."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._thinking: int | None = None

    def read(self, usage: Any) -> Usage | None:
        """All that is known with these; None where they say nothing."""
        found = mapping(usage)
        fresh = {name: count for name in _NAMES if (count := _count(found.get(name))) is not None}
        if (thinking := _count(mapping(found.get("output_tokens_details")).get("thinking_tokens"))) is not None:
            self._thinking = thinking
        if not fresh:
            return None
        if not fresh.get("input_tokens") and self._counts.get("input_tokens"):
            fresh.pop("input_tokens", None)  # the last event of some APIs counts the answer alone
        self._counts |= fresh
        return self._usage()

    @property
    def output_tokens(self) -> int:
        """Of the answer, as far as is known."""
        return self._counts.get("output_tokens", 0)

    def _usage(self) -> Usage:
        counts = self._counts
        cached, written = counts.get("cache_read_input_tokens"), counts.get("cache_creation_input_tokens", 0)
        prompt = counts.get("input_tokens", 0) + (cached or 0) + written
        completion = counts.get("output_tokens", 0)
        found = Usage(prompt, completion, prompt + completion, self._thinking, cached)
        return found if not written else _told_written(found, written)


def _told_written(usage: Usage, written: int) -> Usage:
    """The same, with what went into the cache under OpenRouter's name for it: it has another price."""
    details: dict[str, int] = {"cached_tokens": usage.cached_tokens or 0, "cache_write_tokens": written}
    raw: dict[str, Any] = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": details,
    }
    if usage.reasoning_tokens is not None:
        raw["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return Usage(
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.total_tokens,
        usage.reasoning_tokens,
        usage.cached_tokens,
        raw,
        written,
    )


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LARGEST:
        return None
    return int(value)
