"""The meaning of finish reasons, in whatever words and shapes APIs say them.

Known words have their meaning in a table. An unknown one is taken apart: a word that speaks of a filter, of a limit or
of a failure means that, whatever else it is called; only one that cannot mean any of these counts as `stop`.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import FinishReason
from providers.formats.jsontext import mapping, text
from providers.official.words import short_code
from providers.shared.quotable import quotable

_STOP: Final = (
    "stop eos eos_token end_turn stop_sequence stop_token stop_string end_of_text complete completed completion done"
    " finished finish success succeeded ok end eot natural_stop pause_turn message_stop"
)
_TOOLS: Final = "tool_calls tool_use tool_call tools function_calls tool mcp_call"
_LENGTH: Final = (
    "length max_tokens max_output_tokens max_completion_tokens max_new_tokens max_length model_length token_limit"
    " model_context_window_exceeded context_length_exceeded length_capped too_long incomplete"
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

LOST_CALL: Final = "The API speaks of a tool call and sent none. Try again."
CUT_CALL: Final = "The API ended its answer in the middle of a tool call. Try again."
_KINDS: Final[Mapping[str, ErrorKind]] = {kind.value: kind for kind in ErrorKind}
_PENDING: Final = "null none nil undefined unspecified in_progress pending running generating streaming"
_NOTHING: Final = frozenset({"", *_PENDING.split()})
"""Texts that say that there is no reason yet."""

_BROKEN_CALL: Final = re.compile(r"malformed|unexpected|invalid_(?:tool|function)|missing")
_FILTERED: Final = re.compile(
    r"filter|safety|unsafe|prohibit|block|recitation|spii|(?:^|_)pii|sensitiv|moderat|toxic|refus|policy|guardrail"
    r"|inappropriate|flagged|forbidden|jailbreak|censor|violat|harm|copyright|profan|armor|(?:^|_)risk|(?:^|_)hate"
    r"|violen|sexual|nsfw|suicid|abus|illegal|csam|danger|civic|banned|restrict|disallow|not_allowed"
)
_CUT: Final = re.compile(
    r"length|truncat|too_long|too_large|too_big|context_(?:window|len|limit|size|exceed|full|overflow)|token.{0,60}(?:limit|max|exceed|cap|budget)"
    r"|(?:max|limit|budget).{0,60}token|(?:output|input|prompt|size|turns?|steps?|iterations?|calls?|loop)_limit"
    r"|^limit|max_(?:\w{0,20}_)?(?:turn|step|iteration|output|input|call|loop|length|char|size)|cut_?off|partial|overflow|budget|repetit"
)
_FAILED: Final = re.compile(
    r"err(?:or|ed|$|_)|fail|abort|cancel|time_?out|timed_out|deadline|interrupt|exception|disconnect|network"
    r"|insufficient|overload|unavailable|crash|kill|terminat|exhaust|reject|den(?:y|ied)|too_many|rate_limit|quota"
    r"|broke|lost|closed|reset|expired|internal|fault|preempt|evict|out_of_memory|(?:^|_)oom|invalid|malform|panic"
    r"|time_limit|(?:^|_)limit|exceed|throttl|shut_?down|abnormal|bad_(?:request|gateway)|not_(?:ok|found|complete)"
    r"|unsupported|unfinished|(?:^|_)other$|(?:^|_)no_(?:image|answer|output|result|content|response)|(?:^|_)halt|stall"
    r"|unauthor|died|(?:^|_)dead|user_stop"
)
_TOOLED: Final = re.compile(r"tool|function")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GAPS: Final = re.compile(r"[^\w]+|_+")
_PREFIX: Final = re.compile(r"^(?:finish|stop|done)_?reasons?_")
_LIMIT: Final = 200
_DEPTH_LIMIT: Final = 4
_WORDS_LIMIT: Final = 16
_PLACES: Final = ("type", "reason", "finish_reason", "code", "value", "status", "kind")
_FAILURE_RANK: Final = 9


_RANKS: Final[Mapping[FinishReason, int]] = {
    "stop": 0,
    "tool_calls": 1,
    "function_call": 1,
    "length": 2,
    "content_filter": 3,
}


class End(NamedTuple):
    """The meaning of a reason: `reason`, or `failure`. `known`: it stands in a table. `words`: what else the API
    said."""

    reason: FinishReason
    failure: ErrorKind | None
    word: str
    known: bool
    words: str = ""


def broken_off(end: End, field: str) -> ProviderError | None:
    """The failure that a reason means, which stood in this field; None where it means none."""
    if end.failure is None:
        return None
    words = f" It said: {quotable(end.words)}" if end.words else ""
    message = f"The API broke its answer off ({field} {end.word}).{words} Try again."
    return ProviderError(end.failure, message, site_code=end.word)


def end_of(finish_reason: Any, own: Mapping[str, str]) -> End | None:
    """The meaning of a finish_reason; None when it is none yet. `own`: the API's own words → ours
    (Form.finish_reasons).

    Of several words in one object the one that says the worst counts."""
    if isinstance(finish_reason, str):
        return _meaning(finish_reason, own)
    ends = [
        end for word in islice(_words_of(finish_reason, 0), _WORDS_LIMIT) if (end := _meaning(word, own)) is not None
    ]
    if not ends:
        return None
    worst = max(ends, key=lambda end: (_FAILURE_RANK if end.failure else _RANKS[end.reason], end.known))
    return worst._replace(words=_beside(finish_reason)) if worst.failure else worst


def _meaning(word: str, own: Mapping[str, str]) -> End | None:
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
        return End("stop", kind, code, known=True)
    return _guessed(plain, code)


def normal(word: str) -> str:
    """The word in one spelling: `MaxTokens`, `max-tokens`, `FINISH_REASON_MAX_TOKENS` as `max_tokens`."""
    parted = _GAPS.sub("_", _CAMEL.sub("_", word[:_LIMIT])).strip("_").lower()
    return _PREFIX.sub("", parted)


def joined(before: FinishReason | None, now: FinishReason) -> FinishReason:
    """The reason of two for one candidate that says more: a `stop` behind another takes nothing back."""
    return now if before is None or _RANKS[now] >= _RANKS[before] else before


def _guessed(plain: str, code: str) -> End:
    if _BROKEN_CALL.search(plain):
        return End("stop", ErrorKind.PROVIDER_DOWN, code, known=False)
    if _FILTERED.search(plain):
        return End("content_filter", None, code, known=False)
    if _CUT.search(plain):
        return End("length", None, code, known=False)
    if _FAILED.search(plain):
        return End("stop", ErrorKind.PROVIDER_DOWN, code, known=False)
    return End("tool_calls" if _TOOLED.search(plain) else "stop", None, code, known=False)


def _words_of(finish_reason: Any, depth: int) -> Iterator[str]:
    """The words of a reason that is no text: an object around it, a list, a number."""
    if isinstance(finish_reason, str):
        yield finish_reason
    elif isinstance(finish_reason, bool):
        if finish_reason:
            yield "done"
    elif isinstance(finish_reason, int | float):
        if finish_reason:
            yield f"number_{finish_reason!s:.20}"
    elif isinstance(finish_reason, list) and depth < _DEPTH_LIMIT:
        for entry in finish_reason[:_WORDS_LIMIT]:
            yield from _words_of(entry, depth + 1)
    elif isinstance(finish_reason, dict) and depth < _DEPTH_LIMIT:
        yield from _words_in(finish_reason, depth)


def _words_in(finish_reason: dict[str, Any], depth: int) -> Iterator[str]:
    found = [word for name in _PLACES for word in islice(_words_of(finish_reason.get(name), depth + 1), _WORDS_LIMIT)]
    texts = [word for word in found if not word.startswith("number_")]
    if texts or text(finish_reason.get("name")):
        yield from texts or [finish_reason["name"]]
        return
    for name, value in islice(finish_reason.items(), _WORDS_LIMIT):  # {"stop": true}, {"error": "…"}
        if value and name not in _BESIDE:
            if name not in _PLACES:
                yield name
            yield from _words_of(value, depth + 1)


_BESIDE: Final = ("message", "detail")


def _beside(finish_reason: Any) -> str:
    """What an object says beside the reason, in the API's own words."""
    for _ in range(_DEPTH_LIMIT):
        if isinstance(finish_reason, list):
            finish_reason = finish_reason[0] if finish_reason else None
    found = mapping(finish_reason)
    return next((words for name in _BESIDE if (words := text(found.get(name)))), "")
