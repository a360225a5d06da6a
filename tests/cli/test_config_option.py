"""--config before a command and behind it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from addons.cli.config_option import READ_NONE
from addons.cli.help import commands_in
from addons.cli.main import main
from addons.words.commands import command

COMMANDS = dict(commands_in(main))


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.mark.parametrize(
    "words",
    [
        ("--config", "FILE", "config", "check"),
        ("config", "--config", "FILE", "check"),
        ("config", "check", "--config", "FILE"),
        ("--config", "other.yaml", "config", "check", "--config", "FILE"),
    ],
    ids=["before", "of a group", "behind", "the last of two counts"],
)
def test_it_may_stand_before_and_behind(house: Path, words: tuple[str, ...]) -> None:
    file = house / "config.yaml"
    done = call(*(file if word == "FILE" else word for word in words))
    assert "no client key is configured" in done.output, "the file was read"
    assert str(file) in done.output
    assert f"--config {file}" in command("doctor")


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    for words in ("serve", "keys list", "usage", "backup x.backup", "status"):
        assert str(missing) in call(*words.split(), "--config", missing).output, words


def test_every_command_that_reads_it_takes_it() -> None:
    assert set(COMMANDS) >= READ_NONE
    for words, one in COMMANDS.items():
        takes = any("--config" in option.opts for option in one.params)
        assert takes is (words not in READ_NONE), words


def test_what_a_program_is_given_is_its_own(house: Path) -> None:
    done = call("--config", house / "config.yaml", "run", "openai", "--config", "its.yaml")
    assert "its.yaml: there is no such file" not in done.output
