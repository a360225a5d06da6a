"""--help: every command with examples that can be typed, and lists whose words are not cut."""

import shlex

import click
import pytest
from click.testing import CliRunner

from addons.cli.help import EXAMPLES, commands_in, first_sentence
from addons.cli.main import main
from tests.support.command_lines import understood

COMMANDS = dict(commands_in(main))


def said(words: str) -> str:
    return CliRunner().invoke(main, [*words.split(), "--help"], terminal_width=80).output


def test_every_command_has_examples_of_itself() -> None:
    """In the table, or in its own words."""
    without = [words for words in COMMANDS if f"glassgate {words}" not in said(words).partition("Example")[2]]
    assert without == [], "addons/cli/help.py has them"
    assert set(EXAMPLES) - {""} <= set(COMMANDS)


@pytest.mark.parametrize("words", ["", "sessions add", "accounts", "backup"])
def test_help_shows_them(words: str) -> None:
    for line in EXAMPLES[words]:
        assert f"  glassgate {line}\n" in said(words)


def test_no_command_says_its_examples_twice() -> None:
    """Those of the table are added to the command's own words."""
    twice = [
        words for words in COMMANDS if words in EXAMPLES and "  glassgate " in said(words).partition("\n  Example")[0]
    ]
    assert twice == []


def test_a_usage_line_says_once_that_there_are_options() -> None:
    assert [words for words in COMMANDS if said(words).partition("\n\n")[0].count("[OPTIONS]") != 1] == []


def test_every_example_is_understood() -> None:
    for words, lines in EXAMPLES.items():
        for line in lines:
            typed = shlex.split(line.partition(" < ")[0].partition(" > ")[0])
            assert understood(typed).startswith(words), line


def test_lists_of_commands_are_not_cut() -> None:
    for group in ("", *(words for words, command in COMMANDS.items() if isinstance(command, click.Group))):
        assert "..." not in said(group).partition("Commands:")[2].replace("ARGS...", ""), group
    listed = " ".join(said("").split())
    assert "Serve the configuration, with mitmweb: every exchange in the browser" in listed


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One. Two.", "One"),
        ("Makes config.yaml, as it is. Then more.", "Makes config.yaml, as it is"),
        ("Two\nlines of one\n\nAnother.", "Two lines of one"),
        ("", ""),
    ],
)
def test_the_first_sentence_is_the_line_of_a_list(text: str, first: str) -> None:
    assert first_sentence(text) == first
