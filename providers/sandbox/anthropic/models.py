"""The models of the Messages stand-in: what each can, and how the list of them is paged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_PAGE: Final = 20
_MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Model:
    """One model; sizes in tokens."""

    display_name: str
    max_tokens: int
    window: int = 200_000
    adaptive: bool = True
    """It chooses how long it thinks, and takes an effort. Older ones are given a budget."""
    prefill: bool = False
    """It goes on with a last message of the assistant's."""


MODELS: Final[Mapping[str, Model]] = {
    "claude-sandbox": Model("Claude Sandbox", 64_000),
    "claude-sandbox-small": Model("Claude Sandbox Small", 32_000, adaptive=False, prefill=True),
    "claude-sandbox-1m": Model("Claude Sandbox 1M", 128_000, window=1_000_000),
}


def info(name: str) -> dict[str, Any]:
    """A model as the list tells of it."""
    model = MODELS[name]
    return {
        "type": "model",
        "id": name,
        "display_name": model.display_name,
        "created_at": "2026-02-04T00:00:00Z",
        "max_input_tokens": model.window,
        "max_tokens": model.max_tokens,
    }


def page(query: Mapping[str, str]) -> dict[str, Any] | str:
    """One page of the list, or what is wrong with the request for it."""
    try:
        limit = int(query.get("limit", _PAGE))
    except ValueError:
        return "limit: Input should be a valid integer, unable to parse string as an integer"
    if not 1 <= limit <= _MOST:
        return (
            f"limit: Input should be {'greater' if limit < 1 else 'less'} than or equal to {1 if limit < 1 else _MOST}"
        )
    names = list(MODELS)
    if (after := query.get("after_id")) in MODELS:
        names = names[names.index(str(after)) + 1 :]
    shown = names[:limit]
    return {
        "data": [info(name) for name in shown],
        "has_more": len(names) > len(shown),
        "first_id": shown[0] if shown else None,
        "last_id": shown[-1] if shown else None,
    }
