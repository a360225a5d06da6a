"""Refusals of APIs of the OpenAI form: the many shapes of an error object, and what each means.

An error's own code decides, by the vendor's table and then the common one; then its type; then the HTTP status; a few
words of the text sharpen what status and type leave open.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from providers.errors import ErrorKind, ProviderError
from providers.jsontext import INVALID, loads, mapping, text
from providers.openai_codes import COMMON, GENERIC, Codes
from providers.openai_words import page_of, refined, sentence, short_code
from providers.retry_after import retry_after

_BODY_LIMIT_BYTES: Final = 1024 * 1024
_STATUSES: Final[Mapping[int, ErrorKind]] = {
    400: ErrorKind.BAD_REQUEST,
    401: ErrorKind.SESSION_EXPIRED,
    402: ErrorKind.QUOTA,
    403: ErrorKind.SESSION_EXPIRED,
    404: ErrorKind.PROVIDER_DOWN,  # no such address; a missing model says so in words or code
    406: ErrorKind.BAD_REQUEST,
    413: ErrorKind.TOO_LONG,
    415: ErrorKind.BAD_REQUEST,
    422: ErrorKind.BAD_REQUEST,
    429: ErrorKind.RATE_LIMITED,
    434: ErrorKind.MODEL_UNAVAILABLE,  # Z.AI: the key may not use this API
    435: ErrorKind.TOO_LONG,  # Z.AI: file too large
    451: ErrorKind.CONTENT_FILTERED,
}


class Said(NamedTuple):
    """What an error object says."""

    code: str
    type: str
    message: str
    param: str | None


def classify(status: int, headers: Mapping[str, str], body: bytes, codes: Codes) -> ProviderError:
    """The meaning of an answer that is no chat answer. Header names are lower case."""
    if 300 <= status < 400:
        return _redirect(status, headers)
    value = loads(body) if len(body) <= _BODY_LIMIT_BYTES else INVALID
    said = error_in(value)
    if said is None and (page := page_of(status, headers, body)) is not None:
        page.retry_after_s = retry_after(headers, None, "")
        return page
    if said is None:
        words = body[:2000].decode("utf-8", "replace").strip() if value is INVALID else ""
        said = Said("", "", words, None)
        if status < 400:
            return _no_answer(status, headers, said)
    return _error(said, value, status, headers, codes)


def error_event(value: Any, codes: Codes) -> ProviderError | None:
    """The error that stands in an answer with status 200 (a frame of a stream, a whole body); None when it is none."""
    said = error_in(value)
    return None if said is None else _error(said, value, 200, {}, codes)


def error_in(value: Any) -> Said | None:
    """What the error object in a JSON value says, in whichever of the known shapes; None when there is none."""
    if isinstance(value, list) and value:
        value = value[0]  # Google's OpenAI form wraps its errors in a list
    if not isinstance(value, dict):
        return None
    error = value.get("error")
    if isinstance(error, dict) and error:
        return _from_object(error, value)
    if isinstance(error, str) and error:
        return Said(_word(value.get("code")), text(value.get("type")), text(value.get("message")) or error, None)
    if isinstance(value.get("errors"), list) and value["errors"]:
        return error_in({"error": value["errors"][0]})
    if value.get("choices"):
        return None
    return _bare(value)


def _from_object(error: Mapping[str, Any], around: Mapping[str, Any]) -> Said:
    inner = error.get("error")
    if isinstance(inner, dict) and inner and not text(error.get("message")):
        return _from_object(inner, error)
    kind = text(error.get("type"))
    code = _word(error.get("code")) or _word(around.get("code"))
    if not code and kind.isdigit():
        code = kind  # Z.AI's Anthropic form has its code as the type
    message = text(error.get("message")) or text(error.get("msg")) or text(error.get("detail")) or text(inner)
    raw = text(mapping(error.get("metadata")).get("raw"))
    if raw and raw not in message:
        message = f"{message} ({raw})"  # OpenRouter: its own words say only that the provider refused
    return Said(code, kind, message, text(error.get("param")) or None)


def _bare(value: Mapping[str, Any]) -> Said | None:
    """Errors without an `error` object: {"code", "message"}, {"detail"}, vLLM's {"object": "error"}."""
    code = _word(value.get("code")) or _word(value.get("error_code")) or _word(value.get("status_code"))
    kind = text(value.get("type"))
    detail = value.get("detail")
    if isinstance(detail, dict):
        return error_in({"error": detail})
    if isinstance(detail, list) and detail:
        return _validation(mapping(detail[0]))
    for name in ("message", "detail", "msg", "error_msg", "error_message", "errorMessage"):
        if words := text(value.get(name)):
            return Said(code, kind, words, text(value.get("param")) or None)
    if value.get("object") == "error" or value.get("success") is False:
        return Said(code, kind, "", None)
    return None


def _validation(first: Mapping[str, Any]) -> Said:
    """The first entry of a FastAPI validation error: {"loc": ["body", "temperature"], "msg": …}."""
    loc = first.get("loc")
    names = [str(name) for name in loc if name != "body"] if isinstance(loc, list) else []
    return Said("", "invalid_request_error", text(first.get("msg")), ".".join(names) or None)


def _word(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if value else ""
    return text(value)


def _error(said: Said, value: Any, status: int, headers: Mapping[str, str], codes: Codes) -> ProviderError:
    if status < 400 and said.code.isdecimal() and 400 <= int(said.code[:9]) < 600:
        status = int(said.code)  # OpenRouter, llama.cpp: the status it would have been
    kind = refined(_kind(said, status, codes), status, said.message, certain=_in_table(said, codes))
    return ProviderError(
        kind,
        sentence(kind, said.message, status),
        site_code=(short_code(said.type) or said.code)
        if said.code == str(status)
        else short_code(said.code or said.type),
        status=status if status >= 400 else None,
        retry_after_s=retry_after(headers, value, said.message),
        param=short_code(said.param) if kind in (ErrorKind.BAD_REQUEST, ErrorKind.TOO_LONG) else None,
        scope="model" if kind is ErrorKind.RATE_LIMITED else "account",  # such APIs count by model
    )


def _in_table(said: Said, codes: Codes) -> bool:
    return _lookup(said, codes) not in (None, ErrorKind.BAD_REQUEST, ErrorKind.PROVIDER_DOWN)


def _lookup(said: Said, codes: Codes) -> ErrorKind | None:
    for name in (said.code.lower(), said.type.lower()):
        for table in (codes, COMMON):
            if name in table:
                return table[name]
    return None


def _kind(said: Said, status: int, codes: Codes) -> ErrorKind:
    if (found := _lookup(said, codes)) is not None:
        return found
    if status >= 500:
        return ErrorKind.PROVIDER_DOWN
    if status in _STATUSES:
        return _STATUSES[status]
    generic = GENERIC.get(said.code.lower()) or GENERIC.get(said.type.lower())
    if generic is not None:
        return generic
    return ErrorKind.BAD_REQUEST if 400 <= status < 500 and status not in (405, 408, 409) else ErrorKind.PROVIDER_DOWN


def _redirect(status: int, headers: Mapping[str, str]) -> ProviderError:
    host = headers.get("location", "").partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]
    to = f" to {host[:100]}" if host else ""
    return ProviderError(
        ErrorKind.PROVIDER_DOWN,
        f"The API redirects{to} (status {status}); redirects are not followed, so that the key stays with the address "
        "it is meant for. Set base_url to the right address.",
        site_code="redirect",
        status=status,
    )


def _no_answer(status: int, headers: Mapping[str, str], said: Said) -> ProviderError:
    form = headers.get("content-type", "").partition(";")[0].strip()[:60] or "nothing known"
    return ProviderError(
        ErrorKind.PROVIDER_DOWN,
        f"The API answered with status {status} and {form} instead of a chat answer. Check base_url; it may not be an "
        "API of the OpenAI form." + (sentence(None, said.message, status) if said.message else ""),
        status=status,
    )
