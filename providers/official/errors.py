"""The meaning of refusals of APIs of the OpenAI form: the many shapes of an error object.

An error's own code decides, by the vendor's table and then the common one; then its type; then the HTTP status; a few
words of the text sharpen what status and type leave open.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from providers.contract.errors import ErrorKind, ProviderError
from providers.formats.jsontext import INVALID, loads, mapping, text
from providers.official.codes import COMMON, GENERIC, MINIMAX, OF_MODEL, Codes
from providers.official.refusals import code_says_too_long, code_says_unwanted
from providers.official.words import ErrorContext, page_of, refined, sentence, short_code
from providers.shared.retry_after import Period, period_of, retry_after

_BODY_LIMIT_BYTES: Final = 1024 * 1024
_DEPTH_LIMIT: Final = 4
_NAMES: Final = ("error", "Error", "errors", "err")
_CODES: Final = ("code", "error_code", "status_code", "errorCode", "errcode")
_WORDS: Final = (
    "message", "faultstring", "detail", "msg", "details", "error_msg", "error_message", "errorMessage", "errorMsg",
    "errmsg", "description", "error", "reason", "title",
)  # fmt: skip
"""Names under which APIs put what they have to say."""
_WELL: Final = frozenset({"0", "200", "ok", "success", "succeeded", "processing", "queued", "running"})
"""Codes that are no error's."""
_MORE_WORDS: Final = (
    "error_description",
    "Message",
    "text",
    "errors",
    "exception",
    "faultstring",
    "err_msg",
    "content",
)
"""The same inside of what is surely an error; elsewhere they may stand in an answer."""
_PLACES: Final = ("error", "errors", "data", "result", "response", "fault", "body", "detail")
_SEARCH_LIMIT: Final = 64
"""JSON values that are looked through for words where none stand in a usual place."""
_STATUSES: Final[Mapping[int, ErrorKind]] = {
    400: ErrorKind.BAD_REQUEST,
    401: ErrorKind.SESSION_EXPIRED,
    402: ErrorKind.QUOTA,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.MISCONFIGURED,  # no such address; a missing model says so in words or code
    405: ErrorKind.MISCONFIGURED,
    406: ErrorKind.BAD_REQUEST,
    413: ErrorKind.TOO_LONG,
    415: ErrorKind.BAD_REQUEST,
    422: ErrorKind.BAD_REQUEST,
    429: ErrorKind.RATE_LIMITED,
    434: ErrorKind.MODEL_UNAVAILABLE,  # Z.AI: the key may not use this API
    435: ErrorKind.TOO_LONG,  # Z.AI: file too large
    451: ErrorKind.CONTENT_FILTERED,
}


class ErrorObject(NamedTuple):
    """An error object, read."""

    code: str
    type: str
    message: str
    param: str | None


def classify(status: int, headers: Mapping[str, str], body: bytes, codes: Codes) -> ProviderError:
    """The meaning of an answer that is no chat answer. Header names are lower case."""
    if 300 <= status < 400:
        return _redirect(status, headers)
    value = loads(body) if len(body) <= _BODY_LIMIT_BYTES else INVALID
    error_object = error_in(value)
    if error_object is None and (page := page_of(status, headers, body)) is not None:
        page.retry_after_s = retry_after(headers, None, "")
        return page
    if error_object is None:
        words = body[:2000].decode("utf-8", "replace").strip() if value is INVALID else _deepest_words(value)
        error_object = ErrorObject("", "", words, None)
        if status < 400:
            return _no_answer(status, headers, error_object)
    return _error(error_object, value, status, headers, codes)


def error_event(value: Any, codes: Codes) -> ProviderError | None:
    """The error that stands in an answer with status 200 (a frame of a stream, a whole body); None when it is none."""
    error_object = error_in(value)
    if error_object is None and isinstance(value, dict) and "choices" not in value:
        error_object = _code_alone(value)
    return (
        None
        if error_object is None or _is_no_error(error_object, value)
        else _error(error_object, value, 200, {}, codes)
    )


def _code_alone(value: Mapping[str, Any]) -> ErrorObject | None:
    code = next((word for name in _CODES if (word := _word(value.get(name)))), "")
    return ErrorObject(code, "", "", None) if code else None


def _is_no_error(error_object: ErrorObject, value: Any) -> bool:
    """Whether words that stand for themselves tell of no error: `{"code": 200, "msg": "ok"}`."""
    if not isinstance(value, dict) or any(value.get(name) for name in (*_NAMES, "base_resp", "data")):
        return False
    if value.get("success") is False:
        return False
    context = (value[name] for name in (*_CODES, "status") if name in value)
    words = {str(word).lower() for word in context if isinstance(word, int | str)}
    return bool(words) and words <= _WELL and error_object.type in ("", "ping", "success")


def error_told(data: bytes, codes: Codes) -> ProviderError:
    """The error in the data of an event that is called one, whatever that holds."""
    value = loads(data)
    if isinstance(value, dict | list) and (error := error_event(value, codes)) is not None:
        return error
    words = data[:2000].decode("utf-8", "replace").strip() if value is INVALID else value
    if (error := error_event({"error": words}, codes)) is not None:
        return error
    return ProviderError(ErrorKind.PROVIDER_DOWN, "The API broke its answer off with an error, and does not say which.")


def says_error(completion: Mapping[str, Any]) -> bool:
    """Whether an error stands beside the choices of a completion."""
    return (
        bool(completion.get("error"))
        or ("base_resp" in completion and _minimax_error(completion) is not None)
        or ("x_groq" in completion and bool(mapping(completion["x_groq"]).get("error")))
    )


def error_in(value: Any) -> ErrorObject | None:
    """The error object in a JSON value, in whichever of the known shapes; None when there is none."""
    if isinstance(value, list) and value:
        value = value[0]  # Google's OpenAI form wraps its errors in a list
    if not isinstance(value, dict):
        return None
    if (error_object := _minimax_error(value)) is not None:
        return error_object
    error = next((value[name] for name in _NAMES if value.get(name)), None)
    if error is None and "x_groq" in value:
        error = mapping(value["x_groq"]).get("error") or None
    if isinstance(error, list):
        error = error[0]
    if isinstance(error, dict) and error:
        return _from_object(error, value)
    if isinstance(error, str):
        words = words_in(value.get("message")) or words_in(value.get("error_description")) or words_in(error)
        return ErrorObject(_word(value.get("code")), text(value.get("type")), words, None)
    if error is not None:  # {"error": true, "message": …}
        return _unwrapped_error(value) or ErrorObject(_word(error), "", "", None)
    if value.get("choices"):
        return None
    inner = value.get("data")
    if isinstance(inner, dict) and (inner.get("error") or inner.get("base_resp")):
        return error_in(inner)
    return _unwrapped_error(value)


def _minimax_error(value: Mapping[str, Any]) -> ErrorObject | None:
    """The error in MiniMax's `base_resp`, which stands in every answer; a status_code other than 0 is an error."""
    found = mapping(value.get("base_resp"))
    code = _word(found.get("status_code"))
    return ErrorObject(code, "", words_in(found.get("status_msg")), None) if code and code != "0" else None


def _from_object(error: Mapping[str, Any], around: Mapping[str, Any]) -> ErrorObject:
    for _ in range(_DEPTH_LIMIT):
        inner = error.get("error")
        if isinstance(inner, dict) and inner and not text(error.get("message")):
            error, around = inner, error
    kind = text(error.get("type")) or text(error.get("status"))
    inner_code = mapping(error.get("innererror")).get("code")  # Azure
    code = _word(error.get("code")) or _word(around.get("code")) or _word(inner_code)
    if not code and kind.isdigit():
        code = kind  # Z.AI's Anthropic form has its code as the type
    raw = mapping(error.get("metadata")).get("raw")
    message = words_in(error) or words_in(error, 1)
    raw_words = raw if isinstance(raw, str) else words_in(raw)
    if raw_words and raw_words not in message:
        message = f"{message} ({raw_words})"  # OpenRouter: its own words say only that the provider refused
    return ErrorObject(code, kind, message, text(error.get("param")) or _validated(error) or None)


def _unwrapped_error(value: Mapping[str, Any]) -> ErrorObject | None:
    """The error without an `error` object: {"code", "message"}, {"detail"}, vLLM's {"object": "error"}."""
    code = next((word for name in _CODES if (word := _word(value.get(name)))), "")
    kind = text(value.get("type"))
    detail = value.get("detail")
    if isinstance(detail, dict):
        return error_in({"error": detail})
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        return _validation(detail[0])
    for name in _WORDS:
        message = value.get(name)
        if isinstance(message, dict) and message.keys() & {"role", "content"}:
            continue  # a message of a chat, not of an error
        if words := words_in(message):
            param = text(value.get("param")) or (_validated(message) if isinstance(message, dict) else "")
            return ErrorObject(code, kind, words, param or None)
    if "error" in (value.get("object"), kind) or value.get("success") is False:
        return ErrorObject(code, kind, "", None)
    return None


def _deepest_words(value: Any) -> str:
    """The first words in an answer of no known form that is surely a refusal."""
    waiting, seen = [value], 0
    while waiting and seen < _SEARCH_LIMIT:
        current, seen = waiting.pop(0), seen + 1
        if message := words_in(current):
            return message
        if isinstance(current, dict):
            waiting += [current[name] for name in _PLACES if isinstance(current.get(name), dict | list)]
    return ""


def _unpacked(message: str) -> str:
    """The words of an error that somebody has put into a text as JSON; the text itself where it is none."""
    if (
        message.startswith(("{", "["))
        and (inner := loads(message.encode("utf-8", "replace")[:_BODY_LIMIT_BYTES])) is not INVALID
    ):
        found = error_in(inner)
        return (found.message if found else words_in(inner, _DEPTH_LIMIT)) or message
    return message


def words_in(value: Any, depth: int = 0) -> str:
    """The words of a message, whatever it is: text, an object around it, a list of several."""
    if isinstance(value, str):
        return _unpacked(value.strip()) if depth <= 1 else value.strip()
    if depth > _DEPTH_LIMIT:
        return ""
    if isinstance(value, list):
        return "; ".join(message for entry in value[:3] if (message := words_in(entry, depth + 1)))
    if not isinstance(value, dict):
        return ""
    for name in (*_WORDS, *_MORE_WORDS):
        if message := words_in(value.get(name), depth + 1):
            place = _path(value.get("loc"))
            return f"{place}: {message}" if place else message
    if depth and all(isinstance(entry, str | list) for entry in value.values()):  # {"field": ["what is wrong with it"]}
        found = [f"{name}: {message}" for name, entry in value.items() if (message := words_in(entry, depth + 1))]
        return "; ".join(found[:3])
    return ""


def _validated(place: Mapping[str, Any]) -> str:
    """The field that a validation error inside a message is about."""
    for name in ("message", "detail"):
        inner = place.get(name)
        inner = mapping(inner).get("detail", inner)
        if isinstance(inner, list) and inner:
            return _path(mapping(inner[0]).get("loc"))
    return ""


def _path(loc: Any) -> str:
    return ".".join(str(name) for name in loc[:8] if name != "body")[:100] if isinstance(loc, list) else ""


def _validation(first: Mapping[str, Any]) -> ErrorObject:
    """The first entry of a FastAPI validation error: {"loc": ["body", "temperature"], "msg": …}."""
    place = _path(first.get("loc"))
    message = text(first.get("msg"))
    return ErrorObject(
        "", "invalid_request_error", f"{place}: {message}" if place and message else message, place or None
    )


def _word(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if value else ""
    return text(value)


def _error(
    error_object: ErrorObject, value: Any, status: int, headers: Mapping[str, str], codes: Codes
) -> ProviderError:
    answers = status < 400
    if answers and error_object.code.isdecimal() and 400 <= int(error_object.code[:9]) < 600:
        status = int(error_object.code)  # OpenRouter, llama.cpp: the status it would have been
    if "base_resp" in mapping(value):
        codes = {**MINIMAX, **codes}
    wait_s = retry_after(headers, value, error_object.message)
    period = period_of(value, error_object.message)
    context = ErrorContext(status, error_object.message, wait_s, certain=_in_table(error_object, codes), period=period)
    kind = _kind(error_object, status, codes)
    if answers and kind is ErrorKind.MISCONFIGURED:
        kind = ErrorKind.PROVIDER_DOWN  # what spoke is the API: its address is right
    kind = refined(kind, context)
    return ProviderError(
        kind,
        sentence(kind, error_object.message, status),
        site_code=(short_code(error_object.type) or error_object.code)
        if error_object.code == str(status)
        else short_code(error_object.code or error_object.type),
        status=status if status >= 400 else None,
        retry_after_s=wait_s,
        param=short_code(error_object.param) if kind in (ErrorKind.BAD_REQUEST, ErrorKind.TOO_LONG) else None,
        scope="model" if _of_model(kind, error_object, status, period) else "account",
        credential="key",
    )


def _of_model(kind: ErrorKind, error_object: ErrorObject, status: int, period: Period | None) -> bool:
    """Whether a limit is of one model. APIs count requests by model; an allowance is of the key unless it says so.

    To take a key's limit for a model's costs another refusal; the other way round, all its models.
    """
    if kind is ErrorKind.RATE_LIMITED:
        return True
    if kind is not ErrorKind.QUOTA or status == 402:  # a balance
        return False
    return period == "day" or error_object.code.lower() in OF_MODEL or "model" in error_object.message[:2000].lower()


_VAGUE: Final = (None, ErrorKind.BAD_REQUEST, ErrorKind.PROVIDER_DOWN, ErrorKind.FORBIDDEN)
"""Meanings that words may sharpen."""


def _in_table(error_object: ErrorObject, codes: Codes) -> bool:
    return _lookup(error_object, codes) not in _VAGUE


def _lookup(error_object: ErrorObject, codes: Codes) -> ErrorKind | None:
    for name in (error_object.code.lower(), error_object.type.lower()):
        for table in (codes, COMMON):
            if name in table:
                return table[name]
    if code_says_too_long(error_object.code):
        return ErrorKind.TOO_LONG
    return ErrorKind.CONTENT_FILTERED if code_says_unwanted(error_object.code) else None


def _kind(error_object: ErrorObject, status: int, codes: Codes) -> ErrorKind:
    if (found := _lookup(error_object, codes)) is not None:
        return found
    if status >= 500:
        return ErrorKind.PROVIDER_DOWN
    if status in _STATUSES:
        return _STATUSES[status]
    generic = GENERIC.get(error_object.code.lower()) or GENERIC.get(error_object.type.lower())
    if generic is not None:
        return generic
    return ErrorKind.BAD_REQUEST if 400 <= status < 500 and status not in (408, 409) else ErrorKind.PROVIDER_DOWN


def _redirect(status: int, headers: Mapping[str, str]) -> ProviderError:
    host = headers.get("location", "").partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]
    to = f" to {host[:100]}" if host else ""
    return ProviderError(
        ErrorKind.MISCONFIGURED,
        f"The API redirects{to} (status {status}); redirects are not followed, so that the key stays with the address "
        "it is meant for. Set base_url to the right address.",
        site_code="redirect",
        status=status,
    )


def _no_answer(status: int, headers: Mapping[str, str], error_object: ErrorObject) -> ProviderError:
    form = headers.get("content-type", "").partition(";")[0].strip()[:60] or "nothing known"
    return ProviderError(
        ErrorKind.PROVIDER_DOWN,
        f"The API answered with status {status} and {form} instead of a chat answer. Check base_url; it may not be an "
        "API of the OpenAI form." + (sentence(None, error_object.message, status) if error_object.message else ""),
        status=status,
    )
