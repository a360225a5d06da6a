"""Why an answer ended, in whatever words and shapes APIs say it.

Known words have their meaning in a table. An unknown one is taken apart: a word that speaks of a filter, of a limit or
of a failure means that, whatever else it is called; only one that cannot mean any of these counts as `stop`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from providers.errors import ErrorKind
from providers.events import FinishReason
from providers.jsontext import text
from providers.openai_words import short_code

_STOP: Final = (
    "stop eos eos_token end_turn stop_sequence stop_token stop_string end_of_text complete completed completion done"
    " finished finish success succeeded ok end eot natural_stop pause_turn message_stop"
)
_TOOLS: Final = "tool_calls tool_use tool_call tools function_calls tool mcp_call"
_LENGTH: Final = (
    "length max_tokens max_output_tokens max_completion_tokens max_new_tokens max_length model_length token_limit"
    " model_context_window_exceeded context_length_exceeded length_capped too_long"
)
_FILTER: Final = "content_filter content_filtered sensitive safety refusal language model_armor"

REASONS: Final[Mapping[str, FinishReason]] = {
    **dict.fromkeys(_STOP.split(), "stop"),
    **dict.fromkeys(_TOOLS.split(), "tool_calls"),
    **dict.fromkeys(_LENGTH.split(), "length"),
    **dict.fromkeys(_FILTER.split(), "content_filter"),
    "function_call": "function_call",
}
"""In lower case, words parted by underscores."""

FAILURES: Final[Mapping[str, ErrorKind]] = dict.fromkeys(
    ["error", "abort", "network_error", "insufficient_system_resource", "other", "function_call_filter"],
    ErrorKind.PROVIDER_DOWN,
)

_KINDS: Final[Mapping[str, ErrorKind]] = {kind.value: kind for kind in ErrorKind}
_NOTHING: Final = frozenset({"", "null", "none", "nil", "undefined", "unspecified", "in_progress"})
"""Texts that say that there is no reason yet."""

_BROKEN_CALL: Final = re.compile(r"malformed|unexpected|invalid_(?:tool|function)|missing")
_FILTERED: Final = re.compile(
    r"filter|safety|unsafe|prohibit|block|recitation|spii|(?:^|_)pii|sensitiv|moderat|toxic|refus|policy|guardrail"
    r"|inappropriate|flagged|forbidden|jailbreak|censor|violat|harm|copyright|profan|armor|(?:^|_)risk"
)
_CUT: Final = re.compile(
    r"length|truncat|too_long|context_window|token.{0,60}(?:limit|max|exceed|cap)|(?:max|limit).{0,60}token"
)
_FAILED: Final = re.compile(
    r"err(?:or|ed|$|_)|fail|abort|cancel|time_?out|timed_out|deadline|interrupt|exception|incomplete|disconnect|network"
    r"|insufficient|overload|unavailable|crash|kill|terminat|exhaust|reject|den(?:y|ied)|too_many|rate_limit|quota"
    r"|broke|lost|closed|reset|expired|internal|fault|preempt|evict|out_of_memory|(?:^|_)oom|invalid|malform|panic|no_image"
)
_TOOLED: Final = re.compile(r"tool|function")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GAPS: Final = re.compile(r"[^\w]+|_+")
_PREFIX: Final = re.compile(r"^(?:finish|stop|done)_?reasons?_")
_LIMIT: Final = 200
_DEPTH_LIMIT: Final = 4
_PLACES: Final = ("type", "reason", "finish_reason", "name", "code", "value", "status", "kind")


_RANKS: Final[Mapping[FinishReason, int]] = {
    "stop": 0,
    "tool_calls": 1,
    "function_call": 1,
    "length": 2,
    "content_filter": 3,
}


class End(NamedTuple):
    """A reason's meaning: `reason`, or `failure`. `known`: it stands in a table. `words`: what else the API said."""

    reason: FinishReason
    failure: ErrorKind | None
    word: str
    known: bool
    words: str = ""


def end_of(said: Any, own: Mapping[str, str]) -> End | None:
    """What a finish_reason means; None when it is none yet. `own`: the API's own words → ours (Form.finish_reasons)."""
    word, words = _word_of(said)
    lower = word.lower()
    plain = normal(word)
    given = own.get(lower, own.get(plain))
    plain = given or plain
    if plain in _NOTHING:
        return None
    code = short_code(lower) or short_code(plain) or "other"
    if plain in REASONS:
        return End(REASONS[plain], None, code, known=True)
    kind = FAILURES.get(plain) or (_KINDS.get(plain) if given else None)
    if kind is not None:
        return End("stop", kind, code, known=True, words=words)
    return _guessed(plain, code, words)


def normal(word: str) -> str:
    """`MaxTokens`, `max-tokens`, `FINISH_REASON_MAX_TOKENS` as `max_tokens`."""
    parted = _GAPS.sub("_", _CAMEL.sub("_", word[:_LIMIT])).strip("_").lower()
    return _PREFIX.sub("", parted)


def joined(before: FinishReason | None, now: FinishReason) -> FinishReason:
    """Of two reasons for one candidate the one that says more: a `stop` behind another takes nothing back."""
    return now if before is None or _RANKS[now] >= _RANKS[before] else before


def _guessed(plain: str, code: str, words: str) -> End:
    if _BROKEN_CALL.search(plain):
        return End("stop", ErrorKind.PROVIDER_DOWN, code, known=False, words=words)
    if _FILTERED.search(plain):
        return End("content_filter", None, code, known=False)
    if _CUT.search(plain):
        return End("length", None, code, known=False)
    if _FAILED.search(plain):
        return End("stop", ErrorKind.PROVIDER_DOWN, code, known=False, words=words)
    return End("tool_calls" if _TOOLED.search(plain) else "stop", None, code, known=False)


def _word_of(said: Any) -> tuple[str, str]:
    """The word, and the API's other words, of a reason in any shape: text, an object around it, a list of one."""
    for _ in range(_DEPTH_LIMIT):
        if isinstance(said, list):
            said = said[0] if said else None
    if isinstance(said, dict):
        found = [word for name in _PLACES if (word := text(said.get(name)))]
        words = text(said.get("message")) or text(said.get("detail"))
        if not found:
            found = [value for value in said.values() if isinstance(value, str)] or list(map(str, said))
        return ("_".join(found[:1] if normal(found[0]) in REASONS else found[:3]) if found else ""), words
    if isinstance(said, bool) or said is None:
        return ("done" if said else ""), ""
    if isinstance(said, int | float):
        return (f"number_{said}" if said else ""), ""
    return text(said), ""
