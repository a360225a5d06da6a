"""The command line as a whole: what is complained of, and how."""

import importlib.metadata
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from addons.cli.main import main
from tests.cli.conftest import SECRET, Run


def test_what_is_too_much_is_not_repeated(run: Run) -> None:
    result = run("login", "official", "key1", SECRET)
    assert result.exit_code == 2
    assert "there are more words than the command takes" in result.stderr
    assert SECRET not in result.output


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_names_every_command(run: Run, word: str) -> None:
    result = run(word)
    assert result.exit_code == 0
    for name in main.commands:
        assert (name == "listen") or name in result.stdout
    assert "\n  listen " not in result.stdout, "it is for run_proxy.sh"


def test_the_version_is_the_packages(run: Run) -> None:
    assert importlib.metadata.version("glassgate") in run("--version").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nonsense",), "No such command 'nonsense'"),
        (("accounts", "--nonsense"), "No such option '--nonsense'"),
        (("accounts", "reset", "a", "b", "c"), "there are more words than the command takes"),
        (("vault", "init", SECRET), "there are more words than the command takes"),
        (("sessions", "add"), "Missing argument"),
    ],
)
def test_wrong_usage_is_status_2(run: Run, words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert SECRET not in result.stderr


def test_what_is_complained_of_is_printable(run: Run) -> None:
    result = run("non\x1b[2Jsense\u202e")
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr
    assert "\u202e" not in result.stderr
    assert "non\\x1b[2Jsense\\u202e" in result.stderr


def test_what_commands_make_is_private(run: Run) -> None:
    before = os.umask(0o022)
    try:
        run("keygen")
        assert os.umask(0o022) == 0o077
    finally:
        os.umask(before)


def test_the_file_comes_from_the_environment_where_no_option_names_it(house: Path) -> None:
    result = CliRunner().invoke(main, ["models"], env={"GLASSGATE_CONFIG": str(house / "config.yaml")})
    assert result.exit_code == 0, result.output
    assert "m1" in result.stdout
