"""config.yaml as a whole: what is read from where, and what is refused, told with its line."""

from pathlib import Path

import pytest

from addons.config.loader import ConfigError, load_config
from tests.config.written import KEY, LONGCAT, ZAI, problems, written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("listen: {port: 99999}", ["config.yaml:1: listen.port:", "99999", "65535"], id="out of range"),
        pytest.param("lisen: {port: 1}", ["lisen: is not a key there", "'listen'"], id="misspelt section"),
        pytest.param("listen:\n  prt: 1", ["config.yaml:2: listen.prt:", "'port'"], id="misspelt key"),
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
