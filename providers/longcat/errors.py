"""The meaning of LongCat's refusals: by the `code` in its JSON, by the HTTP status, by the few words known of it.

The codes follow HTTP's numbers, with HTTP 200 around them as often as not. Words decide where a number leaves it open:
a 403 is the security check or an ended sign-in.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.formats.jsontext import INVALID, loads, mapping, text, whole
from providers.formats.pages import is_check, is_mitigated, is_page
from providers.shared.quotable import quotable
from providers.shared.retry_after import retry_after

_NUMBERS: Final[Mapping[int, ErrorKind]] = {
    400: ErrorKind.BAD_REQUEST,
    401: ErrorKind.SESSION_EXPIRED,
    403: ErrorKind.CHALLENGE,
    413: ErrorKind.TOO_LONG,
    418: ErrorKind.CHALLENGE,
    429: ErrorKind.RATE_LIMITED,
}
_PLAIN: Final = frozenset({401, 418, 429})
"""Numbers that say all; with any other the words are looked at first."""

_SIGN_IN: Final = re.compile(r"login|passport", re.IGNORECASE)
_WORDS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"\blog(ged)? ?(in|out)\b|\bsign(ed)? ?in\b|\bcookie\b|登录|登陆", ErrorKind.SESSION_EXPIRED),
        (r"too (fast|many|frequent)|频繁|太快|过快", ErrorKind.RATE_LIMITED),
        (r"too long|length limit|过长|超长", ErrorKind.TOO_LONG),
        (r"\bsensitive\b|敏感|违规", ErrorKind.CONTENT_FILTERED),
        (r"riskLevel|\bverif|验证", ErrorKind.CHALLENGE),
        (r"conversation|会话|对话|\b404\b", ErrorKind.CONVERSATION_GONE),
    )
)
_MESSAGES: Final[Mapping[ErrorKind, str]] = {
    ErrorKind.SESSION_EXPIRED: (
        "LongCat wants a new sign-in: the cookies stored for https://longcat.chat are no longer good."
    ),
    ErrorKind.CHALLENGE: (
        "LongCat's security check refuses this call: its own page signs its calls, Glassgate does not, or the sign-in "
        "has ended. Its official key (preset: longcat) is free and needs no such check."
    ),
    ErrorKind.RATE_LIMITED: "LongCat says this account asks too fast.",
    ErrorKind.CONVERSATION_GONE: "LongCat does not know the conversation this request belongs to.",
    ErrorKind.TOO_LONG: "LongCat refuses the conversation as too long.",
    ErrorKind.CONTENT_FILTERED: "LongCat's content filter refuses this conversation.",
    ErrorKind.BAD_REQUEST: "LongCat refuses this request as it stands.",
    ErrorKind.PROVIDER_DOWN: "LongCat failed on its own side; this is not the request's fault. Try again.",
}
_QUOTED: Final = frozenset({ErrorKind.BAD_REQUEST, ErrorKind.PROVIDER_DOWN, ErrorKind.TOO_LONG})
_NO_FORM: Final = "LongCat's answer is not in the form this adapter knows. The site may have changed; try again later."


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The meaning of an HTTP answer that is no event stream. Header names are lower case."""
    value = loads(body) if body.strip() else INVALID
    error = json_error(value, status) if isinstance(value, dict) and value else _page(status, headers, body)
    error.retry_after_s = retry_after(headers, value, "") or error.retry_after_s
    return error


def json_error(value: Mapping[str, Any], status: int | None = None) -> ProviderError:
    """The meaning of `{"code": …, "message": …}`, alone, inside a stream or in an error event."""
    code, words = number(value.get("code")), _message_of(value)
    risk = bool(mapping(value.get("customData")))  # what is in it differs with the check
    kind = ErrorKind.CHALLENGE if risk else _kind(code, status, words)
    if status is not None and status < 300 and not code and not words and not risk:
        return ProviderError(kind, _NO_FORM, status=status)
    message = _MESSAGES[kind]
    if kind in _QUOTED and words:
        message += f" It says: {quotable(words)}"
    wait_s = retry_after({}, value, words) if kind is ErrorKind.RATE_LIMITED else None
    site_code = str(code) if code is not None else None
    return ProviderError(kind, message, status=status, site_code=site_code, retry_after_s=wait_s)


def number(value: Any) -> int | None:
    """A code as a number, which it may be as text too; None when it cannot be one."""
    found = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 10 else whole(value)
    return found if found is not None and abs(found) < 10**9 else None


def _message_of(value: Mapping[str, Any]) -> str:
    """The words of an error, whichever field holds them; an object of them may stand in another."""
    found: list[str] = []
    for name in ("message", "msg", "error", "content"):
        place = value.get(name)
        if isinstance(place, dict):
            place = text(place.get("message")) or text(place.get("msg"))
        if isinstance(place, str) and place:
            found.append(place[:2000])
    return " ".join(found)


def _kind(code: int | None, status: int | None, words: str) -> ErrorKind:
    for given in (code, status):
        if given in _PLAIN:
            return _NUMBERS[given]
    worded = next((kind for pattern, kind in _WORDS if pattern.search(words)), None)
    if worded is not None:
        return worded
    if code == 404:
        return ErrorKind.CONVERSATION_GONE
    return _NUMBERS.get(code or 0) or _NUMBERS.get(status or 0) or ErrorKind.PROVIDER_DOWN


def _page(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """An answer that is no JSON object: a page of the edge's, or nothing of use."""
    html = is_page(headers, body)
    if 300 <= status < 400:
        to_sign_in = _SIGN_IN.search(headers.get("location", ""))
        kind = ErrorKind.SESSION_EXPIRED if to_sign_in else ErrorKind.CHALLENGE
    elif is_mitigated(headers) or (html and (status < 400 or (status in (429, 503) and is_check(headers, body)))):
        kind = ErrorKind.CHALLENGE
    else:
        kind = _NUMBERS.get(status, ErrorKind.PROVIDER_DOWN)
    message = _NO_FORM if kind is ErrorKind.PROVIDER_DOWN and status < 500 else _MESSAGES[kind]
    return ProviderError(kind, message, status=status)
