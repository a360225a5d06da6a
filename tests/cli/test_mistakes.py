"""Mistakes on the command line and in what it reads, with the words a person is told."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from addons.cli.main import main
from tests.cli.conftest import CONFIG, SECRET, Run

FORM = '{"token": "…", "cookies": {"NAME": "…"}, "headers": {"NAME": "…"}, "api_key": "…"}, what there is of it'
JSONS = {
    "apikey": ({"apikey": SECRET}, "apikey: is not a key there; did you mean 'api_key'?"),
    "a number": ({"token": 5}, f"token: must be text; write {FORM}"),
    "cookies as text": ({"cookies": "a=b"}, f"cookies: must be an object; write {FORM}"),
    "a cookie's number": ({"cookies": {"a": 5}}, f"cookies.a: must be text; write {FORM}"),
    "a list": ([SECRET], f"must be an object; write {FORM}"),
    "the key as name": ({"Zq7wErTyUiOpAsDfGhJk": "api_key"}, f"…: is not a key there; write {FORM}"),
}


@pytest.mark.parametrize(("value", "words"), JSONS.values(), ids=JSONS)
def test_a_session_in_a_wrong_form(run: Run, value: object, words: str) -> None:
    result = run("sessions", "add", "official", "key1", "--from-json", "-", given=json.dumps(value))
    assert (result.exit_code, result.stderr) == (1, f"glassgate: the session JSON is not right: {words}\n")


def test_a_session_that_is_no_json(run: Run) -> None:
    result = run("sessions", "add", "official", "key1", "--from-json", "-", given=SECRET)
    assert (result.exit_code, result.stderr) == (1, f"glassgate: the session is no JSON; write {FORM}\n")


@pytest.mark.parametrize("words", [(SECRET,), ("--api-key", SECRET), (f"--api-key={SECRET}",), ("--token", SECRET)])
def test_a_key_on_the_command_line_is_refused_with_the_reason(run: Run, house: Path, words: tuple[str, ...]) -> None:
    result = run("sessions", "add", "official", "key1", *words)
    assert result.exit_code == 1
    assert result.stderr.startswith("glassgate: a key or token cannot stand on the command line: other users ")
    assert result.stderr.endswith(f"--config {house}/config.yaml sessions add official key1 --api-key-stdin\n")
    assert SECRET not in result.output
    assert not (house / ".sessions").exists()


def test_what_is_too_much_is_not_repeated(run: Run) -> None:
    result = run("login", "official", "key1", SECRET)
    assert result.exit_code == 2
    assert "there are more words than the command takes" in result.stderr
    assert SECRET not in result.output


def test_a_folder_for_the_configuration(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--config", str(tmp_path), "accounts"])
    said = f"glassgate: {tmp_path}: is a folder; name the file in it: --config {tmp_path}/config.yaml\n"
    assert (result.exit_code, result.stderr) == (1, said)


def test_several_problems_are_several_lines(run: Run, house: Path) -> None:
    (house / "config.yaml").write_text("log: {level: x}\nlisten: {port: 0}\n" + CONFIG)
    lines = run("accounts").stderr.splitlines()
    assert len(lines) == 2
    assert ["listen.port" in line or "log.level" in line for line in lines] == [True, True]


def test_names_that_nobody_serves_are_told_with_the_models_and_by_doctor(
    run: Run, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH_TOKEN", SECRET)
    (house / "config.yaml").write_text("models: {aliases: {fast: mm1, good: m1}}\n" + CONFIG)
    words = f"{house}/config.yaml:1: models.aliases.fast: no provider serves a model 'mm1'; did you mean 'm1'?"
    result = run("models")
    assert result.exit_code == 0
    assert result.stderr == f"glassgate: {words}\n"
    assert "good" in result.stdout
    assert f"ERROR    models: {words}" in run("doctor").stdout


def test_a_disabled_provider_is_said_to_be_that(run: Run, house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_TOKEN", SECRET)
    (house / "config.yaml").write_text(CONFIG.replace("accounts:", "enabled: off, accounts:"))
    result = run("sessions", "add", "official", "key1", "--api-key-stdin", given=SECRET)
    assert result.exit_code == 1
    assert "provider 'official' is disabled: config.yaml has enabled: false there" in result.stderr
    doctor = run("doctor")
    assert doctor.exit_code == 1
    assert "every provider is disabled (enabled: false), so no model is served" in doctor.stdout
    assert "login PROVIDER" not in doctor.stdout
