"""Marks of refusals that another model may not share: conversation too long, content not wanted; in words and codes.

Few APIs give these a code of their own, and each has its own wording. Data of both kinds: marks that say it alone, and
the shape of the sentence (what is long, that it is too much) for wordings nobody has listed. All text in lower case.
tests/providers/official/test_refusals.py lists real wordings.
"""

import re
from typing import Final

_LONG_MARKS: Final = (
    "context length",
    "context window",
    "context size",
    "context limit",
    "prompt is too long",
    "prompt too long",
    "prompt length",
    "input is too long",
    "input length",
    "too many tokens",
    "reduce the length",
    "exceeds the maximum number of tokens",
    "max_seq_len",
    "max_model_len",
    "max_new_tokens` must be <=",
    "`inputs` must have less than",
    "超长",
    "过长",
    "最大长度",
    "输入长度",
    "上下文长度",
    "超出上下文",
)
_EXCEEDS: Final = re.compile(
    r"(?:prompt|inputs?|context|messages?|conversation|tokens?|length)\b[^.]{0,100}?"
    r"(?:exceed|longer than|larger than|greater than|too (?:long|large|many))"
    r"|exceed\w{0,4}\b[^.]{0,60}?\b(?:context|tokens?|prompt|inputs?)\b"
)
_COUNTED: Final = ("token", "context", "prompt")
_OTHER_LIMITS: Final = (
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "completion tokens",
    "per minute",
    "per min",
    "per hour",
    "per day",
    "rate limit",
    "quota",
    "balance",
    "billing",
    "credit",
    "daily",
    "monthly",
    "api key",
    "access token",
)
"""What a sentence of that shape may be about instead: the answer's length, speed, money, a key."""
_OVERSIZED: Final = "request too large for"
"""OpenAI and Groq: one request alone is more than a minute's tokens. It has a rate limit's code, but no wait helps."""

_CONTENT_MARKS: Final = (
    "flagged",
    "moderation",
    "content policy",
    "content filter",
    "content management policy",
    "usage polic",
    "usage guideline",
    "safety system",
    "safety filter",
    "safety reason",
    "safety_check",
    "responsible ai",
    "guardrail intervened",
    "by a guardrail",
    "by guardrail",
    "inappropriate content",
    "unsafe content",
    "prohibited content",
    "prohibited_content",
    "harmful content",
    "sensitive content",
    "sensitive information",
    "sensitive words",
    "new_sensitive",
    "content exists risk",
    "considered high risk",
    "blocked output",
    "敏感",
    "违规",
    "不安全",
)

_LONG_CODES: Final = re.compile(
    r"context.?(?:length|window|size|limit)|(?:prompt|input|tokens?).?(?:too.?long|limit.?reached)"
)
_CONTENT_CODES: Final = re.compile(
    r"sensitive.?(?:content|words?)|content.?(?:filter|moderat|polic|violation)|moderation|censor|risk.?detect|safety"
    r"|responsible.?ai|guardrail"
)
_CODE_LIMIT: Final = 100


def too_long(words: str) -> bool:
    """Whether the words say that the conversation is longer than the model takes."""
    if any(mark in words for mark in _LONG_MARKS):
        return not _is_rate(words)
    counted = any(mark in words for mark in _COUNTED) and not any(mark in words for mark in _OTHER_LIMITS)
    return counted and _EXCEEDS.search(words) is not None


def oversized(words: str) -> bool:
    """Whether a limit of speed is one that this request alone goes beyond."""
    return _OVERSIZED in words


def unwanted(words: str) -> bool:
    """Whether the words say that the content is not wanted."""
    return any(mark in words for mark in _CONTENT_MARKS)


def code_says_too_long(code: str) -> bool:
    return _LONG_CODES.search(code[:_CODE_LIMIT].lower()) is not None


def code_says_unwanted(code: str) -> bool:
    return _CONTENT_CODES.search(code[:_CODE_LIMIT].lower()) is not None


def _is_rate(words: str) -> bool:
    return "rate limit" in words or "per minute" in words
