"""Mistakes that people make in config.yaml, with the very words they are told: what, where, and what to do."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from addons.config.config_words import mistakes
from addons.config.loader import ConfigError, load_config
from addons.config.provider_keys import ProviderCommon
from addons.config.schema import Sections
from providers.registry import provider_class, type_names
from tests.config.written import KEY, problems, written

SECRET = "Zq7wErTyUiOpAsDfGhJk"
OFFICIAL = """providers:
  alpha:
    type: openai_compatible
    preset: deepseek
    accounts: [main]
"""
"""Five lines: what a test adds begins with the sixth."""


def provider(keys: str) -> str:
    return f"providers:\n  alpha: {{{keys}}}\n"


@pytest.mark.parametrize("entry", ['password:"hunter2 and more"', "api_key='my dog'", "Password:hunter2hunter2"])
def test_a_value_that_became_part_of_its_key_is_not_told(tmp_path: Path, entry: str) -> None:
    """No space behind the colon, and the whole of it is the key."""
    told = " ".join(problems(tmp_path, provider(f"type: qwen, accounts: [{{name: main, {entry}}}]")))
    assert entry[:7] in told
    assert not any(word in told for word in ("hunter2", "my dog"))


MISTAKES = {
    "a section": (OFFICIAL + "rooting: {}\n", "6: rooting: is not a key there; did you mean 'routing'?"),
    "base-url": (
        "providers:\n  alpha:\n    type: openai_compatible\n    base-url: https://api.example/v1\n    accounts: [main]",
        "4: providers.alpha.base-url: is not a key there; did you mean 'base_url'?",
    ),
    "a key that belongs to the gateway": (
        provider("type: zai, acounts: [main]"),
        "2: providers.alpha.acounts: is not a key there; did you mean 'accounts'?",
    ),
    "nmae": (
        "providers:\n  alpha:\n    type: zai\n    accounts:\n      - nmae: main",
        "5: providers.alpha.accounts[0].nmae: is not a key there; did you mean 'name'?",
    ),
    "tpye": (
        provider("tpye: zai, accounts: [main]"),
        "2: providers.alpha.tpye: is not a key there; did you mean 'type'?",
    ),
    "no type": (
        provider("accounts: [main]"),
        "2: providers.alpha.type: is missing; write one of zai, k2think, qwen, longcat, openai_compatible, anthropic",
    ),
    "no accounts": (provider("type: zai"), "2: providers.alpha.accounts: is missing; write accounts: [main]"),
    "a variable": (
        OFFICIAL + "listen: {port: '${NO_PORT}'}",
        "6: listen.port: the environment variable NO_PORT is not set; set it, or write NO_PORT=… into .env, "
        "or give a default: ${NO_PORT:-…}",
    ),
    "a variable for an address": (
        provider("type: openai_compatible, base_url: '${X}', accounts: [main]"),
        "2: providers.alpha.base_url: the environment variable X is not set; set it, or write X=… into .env, "
        "or give a default: ${X:-…}",
    ),
    "an open list": (
        "providers:\n  a: {type: zai,\n      accounts: [main\nlog: {level: INFO}\n",
        "3: is not valid YAML: the '[' that is opened here is not closed before line 4, or a ',' is missing in it",
    ),
    "an open table": (
        "listen: {port: 1\n" + OFFICIAL,
        "1: is not valid YAML: the '{' that is opened here is not closed before line 2, or a ',' is missing in it",
    ),
    "an open list at the end": (
        OFFICIAL + "auth: {tokens: [\n",
        "6: is not valid YAML: the '[' that is opened here is not closed before line 7, or a ',' is missing in it",
    ),
    "a comma": (
        "listen: {host: localhost port: 1}",
        "1: is not valid YAML: the '{' that is opened here is not closed, or a ',' is missing in it",
    ),
    "an open quote": (
        'listen:\n  host: "127.0.0.1\n' + OFFICIAL,
        "2: is not valid YAML: the quote that is opened here is never closed",
    ),
    "an open quote before others": (
        'listen:\n  host: "127.0.0.1\n' + OFFICIAL + 'log: {level: "INFO"}\n',
        "2: is not valid YAML: the quote that is opened here is closed in line 8 only: one is missing",
    ),
    "an open apostrophe": (
        "listen:\n  host: '127.0.0.1\n" + OFFICIAL + "log: {level: 'INFO'}\n",
        "2: is not valid YAML: the quote that is opened here is closed in line 8 only: one is missing",
    ),
    "a tab": (
        "listen:\n\tport: 1\n" + OFFICIAL,
        "2: is not valid YAML: there is a tab, where YAML takes spaces alone; indent with spaces",
    ),
    "a variable without quotes": (
        "listen: {port: ${PORT}}\n",
        '1: is not valid YAML: inside of brackets a variable stands in quotes: "${NAME}"',
    ),
    "no space behind a colon": (
        OFFICIAL + "listen:\n  port:8080\n",
        "6: listen: must be a table of keys and values, such as {host: 127.0.0.1} (a space belongs behind each ':') "
        "(found 'port:8080')",
    ),
    "another encoding": (
        b"# caf\xe9\n" + OFFICIAL.encode(),
        "config.yaml: cannot be read: line 1 is not UTF-8 text; save the file as UTF-8",
    ),
    "port eighty": (
        OFFICIAL + "listen: {port: eighty}",
        "6: listen.port: must be a whole number, such as 8080 (found 'eighty')",
    ),
    "port 99999": (
        OFFICIAL + "listen: {port: 99999}",
        "6: listen.port: must be at most 65535, such as 8080 (found '99999')",
    ),
    "port 0": (OFFICIAL + "listen: {port: 0}", "6: listen.port: must be at least 1, such as 8080 (found '0')"),
    "http to others": (
        provider("type: openai_compatible, base_url: 'http://api.example/v1', accounts: [main]"),
        "2: providers.alpha.base_url: http:// is allowed for loopback addresses only; use https://",
    ),
    "no scheme": (
        provider("type: openai_compatible, base_url: api.deepseek.com, accounts: [main]"),
        "2: providers.alpha.base_url: must be an absolute https:// address; did you mean 'https://api.deepseek.com'?",
    ),
    "no scheme on loopback": (
        provider("type: openai_compatible, base_url: 'localhost:11434/v1', accounts: [main]"),
        "2: providers.alpha.base_url: must be an absolute https:// address; did you mean 'http://localhost:11434/v1'?",
    ),
    "the address of a call": (
        provider("type: openai_compatible, base_url: 'https://api.example/v1/chat/completions', accounts: [main]"),
        "2: providers.alpha.base_url: must be the address without /chat/completions, which is added to it; "
        "did you mean 'https://api.example/v1'?",
    ),
    "type openai": (
        provider("type: openai, accounts: [main]"),
        "2: providers.alpha.type: is not a type but a preset; write type: openai_compatible, preset: openai",
    ),
    "type zay": (
        provider("type: zay, accounts: [main]"),
        "2: providers.alpha.type: must be one of zai, k2think, qwen, longcat, openai_compatible, anthropic "
        "(found 'zay'); did you mean 'zai'?",
    ),
    "a key twice": (
        OFFICIAL + "  alpha:\n    type: openai_compatible\n    preset: deepseek\n    accounts: [main]\n",
        "6: providers.alpha: stands twice, first in line 2; put both together, or remove one",
    ),
    "roundrobin": (
        OFFICIAL + "routing: {strategy: roundrobin}",
        "6: routing.strategy: must be one of 'priority', 'round_robin', 'least_busy' or 'weighted' "
        "(found 'roundrobin'); did you mean 'round_robin'?",
    ),
    "verbose": (
        OFFICIAL + "log: {level: verbose}",
        "6: log.level: must be one of 'DEBUG', 'INFO', 'WARNING' or 'ERROR' (found 'VERBOSE'); did you mean 'DEBUG'?",
    ),
    "a time that is none": (
        OFFICIAL + "timeouts: {total_s: soon}",
        "6: timeouts.total_s: must be a number, such as 600 (found 'soon')",
    ),
    "perhaps": (
        OFFICIAL + "routing: {retry_accepted: perhaps}",
        "6: routing.retry_accepted: must be true or false (found 'perhaps')",
    ),
    "models at the top": (
        OFFICIAL + "models: [gpt-4o]",
        "6: models: has the keys aliases and variants; which models a provider serves stands there: "
        "providers: {NAME: {…, models: [gpt-4o]}}",
    ),
    "a list of providers": (
        "providers: [{type: zai}]",
        "1: providers: must be a table: the name of each, then its keys, such as "
        "providers: {NAME: {type: openai_compatible, preset: deepseek, accounts: [main]}}",
    ),
    "no providers": (
        "listen: {port: 1}",
        "1: providers: at least one provider must be configured, such as "
        "providers: {NAME: {type: openai_compatible, preset: deepseek, accounts: [main]}}",
    ),
    "an address for a section": (
        OFFICIAL + "listen: 0.0.0.0:8080",
        "6: listen: must be a table of keys and values, such as {host: 127.0.0.1}",
    ),
    "a number for a section": (
        OFFICIAL + "timeouts: 30",
        "6: timeouts: must be a table of keys and values, such as {connect_s: 5} (found '30')",
    ),
    "a proxy without scheme": (
        provider("type: zai, accounts: main, proxy: '127.0.0.1:7890'"),
        "2: providers.alpha.proxy: must be http://host:port or https://host:port, without user or path; "
        "did you mean 'http://127.0.0.1:7890'?",
    ),
    "no password": (
        provider("type: zai, accounts: [{name: main, credentials: {email: a@b.example, password: }}]"),
        "2: providers.alpha.accounts[0].credentials.password: must not be empty",
    ),
    "a list of lists": (
        provider("type: openai_compatible, preset: zai, models: [[x]], accounts: main"),
        "2: providers.alpha.models: must be a list of model ids, or a table of public id to the API's id",
    ),
    "a list for a table": (
        OFFICIAL + "routing: {strategies: [x]}",
        "6: routing.strategies: must be a table of keys and values, such as {key: value}",
    ),
    "a cause of a fallback": (
        OFFICIAL + "routing: {fallbacks: {a: [{model: b, on: contxt}]}}",
        "6: routing.fallbacks.a[0].on: must be one of 'unavailable', 'context', 'content' or 'slow' (found 'contxt'); "
        "did you mean 'context'?",
    ),
    "a fallback without model": (
        OFFICIAL + "routing: {fallbacks: {a: [{on: context}]}}",
        "6: routing.fallbacks.a[0].model: is missing; write model: GLM-4.6",
    ),
    "trusted proxies": (
        OFFICIAL + "listen: {trusted_proxies: proxy.lan}",
        "6: listen.trusted_proxies: must be addresses or networks, such as [10.0.0.7, 192.168.0.0/16] "
        "(found 'proxy.lan')",
    ),
    "a list for the file": (
        "- a\n- b",
        "1: must be a mapping of sections, such as 'listen: {port: 8080}', and is a list",
    ),
    "e-mail beside credentials": (
        provider("type: zai, accounts: [{name: main, email: a@b.c}]"),
        '2: providers.alpha.accounts[0].email: belongs under credentials: {email: "${NAME}", password: "${OTHER}"}',
    ),
    "two accounts of a name": (
        provider("type: zai, accounts: [main, main]"),
        "2: providers.alpha.accounts: two accounts have the same name; give each its own",
    ),
}


@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_one_mistake_is_one_line_that_says_all(tmp_path: Path, text: str | bytes, expected: str) -> None:
    (found,) = problems(tmp_path, text)
    assert found.removeprefix("config.yaml:") == expected.removeprefix("config.yaml:")


def test_a_preset_is_named_with_its_line(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, OFFICIAL.replace("deepseek", "depseek"))
    assert found.startswith("config.yaml:4: providers.alpha.preset: is no preset. There are: zai, ")
    assert found.endswith(" (found 'depseek'); did you mean 'deepseek'?")
    (found,) = problems(tmp_path, provider("type: openai_compatible, accounts: [main]"))
    assert found.startswith("config.yaml:2: providers.alpha: needs a base_url, or a preset: zai, ")


def test_no_key_of_a_client(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, OFFICIAL, {})
    assert re.search(r"auth\.tokens: no client key .*: set AUTH_TOKEN, .*glassgate keygen --client makes one", found)
    assert found.endswith("where nothing is set up yet: glassgate setup")
    (found,) = problems(tmp_path, OFFICIAL + "auth: {tokens: '${NOT_SET}'}", {})
    assert "no client key is configured: NOT_SET is not set. Set NOT_SET or AUTH_TOKEN, or list" in found
    (found,) = problems(tmp_path, OFFICIAL + "auth: {tokens: ['${ADA}', {name: bob, key: '${BOB}'}]}", {})
    assert "no client key is configured: ADA and BOB are not set. Set ADA or BOB or AUTH_TOKEN, or list" in found


def test_a_key_that_is_not_set_is_told_beside_those_that_are(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(OFFICIAL + "auth: {tokens: ['${AUTH_TOKEN}', {name: ada, key: '${ADA}'}]}\n")
    assert load_config(file, {"ADA": "sk-0123456789abcdef"}).notes == ()
    notes = load_config(file, {"AUTH_TOKEN": "sk-0123456789abcdef"}).notes
    assert notes == ("auth.tokens: ADA is not set, so that its entry is no key",)


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path, KEY)
    assert caught.value.problems == [f"{tmp_path}: is a folder; name the file in it: --config {tmp_path}/config.yaml"]


KEYS = {
    "in the provider": (f"type: openai_compatible, preset: zai, api_key: {SECRET}, accounts: [one]", "api_key", "one"),
    "in the account": (
        f"type: openai_compatible, preset: zai, accounts: [{{name: two, api_key: {SECRET}}}]",
        "accounts[0].api_key",
        "two",
    ),
    "by another name": (f"type: openai_compatible, preset: zai, apiKey: {SECRET}, accounts: [a, b]", "apiKey", "a"),
    "without accounts": (f"type: openai_compatible, preset: zai, token: {SECRET}", "token", "main"),
}


@pytest.mark.parametrize(("keys", "path", "account"), KEYS.values(), ids=KEYS)
def test_keys_are_sent_to_the_vault(tmp_path: Path, keys: str, path: str, account: str) -> None:
    found = problems(tmp_path, provider(keys))[-1]
    words = (
        f"config.yaml:2: providers.alpha.{path}: keys belong into the vault, not into this file; remove the line, run: "
    )
    assert found.startswith(words)
    assert re.fullmatch(
        rf"\S*glassgate (?:--config \S*config.yaml )?sessions add alpha {account} --api-key-stdin", found[len(words) :]
    )
    assert SECRET not in found


def test_the_token_of_a_web_session_too(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, provider(f"type: zai, token: {SECRET}, accounts: [main]"))
    assert found.endswith("sessions add alpha main --token-stdin")


# -- what is simply taken ---------------------------------------------------------------------------------------------
ACCOUNTS = {
    "main": ["main"],
    "[main]": ["main"],
    "[main, {name: two}]": ["main", "two"],
    "{name: main}": ["main"],
    "{main: {priority: 2}, two: }": ["main", "two"],
    "[main: , {two: }]": ["main", "two"],
    "off": ["off"],
    "[yes, no, null, ~x, 1, 1.10, 2001-01-01]": None,
    "[yes, no, on, 'null', 1, 1.10, 2001-01-01]": ["yes", "no", "on", "null", "1", "1.10", "2001-01-01"],
    "[{name: null}, {name: true}, {name: 007}]": ["null", "true", "007"],
}


@pytest.mark.parametrize(("entries", "names"), ACCOUNTS.items(), ids=ACCOUNTS)
def test_accounts_in_every_shape_and_name(tmp_path: Path, entries: str, names: list[str] | None) -> None:
    text = provider(f"type: zai, accounts: {entries}")
    if names is None:
        assert "accounts[3]: must be 1 to 64 letters" in "\n".join(problems(tmp_path, text))
    else:
        assert [account.name for account in written(tmp_path, text).providers[0].common.accounts] == names


@pytest.mark.parametrize("name", ["off", "no", "yes", "on", "null", "1", "1.10", "true", "n", "0x10", "12.30"])
def test_a_name_is_the_word_that_is_written(tmp_path: Path, name: str) -> None:
    text = f"""
providers:
  {name}: {{type: openai_compatible, preset: deepseek, models: [{name}, x], accounts: [{name}]}}
models: {{aliases: {{{name}: {name}, fast: {name}}}}}
routing: {{fallbacks: {{{name}: [{name}, {{model: {name}, on: [context]}}]}}}}
auth: {{tokens: [{{name: key-of-{name}, key: 12345678}}]}}
"""
    config = written(tmp_path, text)
    (one,) = config.providers
    assert (one.name, one.common.accounts[0].name) == (name, name)
    assert list(one.options.models) == [name, "x"]  # type: ignore[attr-defined]
    assert config.sections.models.aliases == {name: name, "fast": name}
    plain, other = config.sections.routing.fallbacks[name]
    assert (plain, other.model, other.on) == (name, name, ("context",))  # type: ignore[union-attr]
    assert {(key.name, key.token) for key in config.keys} >= {(f"key-of-{name}", "12345678")}


def test_switches_and_numbers_are_still_that(tmp_path: Path) -> None:
    text = """
providers:
  a: {type: qwen, thinking: off, image_size: 1:1, accounts: main, enabled: yes, check_guest: on, proxy: ~}
  b: {type: longcat, accounts: main, enabled: off, models: {x: {thinking: null, search: yes, agent_id: 1}}}
listen:
log: {level: }
routing: {max_attempts: 5, retry_accepted: no}
limits: {body_mb: 2.5, body_values: 100_000}
"""
    config = written(tmp_path, text)
    options: Any = config.providers[0].options
    assert (options.thinking, options.image_size, options.check_guest) == ("off", "1:1", True)
    assert (config.providers[0].common.proxy, [p.name for p in config.disabled]) == (None, ["b"])
    switches = config.disabled[0].options.models["x"]  # type: ignore[attr-defined]
    assert (switches.thinking, switches.search, switches.agent_id) == (None, True, "1")
    sections = config.sections
    assert (sections.listen.port, sections.log.level, sections.routing.retry_accepted) == (8080, "INFO", False)
    assert (sections.limits.body_mb, sections.limits.body_values) == (2.5, 100_000)


def test_one_entry_stands_for_a_list(tmp_path: Path) -> None:
    text = provider("type: openai_compatible, preset: zai, models: glm, efforts: low, accounts: main") + (
        "auth: {tokens: '${X}'}\n"
        "listen: {allowed_hosts: a.lan, allowed_origins: 'http://a.lan', trusted_proxies: 10.0.0.1}\n"
        "routing: {fallbacks: {a: b, c: {model: d, on: content}}}\n"
    )
    config = written(tmp_path, text, {"X": "sk-of-the-person"})
    assert config.tokens == ("sk-of-the-person",)
    listen = config.sections.listen
    assert (listen.allowed_hosts, listen.allowed_origins) == (("a.lan",), ("http://a.lan",))
    assert config.sections.routing.fallbacks["a"] == ("b",)
    assert config.providers[0].options.models == {"glm": "glm"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("time", "seconds"), [("5s", 5), ("2 min", 120), ("500ms", 0.5), ("1h", 3600), ("7", 7)])
def test_seconds_may_have_a_unit(tmp_path: Path, time: str, seconds: float) -> None:
    config = written(tmp_path, OFFICIAL + f"timeouts: {{idle_s: {time}}}\naccounts: {{queue_s: {time}}}\n")
    assert (config.sections.timeouts.idle_s, config.sections.accounts.queue_s) == (seconds, seconds)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_files_of_other_editors_are_read(tmp_path: Path, encoding: str) -> None:
    marked = "\ufeff" if encoding.endswith("e") else ""
    text = (marked + "# café\r\n" + OFFICIAL.replace("\n", "\r\n")).encode(encoding)
    assert written(tmp_path, text).providers[0].name == "alpha"


# -- secrets ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        f"providers: {{{SECRET}: {{type: zay}}}}",
        f"{SECRET}: {{}}\n{OFFICIAL}",
        f"{OFFICIAL}models: {{aliases: {{{SECRET}: [1]}}}}",
        provider(f"type: zai, {SECRET}: 1, accounts: [main]"),
        provider(f"type: zai, accounts: [{SECRET}]"),
        provider(f"type: zai, accounts: {SECRET}"),
        provider(f"type: zai, accounts: [{{name: main, {SECRET}: x}}]"),
        provider(f"type: {SECRET}, accounts: [main]"),
        provider(f"type: openai_compatible, preset: {SECRET}, accounts: [main]"),
        provider(f"type: openai_compatible, base_url: {SECRET}.{SECRET}, accounts: [main]"),
        provider(f"type: openai_compatible, base_url: 'https://{SECRET}/v1/chat/completions', accounts: [main]"),
        f"{OFFICIAL}{SECRET}: 1\n{SECRET}: 2\n",
        f"{OFFICIAL}auth: {{tokens: [{{name: {SECRET}, key: sk-0123456789}}]}}",
        f"{OFFICIAL}log: {{level: {SECRET}}}",
        f"{OFFICIAL}listen: {{port: {SECRET}}}",
        f"{OFFICIAL}timeouts: {{idle_s: {SECRET}s}}",
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path, text: str) -> None:
    for secret in (SECRET, "sk-0a1b2c3d4e5f60718293a4b5c6d7e8f9", "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IjEifQ.c2lnbmF0dXJl"):
        found = "\n".join(problems(tmp_path, text.replace(SECRET, secret)))
        assert secret not in found
        assert "config.yaml:" in found


def test_variables_are_not_repeated_as_addresses(tmp_path: Path) -> None:
    text = provider("type: openai_compatible, base_url: '${X}', accounts: [main]")
    (found,) = problems(tmp_path, text, {**KEY, "X": "inner.host.example"})
    assert "inner" not in found


@pytest.mark.parametrize("name", ["MyCompanyAccount2024", "team-of-the-north-west", "key1", "a" * 64, "sk-telecom"])
def test_names_that_people_choose_are_none_of_them(tmp_path: Path, name: str) -> None:
    assert written(tmp_path, provider(f"type: zai, accounts: [{name}]")).providers


# -- no words of programmers ------------------------------------------------------------------------------------------
_THEIRS = re.compile(
    r"Input should|valid (tuple|dictionary|string|integer|list|boolean|number)|Extra inputs|unable to|Field required"
    r"|instance of|pydantic|NoneType|Traceback|Value error|after validation|\bdict\b|\bstr\b|\btuple\b"
)
_NAMES = sorted(
    {
        *Sections.model_fields,
        *ProviderCommon.model_fields,
        "aliases",
        "fallbacks",
        "port",
        "level",
        "name",
        "tokens",
        "on",
    }
)
_values = st.recursive(
    st.none() | st.sampled_from(["", "x", "off", "1", "-1", "1.5", "5s", "${NO}", "https://a.b/v1", "zai", "main"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(_values)
def test_whatever_stands_there_is_told_in_plain_words(value: Any) -> None:
    models: list[type[BaseModel]] = [Sections, ProviderCommon]
    for model in [*models, *(provider_class(name).Options for name in type_names())]:
        try:
            model.model_validate(value)
        except ValidationError as e:
            found = mistakes(e, model, value)
            assert found
            assert not any(_THEIRS.search(mistake.words) for mistake in found), found
