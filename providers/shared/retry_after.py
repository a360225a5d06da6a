"""Reader of the time to wait after a refusal, from headers, body and words of an answer. The one reader for all.

Pure: what is named as a date or a moment is taken by the answer's own clock (its Date header), so that ours need not be
right. A wait beyond LONGEST_S is none.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from providers.formats.jsontext import mapping, text
from providers.formats.moments import date_s

type Period = Literal["day", "minute"]

LONGEST_S: Final = 31 * 86_400
"""A longer wait is a mistake of the API (a date in another unit), not a promise: no allowance is counted over more than
a month."""

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION: Final = re.compile(r"(?:\d{1,7}+(?:\.\d{1,9}+)?\s?(?:ms|d|h|m(?!s)|s)\s?){1,5}", re.IGNORECASE)
"""Go's way of writing a time, as OpenAI, Groq and others have it in their headers: 1m30s, 7.66s, 120ms."""
_WORDS: Final = re.compile(
    r"(?:try again|retry|wait)[^.\d]{0,24}((?:\d{1,7}(?:\.\d{1,6})?\s?"
    r"(?:ms|milliseconds?|s|sec(?:ond)?s?|m|min(?:ute)?s?|h|hours?|days?)\b\s?|\d{1,4}[hm](?=\d))+)",
    re.IGNORECASE,
)
_AMOUNT: Final = re.compile(r"(?<!\d)(\d++(?:\.\d++)?)\s?(ms|milli|s|m|h|d)", re.IGNORECASE)
_DAILY: Final = re.compile(r"per[ _-]?day|\bdaily\b|\b[RT]PD\b", re.IGNORECASE)
_BY_MINUTE: Final = re.compile(r"per[ _-]?(?:min|sec)|rate.?limit|\b[RT]P[MS]\b|(?:requests|tokens) per", re.IGNORECASE)
_BODY_FIELDS: Final = (
    ("retry_after", 1.0),
    ("retry_after_s", 1.0),
    ("retry_after_seconds", 1.0),
    ("retry_after_ms", 0.001),
    ("resets_in_seconds", 1.0),
)
_RESET: Final = re.compile(r"(?:x-|anthropic-)?ratelimit-(?:reset\b.*|[\w-]{1,40}-reset)")
"""x-ratelimit-reset(-requests, -tokens, -requests-day …), ratelimit-reset, anthropic-ratelimit-requests-reset."""
_FIELD_LIMIT: Final = 2000
_ITEMS_LIMIT: Final = 20
_EPOCH_S: Final = 1e8
"""A larger number is no wait but a moment; one of thousand times the size is in milliseconds (OpenRouter)."""
_EPOCH_MS: Final = 1e11


def retry_after(headers: Mapping[str, str], value: Any, message: str) -> float | None:
    """Seconds to wait, or None when nothing sensible is said. Header names are lower case."""
    if (found := header_wait(headers)) is not None:
        return found
    if isinstance(value, list) and value:
        value = value[0]
    error = mapping(mapping(value).get("error"))
    metadata = mapping(error.get("metadata"))
    date = headers.get("date")
    for place in (error, mapping(value), metadata):
        for name, unit in _BODY_FIELDS:
            if (found := _wait(place.get(name), date, unit)) is not None:
                return found
    waits = (_in_words(message), _in_details(error), _in_metadata(metadata, date))
    return max((wait for wait in waits if wait is not None), default=None)


def named_s(value: Any, unit_s: float = 1.0) -> float | None:
    """The seconds of a number of units; None when it is none, or beyond LONGEST_S."""
    number = _number(value)
    seconds = number * unit_s if number is not None else math.nan
    return seconds if 0 < seconds <= LONGEST_S else None


def period_of(value: Any, message: str) -> Period | None:
    """The period a limit is counted by, where that is said. One of the day is mended by no wait of seconds."""
    if isinstance(value, list) and value:
        value = value[0]
    details = mapping(mapping(value).get("error")).get("details")
    named = " ".join(text(v.get("quotaId")) for d in _objects(details) for v in _objects(d.get("violations")))
    phrase = f"{named} {message[:2000]}"
    if _DAILY.search(phrase):
        return "day"
    return "minute" if _BY_MINUTE.search(phrase) else None


def _in_details(error: Mapping[str, Any]) -> float | None:
    """The delay of Google's RetryInfo: {"retryDelay": "6s"}."""
    delays = [text(detail.get("retryDelay")) for detail in _objects(error.get("details"))]
    return next((found for delay in delays if (found := _duration(delay)) is not None), None)


def _in_metadata(metadata: Mapping[str, Any], date: str | None) -> float | None:
    """The wait in OpenRouter's metadata, which repeats the headers of its own limit in the body."""
    named = mapping(metadata.get("headers"))
    headers = {name.lower(): str(named[name])[:100] for name in list(named)[:20]}
    return _reset({**headers, **({"date": date} if date else {})})


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value[:50] if isinstance(entry, dict)] if isinstance(value, list) else []


def header_wait(headers: Mapping[str, str]) -> float | None:
    """The seconds of Retry-After and its relatives: a number, a duration, a date, a moment. None where nothing is
    said."""
    found = named_s(headers.get("retry-after-ms"), 0.001)
    if found is None and "retry-after" in headers:
        found = _wait(headers["retry-after"], headers.get("date"))
    return _reset(headers) if found is None else found


def _reset(headers: Mapping[str, str]) -> float | None:
    """The seconds until what is used up comes back: the latest of the resets whose `remaining` is 0.

    One that names no kind (`x-ratelimit-reset`) counts also where nothing is said of what remains.
    """
    waits = [*_ietf(headers.get("ratelimit", ""))]
    for name in headers:
        if "ratelimit" not in name or not _RESET.fullmatch(name):
            continue
        remaining = headers.get(name.replace("reset", "remaining"), "0" if name.endswith("ratelimit-reset") else "")
        if remaining.strip() in ("0", "0.0") and (wait := _wait(headers[name], headers.get("date"))) is not None:
            waits.append(wait)
    return max(waits, default=None)


def _ietf(phrase: str) -> Iterator[float]:
    """The field RateLimit: `"default";r=0;t=30, …` (draft-ietf-httpapi-ratelimit-headers-08 and later), or before that
    `limit=100, remaining=0, reset=30`."""
    whole: dict[str, str] = {}
    for item in phrase[:_FIELD_LIMIT].split(",")[:_ITEMS_LIMIT]:
        name, *parameters = item.split(";")[:_ITEMS_LIMIT]
        found = _named(parameters)
        whole |= _named([name])
        if found.get("r") == "0" and (wait := named_s(found.get("t"))) is not None:
            yield wait
    if whole.get("remaining") == "0" and (wait := named_s(whole.get("reset"))) is not None:
        yield wait


def _named(parts: list[str]) -> dict[str, str]:
    """`name=value` of each part."""
    pairs = (part.partition("=") for part in parts)
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}


def _wait(value: Any, date: str | None, unit_s: float = 1.0) -> float | None:
    """The seconds a field says: seconds, a duration, a date, or a moment in Unix seconds or milliseconds."""
    number = _number(value)
    if number is None:
        phrase = text(value).strip()
        found = _duration(phrase)
        return found if found is not None else _until(date_s(phrase), date)
    if number >= _EPOCH_S:
        return _until(number / 1000 if number >= _EPOCH_MS else number, date)
    return named_s(number, unit_s)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _until(moment_s: float | None, date: str | None) -> float | None:
    now_s = date_s(date)
    return None if moment_s is None or now_s is None else named_s(moment_s - now_s)


def _duration(phrase: str) -> float | None:
    return _sum(phrase) if len(phrase) <= 60 and _DURATION.fullmatch(phrase) else None


def _in_words(message: str) -> float | None:
    """The seconds in words such as "Please try again in 6m0s"."""
    found = _WORDS.search(message[:2000])
    if not found:
        return None
    return _sum(found.group(1))


def _sum(phrase: str) -> float | None:
    """The seconds of `1m30s`, `6 minutes` and the like."""
    total = 0.0
    for amount, unit in _AMOUNT.findall(phrase):
        unit = unit.lower()
        total += float(amount) * _UNITS["ms" if unit == "milli" else unit]
    return named_s(total)
