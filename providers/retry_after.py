"""When a refused request may be tried again: from headers, body and words of an answer. The one reader for all."""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

from providers.jsontext import mapping, text

type Period = Literal["day", "minute"]

LONGEST_S: Final = 31 * 86_400.0
"""A longer wait is a mistake of the API (a date in another unit), not a promise."""

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_WORDS: Final = re.compile(
    r"(?:try again|retry|wait)[^.\d]{0,24}((?:\d{1,7}(?:\.\d{1,6})?\s?"
    r"(?:ms|milliseconds?|s|sec(?:ond)?s?|m|min(?:ute)?s?|h|hours?)\b\s?|\d{1,4}[hm](?=\d))+)",
    re.IGNORECASE,
)
_AMOUNT: Final = re.compile(r"(?<!\d)(\d++(?:\.\d++)?)\s?(ms|milli|s|m|h)", re.IGNORECASE)
_DAILY: Final = re.compile(r"per[ _-]?day|\bdaily\b|\b[RT]PD\b", re.IGNORECASE)
_BY_MINUTE: Final = re.compile(r"per[ _-]?(?:min|sec)|rate.?limit|\b[RT]P[MS]\b|(?:requests|tokens) per", re.IGNORECASE)
_BODY_FIELDS: Final = (
    ("retry_after", 1.0),
    ("retry_after_s", 1.0),
    ("retry_after_seconds", 1.0),
    ("retry_after_ms", 0.001),
    ("resets_in_seconds", 1.0),
)


def retry_after(headers: Mapping[str, str], value: Any, message: str) -> float | None:
    """Seconds to wait, or None when nothing sensible is said. Header names are lower case."""
    if (found := header_wait(headers)) is not None:
        return found
    if isinstance(value, list) and value:
        value = value[0]
    error = mapping(mapping(value).get("error"))
    for place in (error, mapping(value), mapping(error.get("metadata"))):
        for name, unit in _BODY_FIELDS:
            if (found := _seconds(place.get(name), unit)) is not None:
                return found
    waits = [wait for wait in (_in_words(message), _in_details(error)) if wait is not None]
    return max(waits, default=None)


def period_of(value: Any, message: str) -> Period | None:
    """What a limit is counted by, where that is said. One of the day is mended by no wait of seconds."""
    if isinstance(value, list) and value:
        value = value[0]
    details = mapping(mapping(value).get("error")).get("details")
    named = " ".join(text(v.get("quotaId")) for d in _objects(details) for v in _objects(d.get("violations")))
    said = f"{named} {message[:2000]}"
    if _DAILY.search(said):
        return "day"
    return "minute" if _BY_MINUTE.search(said) else None


def _in_details(error: Mapping[str, Any]) -> float | None:
    """Google's RetryInfo: {"retryDelay": "6s"}."""
    delays = [text(detail.get("retryDelay")) for detail in _objects(error.get("details"))]
    return next((_seconds(delay[:-1], 1.0) for delay in delays if delay.endswith("s")), None)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value[:50] if isinstance(entry, dict)] if isinstance(value, list) else []


def header_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds of Retry-After: a number, or a date by the answer's own clock. None for all else and beyond LONGEST_S."""
    found = _seconds(headers.get("retry-after-ms"), 0.001)
    if found is None and "retry-after" in headers:
        said = headers["retry-after"].strip()
        found = _seconds(said, 1.0) or _until(said, headers.get("date"))
    return found


def _seconds(value: Any, unit: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        seconds = float(value) * unit
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and 0 < seconds <= LONGEST_S else None


def _until(said: str, now: str | None) -> float | None:
    """A date as seconds from the answer's own Date header: the API's clock, so that ours need not be right."""
    then, base = _date(said), _date(now)
    if then is None or base is None:
        return None
    try:
        return _seconds((then - base).total_seconds(), 1.0)
    except TypeError:  # one of them has no time zone
        return None


def _date(said: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(said) if said else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _in_words(message: str) -> float | None:
    """ "Please try again in 6m0s" and the like."""
    found = _WORDS.search(message[:2000])
    if not found:
        return None
    total = 0.0
    for amount, unit in _AMOUNT.findall(found.group(1)):
        unit = unit.lower()
        total += float(amount) * _UNITS["ms" if unit == "milli" else unit]
    return _seconds(total, 1.0)
