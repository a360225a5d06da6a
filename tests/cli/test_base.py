"""What all commands share: how they speak, and what they need of the configuration."""

import json
from pathlib import Path
from unittest.mock import Mock, patch

import pytest
from click.testing import CliRunner

from addons.cli.base import CliContext, Problem, known_provider, near_name, out, out_json
from addons.cli.main import main
from addons.vault.errors import VaultConflict, VaultMissing
from tests.cli.conftest import CONFIG, KEY, OTHER, SECRET, Run


def test_a_folder_for_the_configuration(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--config", str(tmp_path), "accounts"])
    said = f"glassgate: {tmp_path}: is a folder; name the file in it: --config {tmp_path}/config.yaml\n"
    assert (result.exit_code, result.stderr) == (1, said)


def test_several_problems_are_several_lines(run: Run, house: Path) -> None:
    (house / "config.yaml").write_text("log: {level: x}\nlisten: {port: 0}\n" + CONFIG)
    lines = run("accounts").stderr.splitlines()
    assert len(lines) == 2
    assert ["listen.port" in line or "log.level" in line for line in lines] == [True, True]


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (["main", "two"], " Did you mean 'main'?"),
        (["other", "two"], " It has: other, two."),
        ([], " It has: ."),
    ],
)
def test_near_names(known: list[str], said: str) -> None:
    assert near_name("mian", known) == said


@pytest.mark.parametrize(
    ("provider", "account", "words"),
    [
        ("official", None, ""),
        ("official", "key1", ""),
        ("offical", None, "config.yaml has no provider 'offical'. Did you mean 'official'?"),
        ("x", None, "config.yaml has no provider 'x'. It has: official."),
        ("official", "key2", "provider 'official' has no account 'key2' in config.yaml. Did you mean 'key1'?"),
    ],
)
def test_a_provider_is_known_or_refused_with_near_names(
    house: Path, provider: str, account: str | None, words: str
) -> None:
    config = CliContext(house / "config.yaml").config()
    if not words:
        assert known_provider(config, provider, account).name == provider
        return
    with pytest.raises(Problem) as caught:
        known_provider(config, provider, account)
    assert caught.value.format_message() == words


def test_the_configuration_is_read_once_and_the_process_hardened_before(house: Path) -> None:
    steps = Mock()
    with patch("addons.cli.base.harden", steps.harden), patch("addons.cli.base.load_config", steps.load):
        cli = CliContext(house / "config.yaml")
        assert steps.mock_calls == []
        assert cli.config() is cli.config() is steps.load.return_value
    assert [name for name, *_ in steps.mock_calls] == ["harden", "load"]


def test_sections_that_are_not_needed_are_not_looked_at(house: Path) -> None:
    (house / "config.yaml").write_text("auth: {tokens: [short], skip: 5}\n" + CONFIG)
    cli = CliContext(house / "config.yaml")
    assert cli.config().keys == ()
    with pytest.raises(Problem, match=r"auth\.skip"):
        cli.needing(without=()).config()


def test_a_vault_is_made_where_it_may_be_and_opened_where_it_is(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def context() -> CliContext:
        monkeypatch.setenv("SESSION_ENCRYPTION_KEY", KEY)  # whoever takes it, takes it out
        return CliContext(house / "config.yaml")

    with pytest.raises(VaultMissing):
        context().vault()
    made = context().vault(create=True)
    made.put("official", "key1", {"api_key": SECRET})
    assert context().vault(create=True).records().keys() == made.records().keys() == {("official", "key1")}
    with pytest.raises(VaultConflict, match="already"):
        context().new_vault()


def test_a_wrong_key_is_a_problem_in_one_line(made: Path, house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_ENCRYPTION_KEY", OTHER)
    with pytest.raises(Problem) as caught:
        CliContext(house / "config.yaml").vault()
    assert "\n" not in caught.value.format_message()


def test_what_is_said_stays_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    out("a\nb", "c\x1b[2J")
    out("d", err=True)
    out_json({"a": "ü\n"})
    said = capsys.readouterr()
    assert said.err == "d\n"
    lines = said.out.splitlines()
    assert len(lines) == 3
    assert "\x1b" not in said.out
    assert json.loads(lines[2]) == {"a": "ü\n"}
    assert lines[2].isascii()


def test_a_problem_is_told_under_the_name_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    Problem("one", "two\nthree\x07").show()
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 2)
    assert said.err.startswith("glassgate: one\n")
    assert "\x07" not in said.err
