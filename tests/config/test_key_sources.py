"""Client keys of every place, each once, and the name each has in the log."""

import hashlib
import re
from pathlib import Path

import pytest

from addons.config.configuration import Config
from addons.keys.limits import NO_LIMITS, KeyLimits, budget_of, moment_of
from tests.config.written import KEY, ZAI, problems, written


def test_keys_come_from_every_place(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# people\nsk-key-in-a-file\n\n  sk-second-in-file  \n")
    text = f"auth: {{tokens: ['${{NOT_SET}}', sk-in-the-config]}}\nproviders:\n{ZAI}"
    config = written(tmp_path, text, {**KEY, "AUTH_TOKENS_FILE": "keys"})
    assert config.tokens == ("sk-in-the-config", "sk-test-0123456789", "sk-key-in-a-file", "sk-second-in-file")
    assert [key.source for key in config.keys] == ["auth.tokens[1]", "AUTH_TOKEN", "keys:2", "keys:4"]
    assert "sk-in" not in repr(config)


def names(config: Config) -> dict[str, str]:
    return {key.token: key.name for key in config.keys}


def test_a_key_has_the_name_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# people\nsk-of-cy-0123 # cy\nsk-of-dee-#123\t#dee.2\nsk-of-nobody-0\n")
    text = f"""
auth:
  tokens: [{{name: ada, key: '${{ADA}}'}}, {{name: gone, key: '${{NOT_SET}}'}}, {{key: sk-also-plain}}]
  tokens_file: keys
providers:
{ZAI}"""
    found = names(written(tmp_path, text, {**KEY, "ADA": "sk-of-ada-0123"}))
    assert found.pop("sk-also-plain").startswith("key-")
    assert found.pop("sk-of-nobody-0").startswith("key-")
    assert found == {
        "sk-of-ada-0123": "ada",
        "sk-test-0123456789": "env",
        "sk-of-cy-0123": "cy",
        "sk-of-dee-#123": "dee.2",
    }


def test_a_key_without_a_name_keeps_the_one_made_for_it(tmp_path: Path) -> None:
    keys = ["sk-the-first", "sk-the-second", "sk-a-strong-one-0123456789abcdefghijkl"]
    before = names(written(tmp_path, f"auth: {{tokens: [{', '.join(keys)}]}}\nproviders:\n{ZAI}", {}))
    after = names(written(tmp_path, f"auth: {{tokens: [{', '.join(keys[:0:-1])}]}}\nproviders:\n{ZAI}", {}))
    assert after == {token: before[token] for token in keys[1:]}
    assert len(set(before.values())) == 3
    assert all(re.fullmatch(r"key-[0-9a-f]{8}", name) for name in before.values())
    digests = [hashlib.sha256(key.encode()).hexdigest() for key in keys]
    assert not any(name[4:] in digest for name in before.values() for digest in digests)


def test_one_key_in_two_places_is_one_key(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("sk-test-0123456789 # ada\n")
    text = f"auth: {{tokens: ['${{AUTH_TOKEN}}'], tokens_file: keys}}\nproviders:\n{ZAI}"
    assert names(written(tmp_path, text)) == {"sk-test-0123456789": "ada"}
    assert names(written(tmp_path, f"auth: {{tokens: ['${{AUTH_TOKEN}}']}}\nproviders:\n{ZAI}")) == {
        "sk-test-0123456789": "env"
    }


@pytest.mark.parametrize(
    ("auth", "file", "expected"),
    [
        pytest.param("tokens: [{name: a b, key: sk-0123456}]", "", "auth.tokens[0].name: must be 1 to 64", id="name"),
        pytest.param('tokens: [{name: "x\\e[2J", key: sk-0123456}]', "", "auth.tokens[0].name", id="escape"),
        pytest.param("tokens: [{nmae: a, key: sk-0123456}]", "", "did you mean 'name'", id="misspelt"),
        pytest.param("tokens: [{name: ada}]", "", "auth.tokens[0].key: is missing", id="no key"),
        pytest.param("tokens: [[1]]", "", "auth.tokens[0]: must be a key, or {name", id="a list"),
        pytest.param("tokens: [{name: '${NO_SUCH}', key: sk-0123456}]", "", "NO_SUCH is not set", id="no name"),
        pytest.param(
            "tokens: [{name: ada, key: sk-0123456}, {name: ada, key: sk-6543210}]",
            "",
            "two keys are named 'ada' (auth.tokens[0] and auth.tokens[1])",
            id="twins",
        ),
        pytest.param("tokens: [{name: env, key: sk-0123456}]", "", "(auth.tokens[0] and AUTH_TOKEN)", id="env"),
        pytest.param(
            "tokens: [{name: ada, key: sk-0123456}, {name: bob, key: sk-0123456}]", "", "'ada' (auth", id="two names"
        ),
        pytest.param("tokens: [{name: sk-0123456, key: sk-0123456}]", "", "the key itself", id="the key as name"),
        pytest.param('tokens: ["sk-0123456\\e"]', "", "no request can carry", id="control"),
        pytest.param("tokens_file: keys", "\nsk-0123456 # ada lovelace\n", "keys:2: the name behind", id="file name"),
        pytest.param("tokens_file: keys", "sk-0123456 sk-6543210", "keys:1: a line is one key", id="two on a line"),
    ],
)
def test_wrong_names_of_keys_are_told_without_the_key(tmp_path: Path, auth: str, file: str, expected: str) -> None:
    (tmp_path / "keys").write_text(file)
    found = "\n".join(problems(tmp_path, f"auth: {{{auth}}}\nproviders:\n{ZAI}"))
    assert expected in found
    assert "sk-0123456" not in found


LIMITED = KeyLimits(("GLM-*", "qwen-*"), 30, 2_000_000, budget_of("5.00/month"), 4, moment_of("2027-03-31"))


def test_keys_of_every_place_carry_the_same_limits(tmp_path: Path) -> None:
    words = "models=GLM-*,qwen-* rpm=30 tokens_per_day=2M budget=5.00/month concurrent=4 expires=2027-03-31"
    (tmp_path / "keys").write_text(f"sk-of-cy-0123 # cy {words}\nsk-of-dee-0123 # dee\nsk-of-ada-0123 # ada\n")
    text = f"""
auth:
  tokens:
    - name: ada
      key: sk-of-ada-0123
      models: [GLM-*, qwen-*]
      rpm: 30
      tokens_per_day: 2M
      budget: 5.00/month
      concurrent: 4
      expires: 2027-03-31
    - {{key: sk-of-bo-0123, models: GLM-4.6, tokens_per_day: 500}}
  tokens_file: keys
providers:
{ZAI}"""
    found = {key.token: key.limits for key in written(tmp_path, text, {}).keys}
    assert found == {
        "sk-of-ada-0123": LIMITED,
        "sk-of-bo-0123": KeyLimits(models=("GLM-4.6",), tokens_per_day=500),
        "sk-of-cy-0123": LIMITED,
        "sk-of-dee-0123": NO_LIMITS,
    }


@pytest.mark.parametrize(
    ("entry", "line", "expected"),
    [
        ("rpm: 0", "", "auth.tokens[0].rpm: must be"),
        ("rpm: 1.5", "", "auth.tokens[0].rpm: must be a whole number"),
        ("tokens_per_day: many", "", "auth.tokens[0].tokens_per_day: must be a whole number of tokens, such as 500k"),
        ("budget: 5", "", "auth.tokens[0].budget: must be"),
        ("budget: 5/year", "", "auth.tokens[0].budget: must be US dollars and a period"),
        ("expires: 90d", "", "auth.tokens[0].expires: must be a date, such as 2027-03-31"),
        ("models: []", "", "auth.tokens[0].models: name at least one model"),
        ("rmp: 3", "", "did you mean 'rpm'?"),
        ("rpm: 3", "sk-of-cy-0123 # cy rpm=0", "keys:1: 'rpm' behind the name: must be a whole number"),
        ("rpm: 3", "sk-of-cy-0123 # cy rmp=3", "'rmp' is no limit; there are models, rpm"),
        ("rpm: 3", "sk-of-cy-0123 # cy rpm=3 rpm=4", "each once"),
        ("rpm: 3", "sk-of-cy-0123 # cy two", "the name behind the key must be"),
        ("rpm: 3", "sk-of-ada-0123 # ada rpm=4", "one key has other limits in auth.tokens[0] than in keys:1"),
    ],
    ids=range(13),
)
def test_wrong_limits_are_told(tmp_path: Path, entry: str, line: str, expected: str) -> None:
    (tmp_path / "keys").write_text(line)
    text = f"auth: {{tokens: [{{name: ada, key: sk-of-ada-0123, {entry}}}], tokens_file: keys}}\nproviders:\n{ZAI}"
    found = problems(tmp_path, text, {})
    assert any(expected in one for one in found), found
    assert not any("sk-of" in one for one in found)
