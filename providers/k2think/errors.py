"""The meaning of K2Think's refusals: HTTP status, `detail` / `message` / `error` in JSON, a page of Cloudflare's.

Rate limits, length limits and concurrency were never seen in the open: their words are guesses, their statuses HTTP's.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.formats.jsontext import INVALID, loads, mapping
from providers.formats.pages import SEARCHED_BYTES, is_check, is_mitigated, is_page
from providers.shared.quotable import quotable
from providers.shared.retry_after import retry_after

_STATUSES: Final[Mapping[int, ErrorKind]] = {
    400: ErrorKind.BAD_REQUEST,
    401: ErrorKind.SESSION_EXPIRED,
    403: ErrorKind.SESSION_EXPIRED,
    413: ErrorKind.TOO_LONG,
    422: ErrorKind.BAD_REQUEST,
    429: ErrorKind.RATE_LIMITED,
}
_WORDS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"\bmodels?\b.{0,200}\bnot (found|available|exist)", ErrorKind.MODEL_UNAVAILABLE),
        (r"rate limit|too many (requests|messages)", ErrorKind.RATE_LIMITED),
        (r"quota|usage limit", ErrorKind.QUOTA),
        (r"context (length|window)|too long|maximum (context|length)", ErrorKind.TOO_LONG),
        (r"not authenticated|unauthori[sz]ed|\btoken\b.{0,80}\b(expired|invalid)", ErrorKind.SESSION_EXPIRED),
        (r"invalid (or expired )?token|sign in", ErrorKind.SESSION_EXPIRED),
    )
)
_MESSAGES: Final[Mapping[ErrorKind, str]] = {
    ErrorKind.SESSION_EXPIRED: "K2Think no longer accepts this session (its token, from https://www.k2think.ai).",
    ErrorKind.CHALLENGE: "K2Think's edge (Cloudflare) wants a human: a web page came instead of an answer.",
    ErrorKind.MODEL_UNAVAILABLE: "K2Think does not offer this model.",
    ErrorKind.RATE_LIMITED: "K2Think says this account asks too fast.",
    ErrorKind.QUOTA: "K2Think's allowance of this account is used up.",
    ErrorKind.TOO_LONG: "K2Think refuses the conversation as too long.",
    ErrorKind.BAD_REQUEST: "K2Think refuses this request as it stands.",
    ErrorKind.PROVIDER_DOWN: "K2Think failed on its own side; this is not the request's fault. Try again.",
}
_QUOTED: Final = frozenset({ErrorKind.BAD_REQUEST, ErrorKind.PROVIDER_DOWN, ErrorKind.TOO_LONG, ErrorKind.QUOTA})
_NO_FORM: Final = "K2Think's answer is not in the form this adapter knows. The site may have changed; try again later."
_PLAIN_HTTP: Final = b"plain http request was sent to https port"


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The meaning of an HTTP answer that is not what was asked for. Header names are lower case."""
    value = loads(body) if body.strip() else INVALID
    error = json_error(value, status) if isinstance(value, dict) and value else _page(status, headers, body)
    error.retry_after_s = retry_after(headers, value, "") or error.retry_after_s
    return error


def json_error(value: Mapping[str, Any], status: int | None = None) -> ProviderError:
    """The meaning of `{"detail": …}`, `{"message": …}` or `{"error": …}`, as an answer or inside one."""
    words = " ".join(_words(value))[:4000]
    worded = next((kind for pattern, kind in _WORDS if pattern.search(words)), None)
    kind = worded or _STATUSES.get(status or 0, ErrorKind.PROVIDER_DOWN)
    if status in (401, 429):
        kind = _STATUSES[status] if kind is not ErrorKind.QUOTA else kind
    message = _NO_FORM if not words and (status or 0) < 400 else _MESSAGES[kind]
    if kind in _QUOTED and words:
        message += f" It says: {quotable(words)}"
    wait_s = retry_after({}, value, words) if kind in (ErrorKind.RATE_LIMITED, ErrorKind.QUOTA) else None
    return ProviderError(kind, message, status=status, retry_after_s=wait_s)


def _words(value: Mapping[str, Any]) -> Iterator[str]:
    """The words of an error: texts, or a validator's list of `{"loc", "msg"}`."""
    for name in ("detail", "message", "error"):
        place = value.get(name)
        for item in place[:4] if isinstance(place, list) else [place]:
            fields = mapping(item)
            for words in (item, fields.get("message"), fields.get("msg"), fields.get("detail")):
                if isinstance(words, str) and words:
                    yield words[:2000]


def _page(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """An answer that is no JSON object: a page of the edge's or of a proxy's, or nothing of use."""
    html = is_page(headers, body)
    if _PLAIN_HTTP in body[:SEARCHED_BYTES].lower():
        message = "A proxy before K2Think was spoken to in the wrong way (http at its https port): check `proxy`."
        return ProviderError(ErrorKind.PROVIDER_DOWN, message, status=status)
    if 300 <= status < 400:
        to_sign_in = "/auth" in headers.get("location", "")
        kind = ErrorKind.SESSION_EXPIRED if to_sign_in else ErrorKind.PROVIDER_DOWN
    elif is_mitigated(headers) or (
        html and (status in (200, 403) or (status in (429, 503) and is_check(headers, body)))
    ):
        kind = ErrorKind.CHALLENGE
    else:
        kind = _STATUSES.get(status, ErrorKind.PROVIDER_DOWN)
    message = _NO_FORM if kind is ErrorKind.PROVIDER_DOWN and status < 500 else _MESSAGES[kind]
    return ProviderError(kind, message, status=status)
