"""What a client key may do: models, rates, a budget, an end; and each limit as people write it. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, get_args

from addons.words.name_pattern import NamePattern

type Period = Literal["day", "week", "month", "total"]
"""In UTC: a day from midnight, a week from Monday, a month from the first. `total`: since the key is."""

PERIODS: Final[tuple[Period, ...]] = get_args(Period.__value__)
MOST_PATTERNS: Final = 50
PATTERN_CHARS: Final = 200
MOST_REQUESTS: Final = 100_000
"""Of `rpm` and `concurrent`."""
MOST_TOKENS: Final = 10**12
MOST_DOLLARS: Final = Decimal(1_000_000)
LONGEST_S: Final = 100 * 366 * 86_400
_MOST_KNOWN: Final = 4096
_SUFFIXES: Final = {"k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9}
_TOKENS: Final = re.compile(r"([0-9]{1,13}(?:\.[0-9]{1,9})?)([kmgbKMGB]?)")
_AMOUNT: Final = re.compile(r"\$?([0-9]{1,7}(?:\.[0-9]{1,9})?)")
_SPAN: Final = re.compile(r"([0-9]{1,9})([smhd])")
_DAY_S: Final = 86_400
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Budget(NamedTuple):
    """US dollars for each period."""

    amount: Decimal
    period: Period

    def __str__(self) -> str:
        return f"{self.amount:.2f}/{self.period}" if self.amount == round(self.amount, 2) else "/".join(map(str, self))


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What a client key may do. None: no limit."""

    models: tuple[str, ...] | None = None
    """Patterns of model names, or of provider/model, with `*` for any letters; in any case of letters."""
    rpm: int | None = None
    """Requests in any 60 seconds."""
    tokens_per_day: int | None = None
    """Tokens in and out in any 24 hours."""
    budget: Budget | None = None
    concurrent: int | None = None
    """Requests under way at once."""
    expires: float | None = None
    """Unix seconds from which on it is no key any more."""
    metered: bool = field(init=False, repr=False, compare=False)
    """Whether anything is to be counted."""
    _permitted: dict[tuple[str, str], bool] = field(init=False, repr=False, compare=False, default_factory=dict)
    """Provider and model → what was found of them: each request asks several times."""

    def __post_init__(self) -> None:
        counted = (self.rpm, self.tokens_per_day, self.budget, self.concurrent)
        object.__setattr__(self, "metered", any(limit is not None for limit in counted))

    def expired(self, now: float) -> bool:
        return self.expires is not None and now >= self.expires

    def permits(self, provider: str, model: str) -> bool:
        """Whether the model of this id may be asked of this provider."""
        if self.models is None:
            return True
        known = self._permitted
        if (found := known.get((provider, model))) is None:
            if len(known) >= _MOST_KNOWN:
                known.clear()
            found = known[provider, model] = _permits(self.models, provider, model)
        return found


NO_LIMITS: Final = KeyLimits()


def _permits(patterns: tuple[str, ...], provider: str, model: str) -> bool:
    names = (model.casefold(), f"{provider}/{model}".casefold())
    return any(pattern.matches(name) for pattern in map(NamePattern, patterns) for name in names)


# -- as people write them --------------------------------------------------------------------------------------------
def models_of(written: str | Iterable[str]) -> tuple[str, ...]:
    """The patterns of `GLM-*,qwen-*`, or of a list. Raises ValueError."""
    parts = written.split(",") if isinstance(written, str) else written
    found = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    if not found:
        raise ValueError("name at least one model, such as 'GLM-*,qwen-*'; leave it out for all")
    if len(found) > MOST_PATTERNS or any(len(part) > PATTERN_CHARS or not part.isprintable() for part in found):
        raise ValueError(f"at most {MOST_PATTERNS} models, each of {PATTERN_CHARS} printable characters at most")
    return found


def requests_of(written: str | int) -> int:
    """A number of requests. Raises ValueError."""
    text = str(written).strip()
    if not (text.isascii() and text.isdecimal()) or len(text) > 9 or not 1 <= int(text) <= MOST_REQUESTS:
        raise ValueError(f"must be a whole number from 1 to {MOST_REQUESTS}, such as 30")
    return int(text)


def tokens_of(written: str | int) -> int:
    """A number of tokens: `2M`, `500k`, `1500000`. Raises ValueError."""
    found = _TOKENS.fullmatch(str(written).strip().replace("_", ""))
    tokens = Decimal(found[1]) * _SUFFIXES.get(found[2].lower(), 1) if found else Decimal(0)
    if not 1 <= tokens <= MOST_TOKENS or tokens != int(tokens):
        raise ValueError("must be a whole number of tokens, such as 500k, 2M or 1500000")
    return int(tokens)


def budget_of(written: str) -> Budget:
    """A budget in US dollars: `5.00/month`. Raises ValueError."""
    amount, _, period = str(written).strip().partition("/")
    found, named = _AMOUNT.fullmatch(amount.strip()), period.strip().lower()
    which = next((one for one in PERIODS if one == named), None)
    try:
        dollars = Decimal(found[1]) if found else Decimal(0)
    except InvalidOperation:
        dollars = Decimal(0)
    if which is None or not 0 < dollars <= MOST_DOLLARS:
        raise ValueError(f"must be US dollars and a period ({', '.join(PERIODS)}), such as 5.00/month")
    return Budget(dollars, which)


def span_of(written: str) -> float:
    """Seconds of `90d`, `12h`, `30m`, `45s`. Raises ValueError."""
    found = _SPAN.fullmatch(written.strip())
    seconds = int(found[1]) * _SECONDS[found[2]] if found else -1
    if not 0 <= seconds <= LONGEST_S:
        raise ValueError("must be a number with s, m, h or d behind it, such as 90d")
    return float(seconds)


def moment_of(written: str) -> float:
    """Unix seconds of a date (`2027-03-31`: midnight, UTC) or time (`2027-03-31T18:00:00+01:00`). Raises ValueError."""
    text = str(written).strip()
    try:
        found = datetime.fromisoformat(text) if len(text) <= 40 else None
        at = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() if found else -1.0
    except (ValueError, OverflowError):
        at = -1.0
    if at < 0:
        raise ValueError("must be a date, such as 2027-03-31, or a time, such as 2027-03-31T18:00:00Z")
    return at


_WRITTEN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "models": models_of,
    "rpm": requests_of,
    "tokens_per_day": tokens_of,
    "budget": budget_of,
    "concurrent": requests_of,
    "expires": moment_of,
}


def limits_written(written: Mapping[str, Any]) -> KeyLimits:
    """Limits by their names, as config.yaml and the tokens file have them. Raises ValueError, also for other names."""
    if (odd := next((name for name in written if name not in _WRITTEN), None)) is not None:
        raise ValueError(f"{odd[:40]!r} is no limit; there are {', '.join(_WRITTEN)}")
    return KeyLimits(**{name: _WRITTEN[name](value) for name, value in written.items()})


def shown_moment(at: float) -> str:
    """Unix seconds as people are told of them: `2027-03-31 17:00 UTC`."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "never"


def period_start(period: Period, now: float) -> float:
    """When the period under way began, in Unix seconds; 0 for `total`."""
    return 0.0 if period == "total" else _start(period, int(now // _DAY_S))


@lru_cache(maxsize=64)
def _start(period: Period, number: int) -> float:
    """The same for a day of UTC, counted from the first one: each request of a metered key asks several times."""
    day = datetime.fromtimestamp(number * _DAY_S, UTC)
    if period == "week":
        day -= timedelta(days=day.weekday())
    return (day.replace(day=1) if period == "month" else day).timestamp()


def period_end(period: Period, now: float) -> float | None:
    """When the period under way ends, in Unix seconds; None for `total`."""
    if period == "total":
        return None
    start = datetime.fromtimestamp(period_start(period, now), UTC)
    if period == "month":
        return (start + timedelta(days=32)).replace(day=1).timestamp()
    return (start + timedelta(days=7 if period == "week" else 1)).timestamp()
