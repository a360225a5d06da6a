"""Reader of points in time as sites and tokens name them, in Unix seconds. The one reader for all; pure, bounded."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

LAST_S: Final = 253_402_300_799
"""The end of the year 9999, the last that calendars here know."""
_DATE_LETTERS: Final = 64


def moment_s(value: Any) -> int | None:
    """A JSON number as whole Unix seconds: a JWT's NumericDate (RFC 7519 2: may have a fraction), or milliseconds.

    None for all else. What lies before 1970 is 0; what lies beyond LAST_S also as milliseconds is no moment.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        return None
    seconds = value if value <= LAST_S else value / 1000
    return max(0, int(seconds)) if seconds <= LAST_S else None


def date_s(text: str | None) -> float | None:
    """The Unix seconds of an HTTP date (RFC 9110 5.6.7) or one of RFC 3339; None for all else, and without a time
    zone."""
    if not text or len(text) > _DATE_LETTERS:
        return None
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found = read(text.strip())
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        try:
            return found.astimezone(UTC).timestamp() if found.tzinfo else None
        except (ValueError, OverflowError):  # at an end of the calendar
            return None
    return None


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False
