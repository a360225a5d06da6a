"""What commands say holds no character that a terminal obeys, and a line of others makes none of its own."""

import ast
import json
import time
from pathlib import Path

import pytest
from click.testing import Result

from addons.accounts.health import AccountState, Health
from addons.accounts.state_store import FileStateStore
from addons.cli import status
from addons.recordings.drift import Drift
from tests.cli.conftest import Run
from tests.support.accounts import health_in, saved

ROOT = Path(__file__).parents[2]
EVIL = "x\x1b]0;TITLE\x07\r\nFORGED line\u202e\x9b2J\x7f"


def plain(result: Result) -> bool:
    lines = result.output.split("\n")
    return all(line.isprintable() for line in lines) and not any(line.startswith("FORGED") for line in lines)


@pytest.fixture
def noted(house: Path) -> Path:
    """A house whose files hold words of a hostile site."""
    folder = house / ".sessions"
    folder.mkdir(mode=0o700)
    store = FileStateStore(folder / "accounts.json", time.time)
    health_in(store, ("official", "key1")).record(AccountState(Health.BLOCKED, 1, None, EVIL))
    health_in(store, ("official", "key1")).limit_model(
        EVIL, AccountState(Health.LIMITED, 1, int(time.time()) + 500, EVIL)
    )
    saved(store)
    drift = Drift.load(folder / "drift.json")
    drift.count("official", {EVIL: 1}, 1, EVIL)
    drift.save()
    return house


@pytest.mark.parametrize("command", [("accounts",), ("doctor",), ("drift",), ("models",), ("sessions", "list")])
def test_words_of_sites_are_escaped(run: Run, noted: Path, made: Path, command: tuple[str, ...]) -> None:
    result = run(*command)
    assert plain(result), result.output
    if command in (("accounts",), ("drift",)):
        assert "TITLE" in result.output
        assert "FORGED line\\u202e" in result.output
    as_json = run(*command, "--json") if command != ("sessions", "list") else run("sessions", "list", "--json")
    assert plain(as_json)
    json.loads(as_json.stdout)


def test_words_of_what_answers_status_are_escaped(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"provider": EVIL, "account": EVIL, "state": "blocked", "reason": EVIL}
    told = {"status": EVIL, "problem": EVIL, "accounts": [account]}
    monkeypatch.setattr(status, "_ask", lambda *args, **kwargs: (told, True))
    assert plain(run("status"))
    assert json.loads(run("status", "--json").stdout) == told


@pytest.mark.parametrize(
    "command",
    [
        (EVIL,),
        ("accounts", f"--{EVIL}"),
        ("accounts", "reset", EVIL),
        ("accounts", "reset", "official", EVIL),
        ("sessions", "add", EVIL, "key1", "--token-stdin"),
        ("sessions", "remove", "official", EVIL),
        ("sessions", "import", EVIL),
        ("replay", EVIL, "--check"),
        ("cases", "add", EVIL),
        ("login", EVIL),
        ("sandbox", "--site", EVIL),
        ("status", "--url", EVIL),
        ("vault", "remove-slot", EVIL),
    ],
    ids=lambda command: command[0] if command[0] != EVIL else "no command",
)
def test_refusals_are_escaped(run: Run, made: Path, command: tuple[str, ...]) -> None:
    result = run(*command)
    assert result.exit_code in (1, 2)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert plain(result), result.output


def test_what_a_configuration_says_is_escaped(run: Run, house: Path) -> None:
    (house / "config.yaml").write_text('"a\\e[2J\\nFORGED": 1\nlog: {level: "\\e]0;T\\a"}\nproviders: {"\\u202e": 1}\n')
    for command in (("accounts",), ("doctor",)):
        result = run(*command)
        assert result.exit_code == 1
        assert plain(result), result.output
        assert "a\\x1b[2J\\x0aFORGED" in result.output


def test_every_command_speaks_through_the_one_door() -> None:
    files = [*(ROOT / "addons" / "cli").glob("*.py"), *(ROOT / "addons" / "capturing").glob("*.py")]
    for file in files:
        calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        direct = [call for call in calls if call in ("click.echo", "click.secho", "print", "sys.stdout.write")]
        assert not direct or file.name == "base.py", file
