"""The meaning of Z.AI's refusals, whether they come as HTTP status, as JSON, or inside a stream with status 200.

The site's own words are not repeated to the client: they mislead (a captcha demand speaks of reloading the page) and
may quote the prompt. Its error code is kept, and the whole answer stands in the inspector.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.formats.jsontext import INVALID, loads
from providers.formats.pages import SEARCHED_BYTES, START_BYTES, is_check, is_mitigated, is_page
from providers.shared.retry_after import header_wait, retry_after

_MESSAGES: Final[Mapping[ErrorKind, str]] = {
    ErrorKind.CHALLENGE: "Z.AI asks for a captcha before it answers this account; a program cannot pass it.",
    ErrorKind.SESSION_EXPIRED: "Z.AI no longer accepts this session.",
    ErrorKind.MODEL_UNAVAILABLE: "Z.AI does not offer this model to this account.",
    ErrorKind.OUTDATED_CLIENT: "Z.AI takes the gateway for an outdated version of its page.",
    ErrorKind.RATE_LIMITED: "Z.AI is at the limit of what it answers for this account or model at once.",
    ErrorKind.PROVIDER_DOWN: "Z.AI failed on its own side while answering; this is not the request's fault.",
    ErrorKind.BAD_REQUEST: "Z.AI refuses this request as it stands; its own words are in the inspector.",
    ErrorKind.TOO_LONG: "Z.AI refuses the conversation as too long.",
    ErrorKind.CONTENT_FILTERED: "Z.AI's content filter refuses this conversation.",
    ErrorKind.CONVERSATION_GONE: "Z.AI does not know the chat this request belongs to.",
}

_CODES: Final[Mapping[str, ErrorKind]] = {
    "FRONTEND_CAPTCHA_REQUIRED": ErrorKind.CHALLENGE,
    "CAPTCHA_VERIFICATION_FAILED": ErrorKind.CHALLENGE,
    "CAPTCHA_UNAVAILABLE": ErrorKind.CHALLENGE,
    "VERIFICATION_REQUIRED": ErrorKind.CHALLENGE,
    "ILLEGALUSERTAG": ErrorKind.CHALLENGE,
    "INVALID_TOKEN": ErrorKind.SESSION_EXPIRED,
    "MODEL_NOT_FOUND": ErrorKind.MODEL_UNAVAILABLE,
    "APP_VERSION_OUTDATED": ErrorKind.OUTDATED_CLIENT,
    "MODEL_CONCURRENCY_LIMIT": ErrorKind.RATE_LIMITED,
    "SESSION_BUSY": ErrorKind.RATE_LIMITED,
    "INTERNAL_ERROR": ErrorKind.PROVIDER_DOWN,
    "WORKSPACE_TOOL_INIT_ERROR": ErrorKind.PROVIDER_DOWN,
}
"""The site's named code, upper case → its meaning. A name is the surest sign there is."""

_BUSY: Final = "Z.AI is still busy with an earlier turn of this account."
"""409 SESSION_BUSY (2026-10): a wait, no fault of the account."""
_STATUSES: Final[Mapping[int, ErrorKind]] = {
    400: ErrorKind.BAD_REQUEST,
    401: ErrorKind.SESSION_EXPIRED,
    403: ErrorKind.SESSION_EXPIRED,
    404: ErrorKind.MODEL_UNAVAILABLE,
    409: ErrorKind.RATE_LIMITED,
    413: ErrorKind.TOO_LONG,
    422: ErrorKind.BAD_REQUEST,
    426: ErrorKind.OUTDATED_CLIENT,
    429: ErrorKind.RATE_LIMITED,
}
"""HTTP status → meaning, where neither a name nor words say more. Others are the site's own fault."""

_NUMBERS: Final[Mapping[str, ErrorKind]] = {
    **{str(status): kind for status, kind in _STATUSES.items()},
    "403": ErrorKind.MODEL_UNAVAILABLE,
}
"""The same numbers as codes inside a stream with status 200, where a 403 is about the account's level."""

_WORDS: Final[tuple[tuple[re.Pattern[str], ErrorKind], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"signature (validation|header)|missing signature|签名验证失败", ErrorKind.OUTDATED_CLIENT),
        (r"captcha|verification required|human verification", ErrorKind.CHALLENGE),
        (
            r"concurren(t|cy)[\w ]{0,80}? limit|currently at capacity|too many requests|rate limit",
            ErrorKind.RATE_LIMITED,
        ),
        (
            r"user level|account level|model\b[^.]{0,200}?\bnot (available|found|allowed|support)",
            ErrorKind.MODEL_UNAVAILABLE,
        ),
        (
            r"app version|outdated|update (the|your) app|new version detected|version unknown|版本过旧",
            ErrorKind.OUTDATED_CLIENT,
        ),
        (
            r"(token|session|login)[\w ]{0,80}? (invalid|expired)|(invalid|expired) (token|session)|not authenticated",
            ErrorKind.SESSION_EXPIRED,
        ),
        (r"context length|too long|maximum context", ErrorKind.TOO_LONG),
        (r"content (filter|policy)|sensitive content", ErrorKind.CONTENT_FILTERED),
        (r"(chat|conversation) (was )?not found", ErrorKind.CONVERSATION_GONE),
        (r"internal (server )?error", ErrorKind.PROVIDER_DOWN),
    )
)
"""Words of a message → meaning, looked for where no named code says it; the first that fits. The last four are guesses:
the site's words for these cases have never been recorded."""

_OF_MODEL: Final = re.compile(r"MODEL_CONCURRENCY_LIMIT|currently at capacity", re.IGNORECASE)
"""Limits that hold for one model."""
_SIGNATURE: Final = re.compile(r"signature|签名", re.IGNORECASE)
SIGNATURE_CODE: Final = "SIGNATURE"
"""Our site_code for a refused signature, which comes without a code of the site's."""
EDGE_CODE: Final = "405"


_SIGNATURE_REFUSED: Final = (
    "Z.AI refuses the gateway's request signature; the constant it is made with, or this machine's clock, is off."
)
_EDGE_REFUSED: Final = (
    "Z.AI's edge refused the request (405): the client version is too old, or it blocks this network or browser."
)
_SHORT_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_DEPTH: Final = 6


@dataclass(frozen=True, slots=True)
class SiteError:
    """An error object of the site: the codes it names, innermost first, and its words."""

    codes: tuple[str, ...]
    words: str

    def has(self, code: str) -> bool:
        return code in self.codes


def find_error(frame: Any) -> Any:
    """The error value in a frame or JSON answer, wherever the site nested it; None when there is none."""
    for _ in range(_DEPTH):
        if not isinstance(frame, dict):
            return None
        if error := frame.get("error"):
            return frame if error is True else error
        frame = frame.get("data")
    return None


def read_error(error: Any) -> SiteError:
    """The codes and words of an error value, which may be a string, an object, or objects in one another."""
    codes: list[str] = []
    words: list[str] = []
    for level in _levels(error):
        if isinstance(level, str):
            words.append(level)
            continue
        codes[:0] = [
            str(level[name])
            for name in ("code", "error_code")
            if isinstance(level.get(name), str | int) and not isinstance(level.get(name), bool)
        ]
        words += [level[name] for name in ("message", "detail", "msg", "error") if isinstance(level.get(name), str)]
        if level.get("captcha_error_type") or level.get("verify_code"):
            codes.append("FRONTEND_CAPTCHA_REQUIRED")
    return SiteError(tuple(dict.fromkeys(codes)), " ".join(words)[:2000])


def provider_error(site: SiteError, *, status: int | None = None, retry_after_s: float | None = None) -> ProviderError:
    """The meaning of the site's error: by a named code, else its words, else its number, else the site's own fault.

    `status` is the HTTP status, None for an error inside a stream.
    """
    named = next((_CODES[code.upper()] for code in site.codes if code.upper() in _CODES), None)
    worded = next((kind for pattern, kind in _WORDS if pattern.search(site.words)), None)
    if status is not None and status >= 400:
        numbered = _STATUSES.get(status)
    else:
        numbered = next((_NUMBERS[code] for code in site.codes if code in _NUMBERS), None)
    if named is ErrorKind.PROVIDER_DOWN:  # INTERNAL_ERROR says nothing by itself
        named = None
    kind = named or worded or numbered or ErrorKind.PROVIDER_DOWN
    if kind is ErrorKind.OUTDATED_CLIENT and _SIGNATURE.search(site.words):
        return ProviderError(kind, _SIGNATURE_REFUSED, site_code=SIGNATURE_CODE, status=status)
    code = next((code for code in site.codes if _SHORT_CODE.fullmatch(code)), None)
    busy = kind is ErrorKind.RATE_LIMITED and (status == 409 or site.has("SESSION_BUSY"))
    return ProviderError(
        kind,
        _BUSY if busy else _MESSAGES[kind],
        site_code=code,
        status=status,
        retry_after_s=_only(kind, retry_after_s),
        scope="model" if _OF_MODEL.search(f"{' '.join(site.codes)} {site.words}") else "account",
    )


def classify(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The meaning of an HTTP answer that is no event stream."""
    if status == 405:
        return ProviderError(ErrorKind.OUTDATED_CLIENT, _EDGE_REFUSED, site_code=EDGE_CODE, status=status)
    parsed = _json_of(body)
    if parsed is INVALID:
        return _of_page(status, headers, body, header_wait(headers))
    error = find_error(parsed)
    site = read_error(parsed if error is None else error)
    retry_after_s = retry_after(headers, parsed, site.words)
    if status >= 400 or error is not None or site.words:
        return provider_error(site, status=status, retry_after_s=retry_after_s)
    return _of_status(status, retry_after_s, "Z.AI answered with JSON where a stream was due.")


def edge_blocked() -> ProviderError:
    """The error of the 405 page when the client version is the newest: the edge wants no program from this network."""
    return ProviderError(
        ErrorKind.CHALLENGE,
        "Z.AI's edge blocks this network or browser identity (405), and a newer client version does not help.",
        site_code=EDGE_CODE,
        status=405,
    )


def _levels(error: Any) -> Iterator[dict[str, Any] | str]:
    """An error and the errors it wraps in `error`, `detail`, `message` or `data`, from the outside in."""
    for _ in range(_DEPTH):
        if isinstance(error, str):
            yield error
            return
        if not isinstance(error, dict):
            return
        yield error
        error = next((error[n] for n in ("error", "detail", "message", "data") if isinstance(error.get(n), dict)), None)


def _json_of(body: bytes) -> Any:
    """The JSON of a body; of a body that is an event stream, its first event's."""
    body = body.strip()
    if body.startswith(b"data:"):
        body = body.split(b"\n", 1)[0][5:].strip()
    return loads(body) if body else INVALID


def _of_page(status: int, headers: Mapping[str, str], body: bytes, retry_after_s: float | None) -> ProviderError:
    """An HTML page, plain text, or nothing, where JSON or a stream was due."""
    start, page = body[:START_BYTES].lstrip().lower(), is_page(headers, body)
    blocked = (status in (429, 503) and is_check(headers, body)) or b"errors.aliyun.com" in body[:SEARCHED_BYTES]
    if is_mitigated(headers) or (page and (status < 400 or status == 403 or blocked)):
        return ProviderError(
            ErrorKind.CHALLENGE, "Z.AI answered with a web page for people instead of an answer.", status=status
        )
    if not page and status >= 400 and start:
        site = SiteError((), start.decode("utf-8", "replace")[:2000])
        return provider_error(site, status=status, retry_after_s=retry_after_s)
    return _of_status(status, retry_after_s, "Z.AI answered with something that is no stream.")


def _of_status(status: int, retry_after_s: float | None, otherwise: str) -> ProviderError:
    if status >= 400:
        return provider_error(SiteError((), ""), status=status, retry_after_s=retry_after_s)
    return ProviderError(ErrorKind.PROVIDER_DOWN, otherwise, status=status, retry_after_s=retry_after_s)


def _only(kind: ErrorKind, retry_after_s: float | None) -> float | None:
    return retry_after_s if kind in (ErrorKind.RATE_LIMITED, ErrorKind.PROVIDER_DOWN) else None
