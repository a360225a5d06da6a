import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from addons.config.loader import ConfigError, load_config
from addons.config.schema import Config

KEY = {"AUTH_TOKEN": "sk-test-0123456789"}
ZAI = "  zai: {type: zai, base_url: https://chat.z.ai, accounts: [{name: main}]}\n"
LONGCAT = "  longcat: {type: longcat, base_url: https://longcat.chat, accounts: [{name: main}, {name: two}]}\n"


def written(folder: Path, text: str, environ: Mapping[str, str] = KEY) -> Config:
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, environ)


def problems(folder: Path, text: str, environ: Mapping[str, str] = KEY) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        written(folder, text, environ)
    return [problem.removeprefix(str(folder)) for problem in caught.value.problems]


def test_defaults_are_those_of_the_documents(tmp_path: Path) -> None:
    config = written(tmp_path, f"providers:\n{ZAI}")
    sections = config.sections
    assert (sections.listen.host, sections.listen.port) == ("127.0.0.1", 8080)
    assert sections.timeouts.first_token_thinking_s == 300
    assert sections.routing.max_attempts == 3
    assert config.tokens == ("sk-test-0123456789",)
    assert config.path(sections.vault.path) == tmp_path / ".sessions" / "vault.json"
    assert config.providers[0].options.base_url == "https://chat.z.ai"


def test_the_shipped_configuration_is_right() -> None:
    config = load_config(Path(__file__).parents[2] / "config.yaml", KEY)
    assert [p.name for p in config.providers][:1] == ["zai"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("listen: {port: 99999}", ["/config.yaml:1: listen.port:", "99999", "65535"], id="out of range"),
        pytest.param("lisen: {port: 1}", ["lisen: is not a key there", "'listen'"], id="misspelt section"),
        pytest.param("listen:\n  prt: 1", ["/config.yaml:2: listen.prt:", "'port'"], id="misspelt key"),
        pytest.param("log: {level: LOUD}", ["log.level: must be one of 'DEBUG'", "LOUD"], id="unknown word"),
        pytest.param("a: [1", ["is not valid YAML"], id="broken YAML"),
        pytest.param("[1, 2]", ["must be a mapping"], id="a list"),
        pytest.param("log: {level: INFO}\nlog: {level: INFO}", ["log: stands twice"], id="twice"),
        pytest.param("vault: {path: '${NO_SUCH}'}", ["vault.path:", "NO_SUCH is not set"], id="missing variable"),
        pytest.param("vault: {key_source: file}", ["vault.key_file: is needed"], id="no key file"),
    ],
)
def test_a_wrong_section_is_named_with_its_line(tmp_path: Path, text: str, expected: list[str]) -> None:
    found = "\n".join(problems(tmp_path, f"{text}\nproviders:\n{ZAI}" if not text.startswith("[") else text))
    assert all(part in found for part in expected), found


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(
            "{type: zay, accounts: [{name: a}]}", ["providers.x.type", "'zay'", "did you mean 'zai'"], id="type"
        ),
        pytest.param(
            "{type: zai, base_url: http://chat.z.ai, accounts: [{name: a}]}", ["base_url", "loopback"], id="http"
        ),
        pytest.param(
            "{type: zai, base_url: https://u:p@z.ai, accounts: [{name: a}]}", ["base_url", "password"], id="user"
        ),
        pytest.param("{type: zai}", ["providers.x.accounts: is missing"], id="no accounts"),
        pytest.param("{type: zai, accounts: []}", ["providers.x.accounts"], id="empty accounts"),
        pytest.param("{type: zai, accounts: [{name: 'a~b'}]}", ["accounts[0].name", "letters"], id="account name"),
        pytest.param("{type: zai, accounts: [{name: a}, {name: a}]}", ["same name"], id="twin accounts"),
        pytest.param("{type: zai, accounts: [{name: a}], proxy: socks5://x}", ["providers.x.proxy"], id="proxy"),
        pytest.param(
            "{type: zai, accounts: [{name: a}], shoe_size: 9}", ["shoe_size: is not a key there"], id="unknown"
        ),
        pytest.param("zai", ["must be a mapping"], id="text"),
    ],
)
def test_a_wrong_provider_is_named(tmp_path: Path, entry: str, expected: list[str]) -> None:
    found = "\n".join(problems(tmp_path, f"providers:\n  x: {entry}\n"))
    assert all(part in found for part in expected), found


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, "listen: {port: x}\nlog: {format: xml}\nproviders:\n  p: {type: nope}\n")
    assert len(found) == 3


def test_no_provider_is_an_error(tmp_path: Path) -> None:
    assert "at least one provider" in problems(tmp_path, "providers: {}\n")[0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_config(tmp_path / "none.yaml", KEY)


def test_values_come_from_the_environment_and_from_env_files(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT_HERE=9000\nAUTH_TOKEN=sk-from-the-file\nLOG_LEVEL=debug\n")
    text = f"listen: {{port: '${{PORT_HERE}}', host: '${{HOST_HERE:-localhost}}'}}\nproviders:\n{ZAI}"
    config = written(tmp_path, text, KEY)
    assert (config.sections.listen.port, config.sections.listen.host) == (9000, "localhost")
    assert config.tokens == ("sk-test-0123456789",)
    assert config.sections.log.level == "DEBUG"


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


def test_sections_that_are_not_needed_are_not_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "listen: {host: 0.0.0.0}\nauth: {tokens_file: none, tokens: [x, {}], skip: '${NO_SUCH}', skip: true}\n"
        "providers: {zai: {type: zay}}\n"
    )
    config = load_config(file, {}, without=("auth", "providers"))
    assert (config.keys, config.providers, config.skip_auth) == ((), (), False)
    assert config.sections.listen.host == "0.0.0.0"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("auth: Zq7wErTyUiOpAsDfGhJk", id="a key one level too high"),
        pytest.param("vault: Zq7wErTyUiOpAsDfGhJk", id="a key instead of a section"),
        pytest.param("limits: {body_mb: Zq7wErTyUiOpAsDfGhJk}", id="a key instead of a number"),
        pytest.param("log: {level: '${WORD}'}", id="a variable"),
        pytest.param("log: {level: 'x${WORD:-}'}", id="a variable in a text"),
        pytest.param("providers: {p: {type: '${WORD}'}}", id="a variable for a type"),
        pytest.param(
            "providers: {p: {type: zai, proxy: 'foo://u:Zq7wErTyUiOpAsDfGhJk@h', accounts: [{name: a}]}}", id="proxy"
        ),
        pytest.param(
            "providers: {p: {type: zai, base_url: 'https://u:Zq7wErTyUiOpAsDfGhJk@h', accounts: [{name: a}]}}",
            id="address",
        ),
        pytest.param("providers: {p: {type: zai, accounts: [Zq7wErTyUiOpAsDfGhJk]}}", id="a key for an account"),
    ],
)
def test_what_may_be_a_secret_is_not_repeated(tmp_path: Path, text: str) -> None:
    """Problems are told in the log, and to clients in /healthz."""
    environ = {"AUTH_TOKEN": "sk-client-0123456789", "WORD": "swordfish"}
    file = tmp_path / "config.yaml"
    file.write_text(text if "providers" in text else f"{text}\nproviders:\n{ZAI}")
    with pytest.raises(ConfigError) as caught:
        load_config(file, environ)
    assert "Zq7wErTyUiOp" not in str(caught.value)
    assert "swordfish" not in str(caught.value)


def test_what_a_file_says_stays_one_line_of_the_problems(tmp_path: Path) -> None:
    found = problems(tmp_path, 'log: {level: "x\\e[2J\\nINJECTED"}\n"a\\eb": 1\nproviders:\n' + ZAI)
    assert len(found) == 2
    assert all(line.isprintable() for line in found)


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        pytest.param("", {}, "no client key is configured", id="no key"),
        pytest.param("", {"AUTH_TOKEN": "short"}, "shorter than 8", id="short key"),
        pytest.param("listen: {host: 0.0.0.0}", KEY, "at least 32 bytes", id="open with a short key"),
        pytest.param("listen: {host: 0.0.0.0}", {"SKIP_AUTH_TOKEN": "true"}, "loopback", id="open without key"),
        pytest.param("auth: {tokens_file: nowhere}", KEY, "cannot be read", id="no keys file"),
    ],
)
def test_keys_that_do_not_protect_are_refused(
    tmp_path: Path, text: str, environ: dict[str, str], expected: str
) -> None:
    found = "\n".join(problems(tmp_path, f"{text}\nproviders:\n{ZAI}", environ))
    assert expected in found
    assert "short" not in found.replace("shorter", "")


def test_the_key_check_can_be_switched_off_on_loopback(tmp_path: Path) -> None:
    assert written(tmp_path, f"providers:\n{ZAI}", {"SKIP_AUTH_TOKEN": "true"}).skip_auth


def test_the_longcat_token_of_the_environment_is_its_first_accounts_session(tmp_path: Path) -> None:
    config = written(tmp_path, f"providers:\n{LONGCAT}", {**KEY, "LONGCAT_PASSPORT_TOKEN": "passport-value"})
    assert config.env_sessions[("longcat", "main")].cookies == {"passport_token_key": "passport-value"}
    assert "passport-value" not in repr(config)


def test_names_of_later_sections_are_taken(tmp_path: Path) -> None:
    text = """
routing: {strategy: least_busy, max_attempts: 5, fallbacks: {GLM-4.6: [qwen-max]}, retry_accepted: false}
timeouts: {connect_s: 1, first_token_s: 2, first_token_thinking_s: 3, idle_s: 4, total_s: 5, keepalive_s: 6, drain_s: 7}
accounts: {max_concurrent: 2, queue_s: 30, min_interval_s: 0}
"""
    config = written(tmp_path, f"{text}providers:\n{ZAI}")
    assert config.sections.routing.fallbacks == {"GLM-4.6": ("qwen-max",)}
    assert config.sections.timeouts.drain_s == 7
