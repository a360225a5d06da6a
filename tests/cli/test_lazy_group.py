"""Commands that are imported when they are called: what is listed of them is true, and listing them is cheap."""

import json
import os
import subprocess
import sys

import click
import pytest

from addons.cli.help import first_sentence
from addons.cli.lazy_group import LazyGroup, Listed
from addons.cli.main import COMMANDS, main
from tests.support.processes import ROOT

_LISTING = """
import json, sys
from addons.cli.main import main
sys.stdout, told = sys.stderr, sys.stdout
try:
    main(WORDS, prog_name="glassgate")
except SystemExit as e:
    print(json.dumps([e.code, sorted(sys.modules)]), file=told)
"""
_HEAVY = ("addons.config", "addons.app", "addons.vault", "providers", "mitmproxy", "pydantic", "cryptography", "yaml")


def loaded(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_listed_is_what_the_command_says_of_itself(name: str) -> None:
    command, listed = loaded(name), COMMANDS[name]
    assert (command.name, command.hidden) == (name, listed.hidden)
    if not listed.hidden:
        assert listed.words == first_sentence(command.help or "")


@pytest.mark.processes
@pytest.mark.parametrize(
    ("words", "environ"),
    [(["--help"], {}), ([], {"_GLASSGATE_COMPLETE": "bash_complete", "COMP_WORDS": "glassgate se", "COMP_CWORD": "1"})],
    ids=["help", "completion"],
)
def test_listing_commands_imports_nothing_that_they_need(words: list[str], environ: dict[str, str]) -> None:
    """It took two seconds."""
    command = [sys.executable, "-c", _LISTING.replace("WORDS", repr(words))]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, timeout=100)
    code, modules = json.loads(done.stdout)
    assert (code, "serve" in done.stderr, "sessions" in done.stderr) == (0, True, True)
    assert [module for module in modules if module.startswith(_HEAVY)] == []


def test_a_command_is_imported_and_dressed_once() -> None:
    dressed: list[str] = []
    listed = {"keygen": Listed("addons.cli.tools:keygen", "Print"), "listen": Listed("x:y", "", hidden=True)}
    group = LazyGroup("g", listed=listed, dress=lambda name, command: dressed.append(name))
    with click.Context(group) as context:
        assert "keygen  Print" in group.get_help(context)
        assert "listen" not in group.get_help(context)
        assert [item.value for item in group.shell_complete(context, "")][:1] == ["keygen"]
        assert [item.value for item in group.shell_complete(context, "l")] == []
        assert dressed == []
        assert group.get_command(context, "keygen") is group.get_command(context, "keygen")
        assert group.get_command(context, "nothing") is None
    assert dressed == ["keygen"]


def test_what_is_nearly_a_command_is_hinted_at() -> None:
    with click.Context(main) as context, pytest.raises(click.UsageError) as refused:
        main.resolve_command(context, ["sessoins"])
    assert "sessions" in refused.value.format_message()
