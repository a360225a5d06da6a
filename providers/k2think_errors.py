"""What K2Think's refusals mean: HTTP status, `detail` or `message` in JSON, a page of its edge."""

import re
from collections.abc import Mapping
from typing import Any, Final

from providers.errors import ErrorKind, ProviderError
from providers.jsontext import INVALID, loads, mapping, text

_STATUSES: Final[Mapping[int, ErrorKind]] = {
    400: ErrorKind.BAD_REQUEST,
    401: ErrorKind.SESSION_EXPIRED,
    403: ErrorKind.SESSION_EXPIRED,
    413: ErrorKind.TOO_LONG,
    422: ErrorKind.BAD_REQUEST,
    429: ErrorKind.RATE_LIMITED,
}
_WORDS: Final = (
    (re.compile(r"model\b.*not found", re.IGNORECASE), ErrorKind.MODEL_UNAVAILABLE),
    (re.compile(r"rate limit|too many", re.IGNORECASE), ErrorKind.RATE_LIMITED),
    (re.compile(r"context length|too long", re.IGNORECASE), ErrorKind.TOO_LONG),
    (
        re.compile(r"not authenticated|unauthori[sz]ed|token.*(expired|invalid)", re.IGNORECASE),
        ErrorKind.SESSION_EXPIRED,
    ),
)
_MESSAGES: Final[Mapping[ErrorKind, str]] = {
    ErrorKind.SESSION_EXPIRED: "K2Think no longer accepts this session; sign in at https://www.k2think.ai again.",
    ErrorKind.CHALLENGE: "K2Think's edge answered with a page for people.",
    ErrorKind.MODEL_UNAVAILABLE: "K2Think does not offer this model.",
    ErrorKind.RATE_LIMITED: "K2Think says this account asks too fast.",
    ErrorKind.TOO_LONG: "K2Think refuses the conversation as too long.",
    ErrorKind.BAD_REQUEST: "K2Think refuses this request as it stands.",
    ErrorKind.PROVIDER_DOWN: "K2Think failed on its own side.",
}


def refusal(status: int, body: bytes) -> ProviderError:
    """The meaning of an HTTP answer that is not what was asked for."""
    value = loads(body) if body.strip() else INVALID
    if value is not INVALID:
        return json_error(mapping(value), status)
    if body.lstrip().startswith(b"<") and status in (200, 403, 503):
        return ProviderError(ErrorKind.CHALLENGE, _MESSAGES[ErrorKind.CHALLENGE], status=status)
    kind = _STATUSES.get(status, ErrorKind.PROVIDER_DOWN)
    return ProviderError(kind, _MESSAGES[kind], status=status)


def json_error(value: Mapping[str, Any], status: int | None = None) -> ProviderError:
    """The meaning of `{"detail": …}`, `{"message": …}` or `{"error": …}`."""
    error = mapping(value.get("error"))
    words = " ".join(
        text(w) for w in (value.get("detail"), value.get("message"), value.get("error"), error.get("message"))
    )
    worded = next((kind for pattern, kind in _WORDS if pattern.search(words)), None)
    kind = worded or _STATUSES.get(status or 0, ErrorKind.PROVIDER_DOWN)
    return ProviderError(kind, _MESSAGES[kind], status=status)
