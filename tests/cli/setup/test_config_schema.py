"""The schema for editors: it has every key, and takes what the check takes."""

import json
import re
from typing import Any

import jsonschema_rs
import pytest
import yaml

from addons.cli.setup.config_schema import config_schema
from addons.cli.setup.written import new_config
from tests.cli.conftest import Run
from tests.test_rooms import ROOT

SCHEMA = config_schema()
VALID = jsonschema_rs.validator_for(SCHEMA)
PROVIDER = {"type": "zai", "accounts": ["main"]}


def keys_in(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(keys_in, value))
    if not isinstance(value, dict):
        return set()
    named = value.get("properties")
    return set(named if isinstance(named, dict) else ()).union(*map(keys_in, value.values()))


def test_every_key_of_the_page_is_in_it() -> None:
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    named = {key for row in re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE) for key in re.findall("`([^`]+)`", row)}
    assert len(named) > 60
    found = keys_in(SCHEMA)
    assert {part for key in named for part in key.split(".")} - found == set()


@pytest.mark.parametrize("text", [(ROOT / "config.yaml").read_text(), new_config({"zai": PROVIDER}, 8080)])
def test_our_own_files_are_right_by_it(text: str) -> None:
    VALID.validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    "written",
    [
        {"listen": None, "log": {"format": "json", "level": None}},
        {"listen": {"port": "${PORT:-8080}"}},
        {"timeouts": {"connect_s": "5s"}, "auth": {"skip": "off", "tokens": "${AUTH_TOKEN}"}},
        {"providers": {"a": {"type": "zai", "accounts": {"main": {"priority": 1}, "two": None}}}},
        {"providers": {"a": {"type": "openai_compatible", "preset": "deepseek", "accounts": "main"}}},
    ],
)
def test_what_people_write_is_right_by_it(written: dict[str, Any]) -> None:
    VALID.validate(written)


@pytest.mark.parametrize(
    "wrong",
    [
        {"listne": {}},
        {"listen": {"port": "eighty"}},
        {"listen": {"prot": 8080}},
        {"providers": {"a": {**PROVIDER, "api_key": "x"}}},
        {"providers": {"a": {"type": "nonsense", "accounts": ["main"]}}},
        {"log": {"level": "verbose"}},
    ],
)
def test_what_is_wrong_is_wrong_by_it(wrong: dict[str, Any]) -> None:
    assert not VALID.is_valid(wrong)


def test_the_command_prints_it_and_checks_a_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(run("config", "schema").stdout) == SCHEMA
    assert "no client key is configured" in run("config", "check").stderr
    monkeypatch.setenv("AUTH_TOKEN", "sk-0123456789abcdefghij")
    assert run("config", "check").stdout.endswith("config.yaml is right\n")
