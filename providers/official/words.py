"""The words of a refusal: what they tell beyond code and status, and how they may be passed on."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from providers.contract.errors import ErrorKind, ProviderError
from providers.formats.pages import is_check, is_mitigated, is_page, title_of
from providers.official.refusals import oversized, too_long, unwanted
from providers.shared.quotable import quotable
from providers.shared.retry_after import Period

_READ_LIMIT: Final = 4000
_SHORT: Final = re.compile(r"[\w.\[\]-]{1,64}")

_SPENT: Final = (
    "current quota",
    "insufficient balance",
    "insufficient credit",
    "balance",
    "billing",
    "credits",
    "payment",
    "usage limit",
    "余额",
    "欠费",
    "额度",
)
_NO_MODEL: Final = (
    "not found",
    "not exist",
    "not supported",
    "not a valid model",
    "unknown model",
    "no such model",
    "unsupported model",
    "no endpoints found",
    "not available",
    "not have access",
    "try pulling",
    "不存在",
)
_SHORT_WAIT_S: Final = 600.0
"""An allowance that comes back so soon is a limit of speed."""
_WRONG_KEY: Final = re.compile(
    r"(?:invalid|incorrect|wrong|expired|revoked|malformed|missing)\W+(?:\w+\W+)?(?:api.?key|token|credential)"
    r"|(?:api.?key|token|credentials?)\W+(?:\w+\W+){0,2}(?:not valid|invalid|incorrect|expired|revoked)"
    r"|unauthorized|authentication failed|not authenticated"
)
_PER_MOMENT: Final = ("per minute", "per min ", "per second", "per-minute", "requests/min", "每分钟")
_NO_COUNTRY: Final = re.compile(
    r"\b(?:country|countries|region|territory|user location|your location)\b[^.]{0,80}"
    r"(?:not (?:supported|available|allowed|permitted)|unsupported|restricted|blocked|unavailable)"
    r"|(?:not (?:supported|available|allowed)|unsupported|unavailable|restricted) (?:in|from|for) (?:your|this|the) "
    r"(?:country|region|location|territory)|unsupported_country"
)
_NO_ADDRESS: Final = ("invalid url (", "unknown request url", "unexpected endpoint", "unknown url", "no route matched",
                      "404 page not found")  # fmt: skip
"""OpenAI, Groq, LM Studio, vLLM and gateways, of a path that is none of theirs; not always with the status 404."""
_KEY: Final = ("api key", "api-key", "apikey", "unauthorized", "authentication", "access token", "credential")

_SENTENCES: Final[Mapping[ErrorKind, str]] = {
    ErrorKind.SESSION_EXPIRED: "The API does not accept the key",
    ErrorKind.CHALLENGE: "The API's front door wants a human",
    ErrorKind.RATE_LIMITED: "The API takes no more requests for the moment",
    ErrorKind.QUOTA: "The key's allowance or balance is used up",
    ErrorKind.FORBIDDEN: "The API does not allow this to the key",
    ErrorKind.MODEL_UNAVAILABLE: "The API does not offer this model to the key",
    ErrorKind.BAD_REQUEST: "The API refuses the request",
    ErrorKind.TOO_LONG: "The conversation is too long for the model",
    ErrorKind.CONTENT_FILTERED: "The API refuses the content",
    ErrorKind.CONVERSATION_BUSY: "The API still works on this request",
    ErrorKind.MISCONFIGURED: "The API knows no such address",
    ErrorKind.PROVIDER_DOWN: "The API has a fault",
}


class ErrorContext(NamedTuple):
    """The facts of an error besides its kind. `certain`: a telling code decided; `period`: what a limit is counted
    by."""

    status: int
    message: str
    wait_s: float | None
    certain: bool
    period: Period | None


def refined(kind: ErrorKind, context: ErrorContext) -> ErrorKind:
    """The kind, sharpened by the words where code and status leave it open."""
    words = context.message[:_READ_LIMIT].lower()
    status = context.status
    if kind is ErrorKind.QUOTA and status == 429 and _any(_PER_MOMENT, words):
        return ErrorKind.RATE_LIMITED  # whatever its code says: no balance is counted by the minute
    if status in (400, 401, 403, 451) and _NO_COUNTRY.search(words):
        return ErrorKind.FORBIDDEN
    if kind is ErrorKind.RATE_LIMITED and oversized(words):
        return ErrorKind.TOO_LONG
    if context.certain or status in (401, 402):
        return kind
    if kind is ErrorKind.RATE_LIMITED:
        return ErrorKind.QUOTA if _is_spent(words, context) else kind
    if status >= 500 and kind is ErrorKind.PROVIDER_DOWN:
        # Ollama, llama.cpp and DashScope have refused a long prompt with 500: asked again, it is refused again.
        return ErrorKind.TOO_LONG if too_long(words) else kind
    if status < 500 and _any(_NO_ADDRESS, words):
        return ErrorKind.MISCONFIGURED
    if (named := _by_words(kind, words, status)) is not None:
        return named
    if kind is ErrorKind.PROVIDER_DOWN and status < 400 and _any(_KEY, words):
        return ErrorKind.SESSION_EXPIRED
    return kind


def _by_words(kind: ErrorKind, words: str, status: int) -> ErrorKind | None:
    names_model = "model" in words or "endpoints" in words
    forbidden = kind is ErrorKind.FORBIDDEN
    if names_model and forbidden and not unwanted(words):
        return ErrorKind.MODEL_UNAVAILABLE
    if names_model and _any(_NO_MODEL, words) and (status in (200, 403, 404) or "not support" not in words):
        return ErrorKind.MODEL_UNAVAILABLE
    if too_long(words):
        return ErrorKind.TOO_LONG
    if unwanted(words):
        return ErrorKind.CONTENT_FILTERED
    if (forbidden or kind is ErrorKind.SESSION_EXPIRED) and _any(_SPENT, words):
        return ErrorKind.QUOTA
    if (forbidden or status == 400) and _WRONG_KEY.search(words):
        return ErrorKind.SESSION_EXPIRED
    return None


def _is_spent(words: str, context: ErrorContext) -> bool:
    """Whether a limit is a used up allowance. OpenAI's and Google's throttle texts speak of quota and billing too."""
    if context.period is not None:
        return context.period == "day"
    passes = context.wait_s is not None and context.wait_s <= _SHORT_WAIT_S
    return _any(_SPENT, words) and not passes


def sentence(kind: ErrorKind | None, message: str, status: int) -> str:
    """A sentence for the person: what is wrong, and the API's own words, short and without secrets."""
    lead = _SENTENCES.get(kind, "The API failed") if kind else ""
    words = quotable(message)
    if words:
        return f"{lead}: {words}" if lead else f" It said: {words}"
    return f"{lead} (status {status})." if status >= 400 else f"{lead}."


def short_code(value: str | None) -> str | None:
    """`value` when it is a code or a field's name, not free text."""
    return value if value and _SHORT.fullmatch(value) else None


def page_of(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError | None:
    """The error for a web page that came instead of an API's answer; None when the body is no page."""
    if not is_page(headers, body) and not is_mitigated(headers):
        return None
    if is_mitigated(headers) or (status in (200, 403, 405, 429, 503) and is_check(headers, body)):
        return ProviderError(
            ErrorKind.CHALLENGE,
            "A check for humans stands before the API (a web page instead of an answer). It may not like this "
            "network or proxy; try another, or ask the API's operator.",
            site_code="challenge_page",
            status=status,
            credential="key",
        )
    title = quotable(title_of(body))
    named = f" titled “{title}”" if title else ""
    blame = (
        "its gateway or CDN cannot reach it; try again later"
        if status >= 500
        else "base_url may point at a website, not at the API"
    )
    return ProviderError(
        ErrorKind.RATE_LIMITED if status == 429 else ErrorKind.PROVIDER_DOWN,
        f"The API answered with a web page{named} (status {status}): {blame}.",
        site_code="web_page",
        status=status,
    )


def _any(marks: tuple[str, ...], words: str) -> bool:
    return any(mark in words for mark in marks)
