"""What LongCat's refusals mean: by HTTP status, by the `code` in its JSON, by the few words known of it."""

import re
from collections.abc import Mapping
from typing import Any, Final

from providers.errors import ErrorKind, ProviderError
from providers.jsontext import INVALID, loads, mapping, text, whole

_STATUSES: Final[Mapping[int, ErrorKind]] = {
    400: ErrorKind.BAD_REQUEST,
    401: ErrorKind.SESSION_EXPIRED,
    403: ErrorKind.CHALLENGE,
    418: ErrorKind.CHALLENGE,
    429: ErrorKind.RATE_LIMITED,
}
_WORDS: Final = (
    (re.compile(r"log ?in|sign ?in|登录|cookie", re.IGNORECASE), ErrorKind.SESSION_EXPIRED),
    (re.compile(r"too (fast|many|frequent)|频繁|稍后", re.IGNORECASE), ErrorKind.RATE_LIMITED),
    (re.compile(r"conversation|会话", re.IGNORECASE), ErrorKind.CONVERSATION_GONE),
)
_MESSAGES: Final[Mapping[ErrorKind, str]] = {
    ErrorKind.SESSION_EXPIRED: "LongCat wants a new sign-in: sign in at https://longcat.chat and store its cookies.",
    ErrorKind.CHALLENGE: (
        "LongCat's security check refuses calls that its own page did not sign. Open https://longcat.chat in your "
        "browser, or use the official key (preset: longcat), which is free to get."
    ),
    ErrorKind.RATE_LIMITED: "LongCat says this account asks too fast.",
    ErrorKind.CONVERSATION_GONE: "LongCat no longer knows the conversation.",
    ErrorKind.BAD_REQUEST: "LongCat refuses this request as it stands.",
    ErrorKind.PROVIDER_DOWN: "LongCat failed on its own side.",
}


def refusal(status: int, body: bytes) -> ProviderError:
    """The meaning of an HTTP answer that is no event stream."""
    value = loads(body) if body.strip() else INVALID
    if value is INVALID:
        if status < 400 and body.lstrip().startswith(b"<"):
            return _error(ErrorKind.CHALLENGE, status=status)
        return _error(_STATUSES.get(status, ErrorKind.PROVIDER_DOWN), status=status)
    return json_error(mapping(value), status)


def json_error(value: Mapping[str, Any], status: int | None = None) -> ProviderError:
    """The meaning of `{"code": …, "message": …}`, alone or inside a stream."""
    code = whole(value.get("code"))
    words = " ".join(text(value.get(name)) for name in ("message", "msg", "error"))
    worded = next((kind for pattern, kind in _WORDS if pattern.search(words)), None)
    kind = _STATUSES.get(code or 0) or (_STATUSES.get(status) if status else None) or worded
    return _error(kind or ErrorKind.PROVIDER_DOWN, status=status, code=str(code) if code is not None else None)


def _error(kind: ErrorKind, *, status: int | None = None, code: str | None = None) -> ProviderError:
    return ProviderError(kind, _MESSAGES[kind], status=status, site_code=code)
