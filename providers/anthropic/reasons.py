"""Why an answer of the Messages form ended: `stop_reason` in our words."""

from collections.abc import Mapping
from typing import Any, Final

from providers.contract.events import FinishReason
from providers.official import reasons as official
from providers.official.reasons import End

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


def end_of(stop_reason: Any) -> End | None:
    """Its meaning; None where it is none yet. APIs that took the form over say words of the OpenAI form too, and call a
    failure one."""
    if not isinstance(stop_reason, str) or not stop_reason:
        return None
    known = REASONS.get(stop_reason)
    return official.end_of(stop_reason, {}) if known is None else End(known, None, stop_reason, known=True)
