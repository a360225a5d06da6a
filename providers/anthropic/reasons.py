"""Why an answer of the Messages form ended: `stop_reason` in our words."""

from collections.abc import Mapping
from typing import Any, Final

from providers.contract.events import FinishReason

WINDOW: Final = "model_context_window_exceeded"
REASONS: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    WINDOW: "length",
    "pause_turn": "length",  # a turn of server tools that was to go on
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def reason_of(stop_reason: Any) -> FinishReason | None:
    """Our word for it: `stop` for one that is not known, None where it is none yet."""
    return REASONS.get(stop_reason, "stop") if isinstance(stop_reason, str) and stop_reason else None
