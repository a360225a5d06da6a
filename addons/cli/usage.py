"""`glassgate usage`: what keys, models, accounts or days have used and what it cost, read out of the ledger."""

import csv
import io
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from addons.app.configured_vault import vault_path
from addons.cli.base import CliContext, Problem, out, out_json
from addons.keys.limits import moment_of, span_of
from addons.usage.errors import LedgerError
from addons.usage.place import place_of
from addons.vault import audit
from addons.words.near import hint
from addons.words.shown import shown
from addons.words.table import table

if TYPE_CHECKING:
    from addons.usage.database import Database
    from addons.usage.reports import UsageLine

_GROUPS: Final = ("key", "model", "account", "day")
_FIELDS: Final = (
    "requests", "failed", "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens", "cost_usd",
    "unpriced", "cache_hits",
)  # fmt: skip
"""Of CSV and JSON, behind the name; their names are a promise to who reads them by machine."""
_HEAD: Final = ("REQUESTS", "FAILED", "INPUT", "CACHED", "OUTPUT", "COST")
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for more than text, at the beginning of a cell: also in its wide form."""


def _since(_context: click.Context, _option: click.Parameter, written: str | None) -> float:
    """The moment, in Unix seconds."""
    if written is None:
        return 0.0
    try:
        return moment_of(written) if "-" in written else time.time() - span_of(written)
    except ValueError:
        raise click.BadParameter("must be a span, such as 7d or 12h, or a date, such as 2026-11-01") from None


@click.group(invoke_without_command=True)
@click.option("--by", type=click.Choice(_GROUPS), default="key", show_default=True, help="What is added up.")
@click.option(
    "--since", callback=_since, help="A span, such as 7d or 12h, or a date (UTC). All that is kept if left out."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, for a spreadsheet.")
@click.pass_context
def usage(context: click.Context, by: str, since: float, as_json: bool, as_csv: bool) -> None:
    """What was used and what it cost, by key, model, account or day.

    Reads the ledger, also while the gateway writes it. Days are those of UTC. Costs are reckoned from list prices.
    """
    if context.invoked_subcommand is not None:
        return
    if as_json and as_csv:
        raise click.UsageError("--json or --csv, not both")
    cli: CliContext = context.obj
    lines, total = _report(cli, by, round(since * 1000))
    if as_json:
        out_json({"by": by, "since": round(since), "lines": [_told(line) for line in lines], "total": _told(total)})
    elif as_csv:
        out(*_csv(by, lines).splitlines())
    else:
        _print(by, lines, total)


@usage.command()
@click.argument("key")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def forget(cli: CliContext, key: str, yes: bool) -> None:
    """Delete all that the ledger has of a key. Its meters in a running gateway stay as they are."""
    if not yes:
        known = {line.name: line.requests for line in _report(cli, "key", 0)[0]}
        if key not in known:
            raise Problem(f"the ledger has nothing of a key {key[:100]!r}{hint(key, list(known))}")
        if not click.confirm(f"delete all {known[key]:,} requests of the key {key!r} from the ledger?"):
            raise Problem("nothing was deleted")
    count = _with_database(cli, lambda database: database.forget(key=key), writes=True)
    out(f"deleted {count} request{'' if count == 1 else 's'} of {key}")
    about = {"key": key, "requests": str(count)}
    if words := audit.try_note(vault_path(cli.config()).parent, "usage forget", about):
        out(f"glassgate: {words}", err=True)


def _report(cli: CliContext, by: str, since_ms: int) -> tuple[list["UsageLine"], "UsageLine"]:
    """The lines and their total. Raises Problem."""
    from addons.usage.reports import GROUPS, total_of, usage_by

    group = next(name for name in GROUPS if name == by)
    lines = _with_database(cli, lambda database: usage_by(database, group, since_ms), writes=False)
    return lines, total_of(lines)


def _with_database[T](cli: CliContext, work: Callable[["Database"], T], *, writes: bool) -> T:
    """What the work gives with the ledger's database, which is there. Raises Problem."""
    from addons.usage.database import Database

    place = place_of(cli.config())
    reader = Database(place, writes=False)
    database = Database(place, writes=True) if writes else reader
    try:
        reader.open()  # one that writes would make what is not there
        return work(database)
    except LedgerError as e:
        raise Problem(_advised(cli, str(e))) from None
    finally:
        reader.close()
        database.close()


def _advised(cli: CliContext, words: str) -> str:
    if cli.config().sections.usage.enabled:
        return words
    return f"{words}. usage.enabled is false in {cli.config().file}"


# -- how it is shown --------------------------------------------------------------------------------------------------
def _told(line: "UsageLine") -> dict[str, Any]:
    """For programs; the cost as text, since it is exact."""
    return {
        "name": line.name,
        "requests": line.requests,
        "failed": line.failed,
        "prompt_tokens": line.prompt_tokens,
        "cached_tokens": line.cached_tokens,
        "completion_tokens": line.completion_tokens,
        "reasoning_tokens": line.reasoning_tokens,
        "cost_usd": f"{line.cost:f}",
        "unpriced": line.unpriced,
        "cache_hits": line.cache_hits,
    }


def _csv(by: str, lines: Sequence["UsageLine"]) -> str:
    """The lines without their total; a name that a spreadsheet would compute is marked as text."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_STRINGS)  # some take semicolons for commas
    writer.writerow((by, *_FIELDS))
    for line in lines:
        told = _told(line)
        writer.writerow((_as_text(shown(str(told["name"]))), *(told[name] for name in _FIELDS)))
    return file.getvalue()


def _as_text(cell: str) -> str:
    return f"'{cell}" if cell[:1].isspace() or cell.startswith(_FORMULA) else cell


def _print(by: str, lines: Sequence["UsageLine"], total: "UsageLine") -> None:
    if not lines:
        out("nothing was used in this time")
        return
    rows = [_cells(line) for line in (*lines, *([total] if len(lines) > 1 else []))]
    out(*table((by.upper(), *_HEAD), rows))
    if total.cache_hits:
        out(f"{total.cache_hits:,} of the requests were given a kept answer, which used and cost nothing (cache)")
    if total.unpriced:
        out(f"{total.unpriced} requests have no known price and count as nothing; prices in config.yaml may name one")


def _cells(line: "UsageLine") -> tuple[str, ...]:
    counts = (line.requests, line.failed, line.prompt_tokens, line.cached_tokens, line.completion_tokens)
    return (line.name, *(f"{count:,}" for count in counts), f"${line.cost:,.4f}")
