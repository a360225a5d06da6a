"""Refusals of APIs of the OpenAI form: the many shapes of an error object, and what each means.

An error's own code decides, by the vendor's table and then the common one; then its type; then the HTTP status; a few
words of the text sharpen what status and type leave open.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from providers.contract.errors import ErrorKind, ProviderError
from providers.formats.jsontext import INVALID, loads, mapping, text
from providers.openai.codes import COMMON, GENERIC, MINIMAX, OF_MODEL, Codes
from providers.openai.refusals import code_says_too_long, code_says_unwanted
from providers.openai.words import Told, page_of, refined, sentence, short_code
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
        words = body[:2000].decode("utf-8", "replace").strip() if value is INVALID else _anywhere(value)
        said = Said("", "", words, None)
        if status < 400:
            return _no_answer(status, headers, said)
    return _error(said, value, status, headers, codes)


def error_event(value: Any, codes: Codes) -> ProviderError | None:
    """The error that stands in an answer with status 200 (a frame of a stream, a whole body); None when it is none."""
    said = error_in(value)
    if said is None and isinstance(value, dict) and "choices" not in value:
        said = _code_alone(value)
    return None if said is None or _means_well(said, value) else _error(said, value, 200, {}, codes)


def _code_alone(value: Mapping[str, Any]) -> Said | None:
    code = next((word for name in _CODES if (word := _word(value.get(name)))), "")
    return Said(code, "", "", None) if code else None


def _means_well(said: Said, value: Any) -> bool:
    """Whether words that stand for themselves tell of no error: `{"code": 200, "msg": "ok"}`."""
    if not isinstance(value, dict) or any(value.get(name) for name in (*_NAMES, "base_resp", "data")):
        return False
    if value.get("success") is False:
        return False
    told = (value[name] for name in (*_CODES, "status") if name in value)
    words = {str(word).lower() for word in told if isinstance(word, int | str)}
    return bool(words) and words <= _WELL and said.type in ("", "ping", "success")


def says_error(completion: Mapping[str, Any]) -> bool:
    """Whether an error stands beside the choices of a completion."""
    return bool(completion.get("error")) or ("base_resp" in completion and _base_resp(completion) is not None)


def error_in(value: Any) -> Said | None:
    """What the error object in a JSON value says, in whichever of the known shapes; None when there is none."""
    if isinstance(value, list) and value:
        value = value[0]  # Google's OpenAI form wraps its errors in a list
    if not isinstance(value, dict):
        return None
    if (said := _base_resp(value)) is not None:
        return said
    error = next((value[name] for name in _NAMES if value.get(name)), None)
    if isinstance(error, list):
        error = error[0]
    if isinstance(error, dict) and error:
        return _from_object(error, value)
    if isinstance(error, str):
        words = words_in(value.get("message")) or words_in(value.get("error_description")) or words_in(error)
        return Said(_word(value.get("code")), text(value.get("type")), words, None)
    if error is not None:  # {"error": true, "message": …}
        return _bare(value) or Said(_word(error), "", "", None)
    if value.get("choices"):
        return None
    inner = value.get("data")
    if isinstance(inner, dict) and (inner.get("error") or inner.get("base_resp")):
        return error_in(inner)
    return _bare(value)


def _base_resp(value: Mapping[str, Any]) -> Said | None:
    """MiniMax: `base_resp` stands in every answer; a status_code other than 0 is an error."""
    found = mapping(value.get("base_resp"))
    code = _word(found.get("status_code"))
    return Said(code, "", words_in(found.get("status_msg")), None) if code and code != "0" else None


def _from_object(error: Mapping[str, Any], around: Mapping[str, Any]) -> Said:
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
    return Said(code, kind, message, text(error.get("param")) or _validated(error) or None)


def _bare(value: Mapping[str, Any]) -> Said | None:
    """Errors without an `error` object: {"code", "message"}, {"detail"}, vLLM's {"object": "error"}."""
    code = next((word for name in _CODES if (word := _word(value.get(name)))), "")
    kind = text(value.get("type"))
    detail = value.get("detail")
    if isinstance(detail, dict):
        return error_in({"error": detail})
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        return _validation(detail[0])
    for name in _WORDS:
        said = value.get(name)
        if isinstance(said, dict) and said.keys() & {"role", "content"}:
            continue  # a message of a chat, not of an error
        if words := words_in(said):
            param = text(value.get("param")) or (_validated(said) if isinstance(said, dict) else "")
            return Said(code, kind, words, param or None)
    if value.get("object") == "error" or value.get("success") is False:
        return Said(code, kind, "", None)
    return None


def _anywhere(value: Any) -> str:
    """The first words in an answer of no known form that is surely a refusal."""
    waiting, seen = [value], 0
    while waiting and seen < _SEARCH_LIMIT:
        current, seen = waiting.pop(0), seen + 1
        if said := words_in(current):
            return said
        if isinstance(current, dict):
            waiting += [current[name] for name in _PLACES if isinstance(current.get(name), dict | list)]
    return ""


def _packed(said: str) -> str:
    """The words of an error that somebody has put into a text as JSON; the text itself where it is none."""
    if (
        said.startswith(("{", "["))
        and (inner := loads(said.encode("utf-8", "replace")[:_BODY_LIMIT_BYTES])) is not INVALID
    ):
        found = error_in(inner)
        return (found.message if found else words_in(inner, _DEPTH_LIMIT)) or said
    return said


def words_in(value: Any, depth: int = 0) -> str:
    """The words of a message, whatever it is: text, an object around it, a list of several."""
    if isinstance(value, str):
        return _packed(value.strip()) if depth <= 1 else value.strip()
    if depth > _DEPTH_LIMIT:
        return ""
    if isinstance(value, list):
        return "; ".join(said for entry in value[:3] if (said := words_in(entry, depth + 1)))
    if not isinstance(value, dict):
        return ""
    for name in (*_WORDS, *_MORE_WORDS):
        if said := words_in(value.get(name), depth + 1):
            place = _path(value.get("loc"))
            return f"{place}: {said}" if place else said
    if depth and all(isinstance(entry, str | list) for entry in value.values()):  # {"field": ["what is wrong with it"]}
        found = [f"{name}: {said}" for name, entry in value.items() if (said := words_in(entry, depth + 1))]
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


def _validation(first: Mapping[str, Any]) -> Said:
    """The first entry of a FastAPI validation error: {"loc": ["body", "temperature"], "msg": …}."""
    place = _path(first.get("loc"))
    said = text(first.get("msg"))
    return Said("", "invalid_request_error", f"{place}: {said}" if place and said else said, place or None)


def _word(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if value else ""
    return text(value)


def _error(said: Said, value: Any, status: int, headers: Mapping[str, str], codes: Codes) -> ProviderError:
    answers = status < 400
    if answers and said.code.isdecimal() and 400 <= int(said.code[:9]) < 600:
        status = int(said.code)  # OpenRouter, llama.cpp: the status it would have been
    if "base_resp" in mapping(value):
        codes = {**MINIMAX, **codes}
    wait_s = retry_after(headers, value, said.message)
    period = period_of(value, said.message)
    told = Told(status, said.message, wait_s, certain=_in_table(said, codes), period=period)
    kind = _kind(said, status, codes)
    if answers and kind is ErrorKind.MISCONFIGURED:
        kind = ErrorKind.PROVIDER_DOWN  # what spoke is the API: its address is right
    kind = refined(kind, told)
    return ProviderError(
        kind,
        sentence(kind, said.message, status),
        site_code=(short_code(said.type) or said.code)
        if said.code == str(status)
        else short_code(said.code or said.type),
        status=status if status >= 400 else None,
        retry_after_s=wait_s,
        param=short_code(said.param) if kind in (ErrorKind.BAD_REQUEST, ErrorKind.TOO_LONG) else None,
        scope="model" if _of_model(kind, said, status, period) else "account",
        credential="key",
    )


def _of_model(kind: ErrorKind, said: Said, status: int, period: Period | None) -> bool:
    """Whether a limit is of one model. APIs count requests by model; an allowance is of the key unless it says so.

    To take a key's limit for a model's costs another refusal; the other way round, all its models.
    """
    if kind is ErrorKind.RATE_LIMITED:
        return True
    if kind is not ErrorKind.QUOTA or status == 402:  # a balance
        return False
    return period == "day" or said.code.lower() in OF_MODEL or "model" in said.message[:2000].lower()


_VAGUE: Final = (None, ErrorKind.BAD_REQUEST, ErrorKind.PROVIDER_DOWN, ErrorKind.FORBIDDEN)
"""Meanings that words may sharpen."""


def _in_table(said: Said, codes: Codes) -> bool:
    return _lookup(said, codes) not in _VAGUE


def _lookup(said: Said, codes: Codes) -> ErrorKind | None:
    for name in (said.code.lower(), said.type.lower()):
        for table in (codes, COMMON):
            if name in table:
                return table[name]
    if code_says_too_long(said.code):
        return ErrorKind.TOO_LONG
    return ErrorKind.CONTENT_FILTERED if code_says_unwanted(said.code) else None


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


def _no_answer(status: int, headers: Mapping[str, str], said: Said) -> ProviderError:
    form = headers.get("content-type", "").partition(";")[0].strip()[:60] or "nothing known"
    return ProviderError(
        ErrorKind.PROVIDER_DOWN,
        f"The API answered with status {status} and {form} instead of a chat answer. Check base_url; it may not be an "
        "API of the OpenAI form." + (sentence(None, said.message, status) if said.message else ""),
        status=status,
    )
