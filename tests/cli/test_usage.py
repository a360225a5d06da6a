"""`glassgate usage`: tables, JSON and CSV out of the ledger, and forgetting a key."""

import csv
import io
import json
from pathlib import Path

import pytest

from addons.usage.database import Database
from addons.usage.place import Place
from addons.vault.audit import noted
from tests.cli.conftest import Run
from tests.usage.rows import NOW, row

FORMULA = '=HYPERLINK("http://evil.example","x")'
DAY = 86_400
ROWS = [
    row(key="ada", model="big", cost_nano=1_234_567_890, prompt_tokens=1_000_000, cached_tokens=600_000),
    row(key="ada", model="small", outcome="failed", status=502),
    row(NOW - 10 * DAY, key="bob", model=FORMULA),
]


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.cli.usage.time.time", lambda: NOW)


@pytest.fixture
def kept(house: Path) -> Path:
    """The ledger, with some rows."""
    file = house / ".sessions" / "usage.db"
    database = Database(Place(file), writes=True)
    database.add(ROWS)
    database.close()
    return file


def test_a_table_with_totals_is_shown(run: Run, kept: Path) -> None:
    done = run("usage")
    assert done.output.splitlines() == [
        "KEY    REQUESTS  FAILED      INPUT   CACHED  OUTPUT     COST",
        "ada           2       1  1,000,010  600,000      10  $1.2346",
        "bob           1       0         10        0       5  $0.0000",
        "total         3       1  1,000,020  600,000      15  $1.2346",
        "2 requests have no known price and count as nothing; prices in config.yaml may name one",
    ]


@pytest.mark.parametrize(
    ("since", "names"),
    [("7d", ["ada"]), ("11d", ["ada", "bob"]), ("2027-01-15", ["ada"]), ("2027-01-16", []), ("0s", ["ada"])],
)
def test_what_is_older_is_left_out(run: Run, kept: Path, since: str, names: list[str]) -> None:
    told = json.loads(run("usage", "--since", since, "--json").output)
    assert [line["name"] for line in told["lines"]] == names


def test_programs_get_exact_figures(run: Run, kept: Path) -> None:
    told = json.loads(run("usage", "--by", "day", "--json").output)
    assert told["by"] == "day"
    assert told["total"] == {
        "name": "total", "requests": 3, "failed": 1, "prompt_tokens": 1_000_020, "cached_tokens": 600_000,
        "completion_tokens": 15, "reasoning_tokens": 0, "cost_usd": "1.23456789", "unpriced": 2, "cache_hits": 0,
    }  # fmt: skip
    assert [line["name"] for line in told["lines"]] == ["2027-01-05", "2027-01-15"]


def test_no_cell_of_csv_is_computed_by_a_spreadsheet(run: Run, house: Path) -> None:
    database = Database(Place(house / ".sessions" / "usage.db"), writes=True)
    starts = ["=1+1", "+1", "-1", "@SUM(A1)", "fine", '"quoted",x', FORMULA, " =1", "\uff1d1+1", "a;=1+1"]
    database.add([row(model=start) for start in starts])
    database.close()
    told = run("usage", "--by", "model", "--csv").output
    lines = list(csv.reader(io.StringIO(told)))
    assert lines[0] == [
        "model", "requests", "failed", "prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens",
        "cost_usd", "unpriced", "cache_hits",
    ]  # fmt: skip
    assert '"a;=1+1"' in told  # where a semicolon ends a cell, its quotes hold it together
    cells = [cell for line in lines[1:] for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert {line[0] for line in lines[1:]} == {
        "'=1+1", "'+1", "'-1", "'@SUM(A1)", "fine", '"quoted",x', f"'{FORMULA}", "' =1", "'\uff1d1+1", "a;=1+1",
    }  # fmt: skip


def test_requests_that_were_given_a_kept_answer_are_told(run: Run, house: Path) -> None:
    database = Database(Place(house / ".sessions" / "usage.db"), writes=True)
    database.add([row(cache="hit", prompt_tokens=0, completion_tokens=0), row(cache="miss"), row()])
    database.close()
    assert "1 of the requests were given a kept answer" in run("usage").output
    assert json.loads(run("usage", "--json").output)["total"]["cache_hits"] == 1


def test_a_key_is_forgotten_and_that_is_noted(run: Run, kept: Path) -> None:
    refused = run("usage", "forget", "ada", given="n\n")
    assert (refused.exit_code, "delete all 2 requests of the key 'ada'" in refused.output) == (1, True)
    assert "nothing was deleted" in refused.stderr
    unknown = run("usage", "forget", "adda")
    assert "the ledger has nothing of a key 'adda'; did you mean 'ada'?" in unknown.stderr
    assert run("usage", "forget", "ada", "--yes").output == "deleted 2 requests of ada\n"
    assert run("usage", "forget", "ada", "--yes").output == "deleted 0 requests of ada\n"
    assert [line["name"] for line in json.loads(run("usage", "--json").output)["lines"]] == ["bob"]
    assert [entry["key"] for entry in noted(kept.parent)] == ["ada", "ada"]


@pytest.mark.parametrize("command", [("usage",), ("usage", "forget", "ada", "--yes")])
def test_without_a_ledger_that_is_said_and_none_is_made(run: Run, house: Path, command: tuple[str, ...]) -> None:
    done = run(*command)
    assert (done.exit_code, "there is no ledger yet" in done.output) == (1, True)
    assert not (house / ".sessions" / "usage.db").exists()
    (house / "config.yaml").write_text((house / "config.yaml").read_text() + "usage: {enabled: false}\n")
    assert "usage.enabled is false" in run(*command).output


def test_an_empty_one_is_said_to_be_empty(run: Run, kept: Path) -> None:
    assert run("usage", "--since", "2027-02-01").output == "nothing was used in this time\n"


@pytest.mark.parametrize(
    "wrong", [("--since", "yesterday"), ("--since", "7"), ("--by", "person"), ("--json", "--csv"), ("--since", "9-9")]
)
def test_what_cannot_be_meant_is_wrong_usage(run: Run, kept: Path, wrong: tuple[str, ...]) -> None:
    assert run("usage", *wrong).exit_code == 2


def test_names_are_printable_whatever_stands_in_the_file(run: Run, kept: Path) -> None:
    database = Database(Place(kept), writes=True)
    database.add([row(key="\x1b[31mred\x07\n")])
    database.close()
    assert "\x1b" not in run("usage").output
