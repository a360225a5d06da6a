"""The meaning of refusals of APIs of the Messages form.

Their error object, `{"type": "error", "error": {"type", "message"}}`, is read as every official API's is; here stands
what is special: the words of some refusals with a vague status, an overload that names a time, and that the API's own
words are kept of a request that it refuses (Claude Code mends its next request by them).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.formats.jsontext import INVALID, loads, mapping, text
from providers.official.codes import MINIMAX, ZAI, Codes
from providers.official.errors import classify as official
from providers.official.errors import error_event, error_in
from providers.official.errors import error_told as told_officially
from providers.official.words import sentence

CODES: Final[Codes] = {
    **ZAI,
    "billing_error": ErrorKind.QUOTA,
    "conflict_error": ErrorKind.CONVERSATION_BUSY,
    "not_found_error": ErrorKind.MODEL_UNAVAILABLE,
}
"""Z.AI's own codes stand in the type of its errors of this form."""
WORDS_LIMIT: Final = 4000
"""Characters of the API's own words that are kept."""
_REFUSED: Final = frozenset({ErrorKind.BAD_REQUEST, ErrorKind.TOO_LONG, ErrorKind.CONTENT_FILTERED})
_VAGUE: Final = frozenset({ErrorKind.BAD_REQUEST, ErrorKind.FORBIDDEN, ErrorKind.PROVIDER_DOWN})
"""Meanings that words may change."""
_BODY_LIMIT_BYTES: Final = 1024 * 1024
_NO_MONEY: Final = re.compile(r"credit balance is too low|usage limits?.{0,40}regain access", re.IGNORECASE)
_CLOSED: Final = re.compile(
    r"organi[sz]ation has been disabled|account (?:has been|is) (?:disabled|suspended)", re.IGNORECASE
)
_OVERLOADED: Final = 529


def classify(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The meaning of an answer that is no message. Header names are lower case."""
    error = official(status, headers, body, CODES)
    value = loads(body) if len(body) <= _BODY_LIMIT_BYTES else INVALID
    if status == _OVERLOADED and error.retry_after_s is not None:
        error.kind, error.scope = ErrorKind.RATE_LIMITED, "model"  # a time to come back is worth more than a fault
    return _sharpened(error, value)


def error_of(value: Any) -> ProviderError | None:
    """The error that stands in an answer with status 200 (an event, a whole body); None when it is none."""
    if not isinstance(value, dict) or (value.get("type") != "error" and not says_error(value)):
        return None
    error = error_event(value, {**CODES, **(MINIMAX if "base_resp" in value else {})})
    if error is None:
        error = ProviderError(ErrorKind.PROVIDER_DOWN, "The API broke its answer off with an error.")
    return _sharpened(error, value)


def error_told(data: bytes) -> ProviderError:
    """The error in the data of an event that is called one, whatever that holds."""
    value = loads(data)
    return error_of(value) or _sharpened(told_officially(data, CODES), value)


def says_error(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object that is neither message nor event is an error."""
    return bool(value.get("error")) or ("type" not in value and error_in(value) is not None)


def _sharpened(error: ProviderError, value: Any) -> ProviderError:
    words = text(mapping(mapping(value).get("error")).get("message"))[:WORDS_LIMIT]
    kind = error.kind
    if kind in _VAGUE and _NO_MONEY.search(words):
        kind = ErrorKind.QUOTA
    elif kind in _VAGUE and _CLOSED.search(words):
        kind = ErrorKind.ACCOUNT_BLOCKED
    elif error.site_code == "not_found_error" and "model" not in words.lower():
        kind = ErrorKind.MISCONFIGURED
    if kind is not error.kind:
        error.kind, error.message = kind, sentence(kind, words, error.status or 200)
    if kind in _REFUSED:
        error.words = words
    return error
