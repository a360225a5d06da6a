"""`glassgate accounts`: every account and how it is; `reset` forgets what stands against them."""

import json
import time
from pathlib import Path

import pytest

from addons.accounts.health import AccountState, Health
from addons.accounts.state_store import FileStateStore
from tests.cli.conftest import CONFIG, KEY, OTHER, Run
from tests.support.accounts import health_in, saved

TWO = CONFIG.replace("{name: key1}", "{name: key1}, {name: key2, session: none}")


@pytest.fixture
def limited(made: Path, house: Path) -> None:
    """Two accounts, both of which the site has limited."""
    (house / "config.yaml").write_text(TWO)
    store = FileStateStore(made.with_name("accounts.json"), time.time)
    for name in ("key1", "key2"):
        now = int(time.time())
        health_in(store, ("official", name)).record(AccountState(Health.LIMITED, now, now + 900, "slow down"))
    saved(store)


def states(run: Run) -> dict[str, str]:
    return {line["account"]: line["state"] for line in json.loads(run("accounts", "--json").stdout)}


def test_each_account_is_a_line(run: Run, limited: None) -> None:
    lines = run("accounts").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["official/key1", "limited"], ["official/key2", "limited"]]
    assert "slow down" in lines[0]


def test_without_a_vault_what_needs_one_is_missing(run: Run, house: Path) -> None:
    (house / "config.yaml").write_text(TWO)
    assert states(run) == {"key1": "missing", "key2": "ok"}


def test_where_no_account_needs_a_vault_none_is_opened(run: Run, made: Path, house: Path) -> None:
    (house / "config.yaml").write_text(CONFIG.replace("{name: key1}", "{name: key1, session: none}"))
    assert run("accounts", key=OTHER).exit_code == 0
    (house / "config.yaml").write_text(CONFIG)
    assert run("accounts", key=OTHER).exit_code == 1
    assert run("accounts", key=KEY).exit_code == 0


@pytest.mark.parametrize(
    ("words", "reset", "left"),
    [
        ((), ["official/key1", "official/key2"], {"key1": "ok", "key2": "ok"}),
        (("official",), ["official/key1", "official/key2"], {"key1": "ok", "key2": "ok"}),
        (("official", "key2"), ["official/key2"], {"key1": "limited", "key2": "ok"}),
    ],
)
def test_reset_forgets_what_stands_against_those_that_are_named(
    run: Run, limited: None, words: tuple[str, ...], reset: list[str], left: dict[str, str]
) -> None:
    assert states(run) == {"key1": "limited", "key2": "limited"}
    assert run("accounts", "reset", *words).stdout.splitlines() == [f"reset {name}" for name in reset]
    assert states(run) == left


@pytest.mark.parametrize("words", [("offical",), ("official", "key3")])
def test_reset_of_what_there_is_not_is_refused(run: Run, limited: None, words: tuple[str, ...]) -> None:
    result = run("accounts", "reset", *words)
    assert (result.exit_code, "Did you mean" in result.stderr) == (1, True)
    assert states(run) == {"key1": "limited", "key2": "limited"}


def test_a_disk_that_takes_nothing_is_said(run: Run, limited: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileStateStore, "reset", lambda self, chosen: False)
    result = run("accounts", "reset")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "cannot be written; nothing was reset" in result.stderr
