from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from addons.cli.setup.written import Unwritable, config_with, env_with, new_config, provider_line
from addons.config.env_file import read_env

ENTRY = {"type": "openai_compatible", "base_url": "https://api.example/v1?a={b}", "accounts": ["main"]}


@pytest.mark.parametrize("before", ["", "A=1\n", "A=1"])
def test_variables_are_added_at_the_end(before: str) -> None:
    text = env_with(before, {"B": "x", "C": "it's a \\ #word"})
    assert read_env(text, {}) == {**({"A": "1"} if before else {}), "B": "x", "C": "it's a \\ #word"}
    assert text.startswith(before)


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_what_is_written_is_read_again_or_refused(value: str) -> None:
    with suppress(Unwritable):
        assert read_env(env_with("", {"NAME": value}), {}) == {"NAME": value}


def test_what_would_be_taken_for_a_variable_is_refused_and_not_repeated() -> None:
    with pytest.raises(Unwritable, match=r"^the value of NAME cannot stand in a \.env file$"):
        env_with("", {"NAME": "pass${HOME}word"})


def test_a_configuration_names_its_schema_and_holds_each_provider_in_a_line() -> None:
    text = new_config({"one": ENTRY, "0": ENTRY}, 8123)
    assert text.startswith("# yaml-language-server: $schema=config.schema.json\n")
    read = yaml.safe_load(text)
    assert read["listen"] == {"host": "127.0.0.1", "port": 8123}
    assert read["auth"] == {"tokens": ["${AUTH_TOKEN}"]}
    assert read["providers"] == {"one": ENTRY, "0": ENTRY}


def test_a_provider_joins_a_list_whatever_stands_around_it() -> None:
    text = "# mine\nproviders:   # these\n  two: {type: zai, accounts: [main]}\nlog: {level: INFO}\n"
    made = config_with(text, {"one": ENTRY})
    assert made is not None
    assert list(yaml.safe_load(made)["providers"]) == ["one", "two"]
    assert made.replace(provider_line("one", ENTRY) + "\n", "") == text
    assert config_with("providers: {two: {type: zai}}\n", {"one": ENTRY}) is None
