"""The command line as people and scripts use it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from addons.cli.main import main
from providers.sandbox.tokens import jwt

CONFIG = """
providers:
  zai: {type: zai, accounts: [{name: main}, {name: second}]}
  official: {type: openai_compatible, base_url: http://127.0.0.1:9/v1, models: [m1], accounts: [{name: key1}]}
models: {aliases: {fast: m1}}
"""
TOKEN = jwt({"id": "user-1", "email": "person@example.com"})

type Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("AUTH_TOKEN", "SKIP_AUTH_TOKEN", "LONGCAT_PASSPORT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config.yaml").write_text(CONFIG)

    def invoke(*arguments: str, given: str | None = None, key: str | None = "00" * 32) -> Result:
        environ = {"SESSION_ENCRYPTION_KEY": key}
        config = str(tmp_path / "config.yaml")
        return CliRunner().invoke(main, ["--config", config, *arguments], input=given, env=environ)

    return invoke


def test_a_session_is_added_listed_and_removed(run: Run, tmp_path: Path) -> None:
    added = run("sessions", "add", "zai", "main", "--from-json", "-", given=json.dumps({"token": TOKEN}))
    assert added.exit_code == 0, added.output
    listed = run("sessions", "list", "--json")
    assert TOKEN not in listed.output
    row = json.loads(listed.output)[0]
    assert (row["provider"], row["account"], row["holds"]) == ("zai", "main", ["token"])
    assert "zai/main" in run("sessions", "list").output
    assert run("sessions", "remove", "zai", "main").exit_code == 0
    assert json.loads(run("sessions", "list", "--json").output) == []
    assert (tmp_path / ".sessions").stat().st_mode & 0o777 == 0o700


def test_an_api_key_comes_from_stdin(run: Run) -> None:
    assert run("sessions", "add", "official", "key1", "--api-key-stdin", given="sk-abc-123\n").exit_code == 0
    assert json.loads(run("sessions", "list", "--json").output)[0]["holds"] == ["api_key"]


@pytest.mark.parametrize(
    ("arguments", "given", "expected"),
    [
        pytest.param(("zay", "main"), {"token": TOKEN}, "Did you mean 'zai'", id="provider"),
        pytest.param(("zai", "mian"), {"token": TOKEN}, "Did you mean 'main'", id="account"),
        pytest.param(("zai", "main"), {}, "session is empty", id="empty"),
        pytest.param(("zai", "main"), {"token": 5}, "token", id="number"),
        pytest.param(("zai", "main"), {"tokn": "x"}, "tokn", id="misspelt"),
        pytest.param(("zai", "main"), {"token": "not a jwt"}, "cannot serve zai", id="no JWT"),
    ],
)
def test_a_wrong_session_is_refused_in_one_line(
    run: Run, arguments: tuple[str, str], given: object, expected: str
) -> None:
    result = run("sessions", "add", *arguments, "--from-json", "-", given=json.dumps(given))
    assert result.exit_code == 1
    assert expected in result.output
    assert "Traceback" not in result.output
    assert TOKEN not in result.output


def test_the_wrong_key_is_said(run: Run) -> None:
    run("sessions", "add", "zai", "main", "--from-json", "-", given=json.dumps({"token": TOKEN}))
    result = run("sessions", "list", key="11" * 32)
    assert result.exit_code == 1
    assert "does not open this vault" in result.output


def test_no_key_is_said(run: Run) -> None:
    result = run("sessions", "add", "zai", "main", "--from-json", "-", given=json.dumps({"token": TOKEN}), key=None)
    assert result.exit_code == 1
    assert "SESSION_ENCRYPTION_KEY is not set" in result.output


def test_removing_what_is_not_there(run: Run) -> None:
    run("sessions", "add", "zai", "main", "--from-json", "-", given=json.dumps({"token": TOKEN}))
    assert run("sessions", "remove", "zai", "second").exit_code == 1


def test_models_are_those_of_the_configuration(run: Run) -> None:
    ids = [model["id"] for model in json.loads(run("models", "--json").output)["data"]]
    assert {"GLM-4.6", "GLM-4.6-Thinking", "m1"} <= set(ids)
    assert ["m1", "(official)"] in [line.split() for line in run("models").output.splitlines()]


def test_models_say_that_tools_are_switched_off(run: Run, tmp_path: Path) -> None:
    def told() -> set[str]:
        listed = json.loads(run("models", "--json").output)["data"]
        return set(next(model for model in listed if model["id"] == "GLM-4.6")["supported_parameters"])

    assert {"tools", "response_format"} <= told()
    with (tmp_path / "config.yaml").open("a") as file:
        file.write("features: {tools: false}\n")
    assert "response_format" in told()
    assert "tools" not in told()


def test_fresh_keys_are_keys(run: Run) -> None:
    from addons.vault.keys import VaultKey

    first, second = run("keygen").output.strip(), run("keygen").output.strip()
    assert first != second
    assert VaultKey.from_text(first).kind == "rawkey"
    assert len(run("keygen", "--client").output.strip()) >= 32


def test_a_broken_configuration_is_told_without_a_traceback(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("providers: {zai: {type: zay}}\nlog: {level: LOUD}\n")
    result = run("models")
    assert result.exit_code == 1
    assert "providers.zai.type" in result.output
    assert "log.level" in result.output
