"""The command line as a whole: what is complained of, and how."""

import errno
import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from addons.cli.main import main
from tests.cli.conftest import SECRET, Run
from tests.support.processes import ROOT


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


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("keys", "show", "nobody", "--json"), 1),
        (("accounts", "--json", "--config", "missing.yaml"), 1),
        (("usage", "--json", "--since", "yester\x1bday"), 2),
    ],
    ids=["ours", "the configuration", "usage"],
)
def test_who_asked_for_json_is_told_of_a_failure_in_json(run: Run, words: tuple[str, ...], status: int) -> None:
    """Programs read standard output, which was empty."""
    result = run(*words)
    told = json.loads(result.stdout)
    assert (result.exit_code, list(told)) == (status, ["error"])
    assert told["error"] in result.stderr
    assert "\x1b" not in result.output


def test_json_is_for_commands_that_know_it(run: Run) -> None:
    assert run("run", "openai", "--", "nothing", "--json").stdout == ""
    assert run("record", "--json").stdout == ""


def glassgate(*words: str, cwd: Path, **settings: Any) -> subprocess.CompletedProcess[str]:
    program = str(ROOT / "addons" / "cli" / "__main__.py")
    return subprocess.run([sys.executable, "-P", program, *words], cwd=cwd, text=True, timeout=100, **settings)


@pytest.mark.processes
@pytest.mark.parametrize("coding", ["latin-1", "ascii", "utf-8"])
def test_a_terminal_that_cannot_show_a_letter_is_shown_its_number(tmp_path: Path, coding: str) -> None:
    """Each was a traceback, --help too."""
    done = glassgate("--help", cwd=tmp_path, capture_output=True, env={**os.environ, "PYTHONIOENCODING": coding})
    assert (done.returncode, done.stderr) == (0, "")
    assert "serve" in done.stdout


@pytest.mark.processes
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_a_full_disk_behind_standard_output_is_one_line(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = glassgate("keygen", cwd=tmp_path, stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (1, f"glassgate: {os.strerror(errno.ENOSPC)}\n")


def test_a_folder_that_is_gone_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    result = CliRunner().invoke(main, ["keygen"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "the folder that you are in is not there any more" in result.stderr
