"""The meaning of Qwen's refusals. They come with HTTP 200 as JSON or HTML as a rule, and inside a stream too.

Codes decide, without regard to case. `details` is written in the account's language, so its words are looked at only
where one code stands for several things. No address out of an answer is ever repeated: a challenge's link holds session
data.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.formats.jsontext import INVALID, loads, mapping, text, whole
from providers.formats.pages import is_check, is_page
from providers.shared.retry_after import named_s, retry_after

DETAIL_LIMIT: Final = 200
_WORDS_READ: Final = 2000
"""Characters of each text of a refusal that are looked at."""
BUSY_WAIT_S: Final = 2.0
"""What clients of the site wait while a chat is in progress."""

_MESSAGES: Final[Mapping[ErrorKind, str]] = {
    ErrorKind.SESSION_EXPIRED: "Qwen no longer accepts this session.",
    ErrorKind.CHALLENGE: "Qwen wants a human to verify this account before it answers; a program cannot pass it.",
    ErrorKind.QUOTA: "Qwen's allowance of this account is used up.",
    ErrorKind.RATE_LIMITED: "Qwen gets too much from this account at once.",
    ErrorKind.CONVERSATION_BUSY: "Qwen still writes an earlier answer in this chat.",
    ErrorKind.CONVERSATION_GONE: "Qwen does not know the chat this request belongs to.",
    ErrorKind.MODEL_UNAVAILABLE: "Qwen does not offer this model to this account.",
    ErrorKind.BAD_REQUEST: "Qwen refuses the request as it stands.",
    ErrorKind.TOO_LONG: "Qwen refuses the conversation as too long.",
    ErrorKind.CONTENT_FILTERED: "Qwen's content filter refuses this conversation.",
    ErrorKind.PROVIDER_DOWN: "Qwen failed on its own side; this is not the request's fault. Try again.",
    ErrorKind.OUTDATED_CLIENT: "Qwen takes the gateway for an outdated version of its page.",
}

_CODES: Final[Mapping[str, ErrorKind]] = {
    "unauthorized": ErrorKind.SESSION_EXPIRED,
    "forbidden": ErrorKind.SESSION_EXPIRED,
    "invalidtoken": ErrorKind.SESSION_EXPIRED,
    "tokenexpired": ErrorKind.SESSION_EXPIRED,
    "ratelimited": ErrorKind.QUOTA,
    "quotalimited": ErrorKind.QUOTA,
    "insufficientquota": ErrorKind.QUOTA,
    "parallellimited": ErrorKind.RATE_LIMITED,
    "toomanyrequests": ErrorKind.RATE_LIMITED,
    "requestvalidationerror": ErrorKind.BAD_REQUEST,
    "badrequest": ErrorKind.BAD_REQUEST,
    "invalidinput": ErrorKind.BAD_REQUEST,
    "notfound": ErrorKind.CONVERSATION_GONE,
    "chatnotfound": ErrorKind.CONVERSATION_GONE,
    "parentnotfound": ErrorKind.CONVERSATION_GONE,
    "modelnotfound": ErrorKind.MODEL_UNAVAILABLE,
    "datainspectionfailed": ErrorKind.CONTENT_FILTERED,
    "internalservererror": ErrorKind.PROVIDER_DOWN,
    "internalerror": ErrorKind.PROVIDER_DOWN,
    "failsysuservalidate": ErrorKind.CHALLENGE,
}
"""The site's code in lower case without separators → its meaning. RateLimited is the daily allowance."""

_VAGUE: Final = frozenset({"", "badrequest", "invalidinput", "notfound", "invalidrequesterror"})
"""Codes that need the words beside them: one code, several meanings."""

_WORDS: Final[tuple[tuple[re.Pattern[str], ErrorKind], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"chat is in progress", ErrorKind.CONVERSATION_BUSY),
        (r"\bmodel\b.{0,200}?\b(not exist|not found|not support|unavailable|invalid)", ErrorKind.MODEL_UNAVAILABLE),
        (r"\bis not exist|\b(chat|parent)\b.{0,200}?\b(not exist|not found)", ErrorKind.CONVERSATION_GONE),
        (r"too many messages", ErrorKind.BAD_REQUEST),
        (r"too long|context length|maximum context|input length|exceeds? the (max|limit)", ErrorKind.TOO_LONG),
        (r"quota exceeded|token-limit|rate limit", ErrorKind.RATE_LIMITED),
        (r"internal.?error", ErrorKind.PROVIDER_DOWN),
        (r"inappropriate content", ErrorKind.CONTENT_FILTERED),
        (r"_____tmd_____|x5sec|RGV587|FAIL_SYS_USER_VALIDATE|aliyun_waf", ErrorKind.CHALLENGE),
    )
)
_STATUSES: Final[Mapping[int, ErrorKind]] = {
    400: ErrorKind.BAD_REQUEST,
    401: ErrorKind.SESSION_EXPIRED,
    403: ErrorKind.CHALLENGE,
    413: ErrorKind.TOO_LONG,
    418: ErrorKind.CHALLENGE,
    422: ErrorKind.BAD_REQUEST,
    429: ErrorKind.RATE_LIMITED,
}
_CHALLENGE_SIGNS: Final = re.compile(r"USER_VALIDATE|RGV587|_____tmd_____|punish|x5sec", re.IGNORECASE)
_LINK: Final = re.compile(r"(?<!\S)\S*?(?:://\S+|x5secdata\S*)|\beyJ[\w.-]+", re.IGNORECASE)
_WORD_NAMES: Final = ("details", "message", "detail", "msg")
_MOST_HOURS: Final = 10_000
_CODE_FORM: Final = re.compile(r"[\w.-]{1,40}")
_SEPARATORS: Final = re.compile(r"[\W_]+")
_UNITS_S: Final = ((re.compile(r"minute|分钟", re.IGNORECASE), 60), (re.compile(r"\bday|天", re.IGNORECASE), 86400))


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A refusal as the answer states it."""

    code: str = ""
    details: str = ""
    num: float | None = None
    template: str = ""


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The meaning of an answer that is no stream: an HTTP error, or JSON or HTML with any status. Never raises."""
    value = loads(body) if body else INVALID
    wait_s = retry_after(headers, value, "")
    if isinstance(value, dict):
        if is_challenge(value):
            return _error(ErrorKind.CHALLENGE, _Refusal(), status=status)
        found = _first_refusal(value)
        kind = _kind(found, status, known=found.code != "")
        return _error(kind, found, status=status, wait_s=wait_s)
    return _of_page(status, headers, body, wait_s)


def stream_error(value: Mapping[str, Any]) -> ProviderError:
    """The meaning of an error frame inside a stream, or of a refusal dropped into it. Never raises."""
    if is_challenge(value):
        return _error(ErrorKind.CHALLENGE, _Refusal())
    found = _first_refusal(value)
    return _error(_kind(found, 200, known=True), found)


def wordless() -> ProviderError:
    """The error of an answer that ended without a word."""
    message = "Qwen ended its answer without a word, which is how its edge turns programs away."
    return ProviderError(ErrorKind.CHALLENGE, message)


def not_outdated(error: ProviderError) -> ProviderError:
    """The refusal when the version is the page's own: then the request itself is meant."""
    meant = ErrorKind.BAD_REQUEST
    message = error.message.replace(_MESSAGES[ErrorKind.OUTDATED_CLIENT], _MESSAGES[meant])
    return ProviderError(meant, message, site_code=error.site_code, status=error.status)


def is_challenge(value: Mapping[str, Any]) -> bool:
    """Whether JSON is the edge's demand for verification: `{"ret": [...], "data": {"url": ...}}`, or holds one."""
    return any(_demands(place) for place in (value, mapping(value.get("data")), mapping(value.get("error"))))


def _demands(value: Mapping[str, Any]) -> bool:
    if "rgv587_flag" in value:
        return True
    if not isinstance(value.get("ret"), list | str):
        return False
    urls = (text(place.get("url"))[:_WORDS_READ] for place in (value, mapping(value.get("data"))))
    return bool(_CHALLENGE_SIGNS.search(" ".join((_words(value["ret"]), *urls))))


def is_check_page(payload: bytes) -> bool:
    """Whether a piece of a stream that is no JSON is a web page, or words of the edge's check."""
    start = payload.lstrip()[:1]
    return start == b"<" or (start != b"{" and is_check({}, payload))


def page_in_stream() -> ProviderError:
    """The error of a web page that came instead of a piece of the answer."""
    return _error(ErrorKind.CHALLENGE, _Refusal())


def _first_refusal(value: Mapping[str, Any]) -> _Refusal:
    """The first place of the answer that names a code, else the first with words."""
    found = list(_refusals(value))
    return next((one for one in found if one.code), next(iter(found), _Refusal()))


def _refusals(value: Mapping[str, Any]) -> Iterator[_Refusal]:
    data = mapping(value.get("data"))
    for place in (value.get("error"), data.get("error"), data, value):
        if isinstance(place, str) and place:
            yield _Refusal(details=place[:_WORDS_READ])
        elif isinstance(place, dict):
            num = place.get("num")
            one = _Refusal(
                _code(place.get("code")),
                next((words for name in _WORD_NAMES if (words := _words(place.get(name)))), ""),
                float(num) if isinstance(num, int | float) and 0 < num <= _MOST_HOURS else None,
                text(place.get("template"))[:_WORDS_READ],
            )
            if one.code or one.details:
                yield one


def _code(value: Any) -> str:
    """A code as text. Numbers of any size may stand in JSON: only such as can be a code count."""
    number = whole(value)
    return str(number) if number is not None and 0 <= number < 10**9 else text(value)[:_WORDS_READ]


def _words(value: Any) -> str:
    """Words of a refusal: a text, or the texts of a list."""
    items = value if isinstance(value, list) else [value]
    return " ".join(item[:_WORDS_READ] for item in items[:8] if isinstance(item, str))


def _kind(found: _Refusal, status: int, *, known: bool) -> ErrorKind:
    """The code's meaning, else that of its words, else that of the status."""
    code = _SEPARATORS.sub("", found.code.lower())
    meant = _CODES.get(code)
    if meant is None and code.isdecimal():
        status, code = int(code[:3]), ""
    if meant is None or code in _VAGUE:
        words = next((kind for pattern, kind in _WORDS if pattern.search(found.details)), None)
        if words is None and code == "badrequest":
            return ErrorKind.OUTDATED_CLIENT  # what an old version header gets, whatever is asked (2026-07, 2026-08)
        meant = words or meant
    if meant is ErrorKind.QUOTA and code == "ratelimited" and found.num is None:
        return ErrorKind.RATE_LIMITED
    if meant is not None:
        return meant
    if status == 403 and known:
        return ErrorKind.SESSION_EXPIRED
    return _of_status(status)


def _of_status(status: int) -> ErrorKind:
    return _STATUSES.get(status, ErrorKind.BAD_REQUEST if status in range(405, 500) else ErrorKind.PROVIDER_DOWN)


def _of_page(status: int, headers: Mapping[str, str], body: bytes, wait_s: float | None) -> ProviderError:
    """An answer that is not JSON: a page of the edge's, a redirect to one, or nothing of use."""
    html = is_page(headers, body)
    signs = is_check(headers, body) or bool(_CHALLENGE_SIGNS.search(headers.get("location", "")))
    if signs or 300 <= status < 400 or (html and status < 500 and status != 404 and status != 429):
        return _error(ErrorKind.CHALLENGE, _Refusal(), status=status)
    if status < 300:
        message = "Qwen's answer is not in the form this adapter knows. The site may have changed; try again later."
        return ProviderError(ErrorKind.PROVIDER_DOWN, message, status=status)
    return _error(_of_status(status), _Refusal(), status=status, wait_s=wait_s)


def _error(
    kind: ErrorKind, found: _Refusal, *, status: int | None = None, wait_s: float | None = None
) -> ProviderError:
    message = _MESSAGES[kind]
    quoted = (ErrorKind.BAD_REQUEST, ErrorKind.MODEL_UNAVAILABLE, ErrorKind.OUTDATED_CLIENT)
    if kind in quoted and found.details:
        message += f" It says: {_shown(found.details)}"
    if kind is ErrorKind.QUOTA and found.num is not None:
        unit_s = next((unit for pattern, unit in _UNITS_S if pattern.search(found.template)), 3600)
        if (named := named_s(found.num, unit_s)) is not None:
            wait_s = named
            message += f" It opens again in about {_span(named)}."
    if kind is ErrorKind.CONVERSATION_BUSY:
        wait_s = wait_s or BUSY_WAIT_S
    code = found.code if _CODE_FORM.fullmatch(found.code) else None
    return ProviderError(kind, message, site_code=code, status=status, retry_after_s=wait_s)


def _shown(details: str) -> str:
    """The site's words without links and tokens, on one line, not too long."""
    line = " ".join(_LINK.sub("(link)", details[: 4 * DETAIL_LIMIT]).split())
    return line if len(line) <= DETAIL_LIMIT else line[: DETAIL_LIMIT - 1] + "…"


def _span(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:.0f} hours" if hours >= 2 else f"{seconds / 60:.0f} minutes"
