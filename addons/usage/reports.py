"""Sums over the ledger, asked of its database. Importing this loads SQLAlchemy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal, get_args

import sqlalchemy as sa

from addons.usage.database import Database
from addons.usage.row import dollars
from addons.usage.tables import REQUESTS

type GroupName = Literal["key", "model", "account", "day"]
GROUPS: Final[tuple[GroupName, ...]] = get_args(GroupName.__value__)
_DAY_MS: Final = 86_400_000
_WELL: Final = ("ok", "replayed", "client_left")
"""Outcomes that are nobody's failure."""


@dataclass(frozen=True, slots=True)
class UsageLine:
    """What one key, model, account or day has used."""

    name: str
    requests: int = 0
    failed: int = 0
    """Refused, failed, or broken off."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal = Decimal(0)
    """In USD, as far as prices were known."""
    unpriced: int = 0
    """Requests that used tokens without a known price."""
    cache_hits: int = 0
    """Requests that were given a kept answer, which used nothing."""

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def plus(self, other: "UsageLine") -> "UsageLine":
        """Both together, under this one's name."""
        mine, others = asdict(self), asdict(other)
        return replace(self, **{name: value + others[name] for name, value in mine.items() if name != "name"})


def usage_by(database: Database, group: GroupName, since_ms: int) -> list[UsageLine]:
    """What was used since a time (Unix milliseconds): days in order, else the dearest and largest first. Blocks.

    Raises LedgerError.
    """
    columns, name = _GROUPINGS[group]
    at = REQUESTS.c.at
    statement = sa.select(*columns, *_SUMS).where(at >= since_ms).group_by(*columns)
    lines = [_line(name(row[: len(columns)]), list(row[len(columns) :])) for row in database.select(statement)]
    if group == "day":
        return sorted(lines, key=lambda line: line.name)
    return sorted(lines, key=lambda line: (-line.cost, -line.tokens, -line.requests, line.name))


def total_of(lines: Sequence[UsageLine]) -> UsageLine:
    """All lines as one."""
    found = UsageLine("total")
    for line in lines:
        found = found.plus(line)
    return found


def sums_since(database: Database, since_ms_by_key: Mapping[str, int]) -> Mapping[str, tuple[int, int]]:
    """By key, tokens and billionths of a USD since a time of its own. Blocks. Raises LedgerError."""
    key, at = REQUESTS.c.key, REQUESTS.c.at
    wanted = sa.or_(*(sa.and_(key == name, at >= since) for name, since in since_ms_by_key.items()))
    tokens = sa.func.sum(REQUESTS.c.prompt_tokens + REQUESTS.c.completion_tokens)
    cost = sa.func.sum(sa.func.coalesce(REQUESTS.c.cost_nano, 0))
    found = database.select(sa.select(key, tokens, cost).where(wanted).group_by(key))
    return {row[0]: (int(row[1]), int(row[2])) for row in found}


def _sum_where(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


_UNPRICED: Final = sa.and_(REQUESTS.c.cost_nano.is_(None), REQUESTS.c.prompt_tokens + REQUESTS.c.completion_tokens > 0)
_SUMS: Final = (
    sa.func.count(),
    _sum_where(REQUESTS.c.outcome.not_in(_WELL)),
    sa.func.sum(REQUESTS.c.prompt_tokens),
    sa.func.sum(REQUESTS.c.cached_tokens),
    sa.func.sum(REQUESTS.c.completion_tokens),
    sa.func.sum(REQUESTS.c.reasoning_tokens),
    sa.func.sum(sa.func.coalesce(REQUESTS.c.cost_nano, 0)),
    _sum_where(_UNPRICED),
    _sum_where(REQUESTS.c.cache == "hit"),
)


def _line(name: str, sums: Sequence[Any]) -> UsageLine:
    """PostgreSQL gives sums as Decimal."""
    requests, failed, prompt, cached, completion, reasoning, cost, unpriced, hits = map(int, sums)
    return UsageLine(name, requests, failed, prompt, cached, completion, reasoning, dollars(cost), unpriced, hits)


def _text(values: Sequence[Any]) -> str:
    return "/".join(str(value) for value in values if value is not None) or "-"


def _day(values: Sequence[Any]) -> str:
    return datetime.fromtimestamp(int(values[0]) * _DAY_MS / 1000, UTC).date().isoformat()


_GROUPINGS: Final[Mapping[GroupName, tuple[tuple[sa.ColumnElement[Any], ...], Callable[[Sequence[Any]], str]]]] = {
    "key": ((REQUESTS.c.key,), _text),
    "model": ((REQUESTS.c.model,), _text),
    "account": ((REQUESTS.c.provider, REQUESTS.c.account), _text),
    "day": ((REQUESTS.c.at.op("/")(sa.literal_column(str(_DAY_MS))),), _day),
}
"""What each is grouped by, and its name for people. A day is one of UTC."""
