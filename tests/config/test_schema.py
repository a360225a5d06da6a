"""config.yaml as checked data: defaults, what each value may be, names."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from pydantic import ValidationError

from addons.config.loader import load_config
from addons.config.schema import (
    ClientToken,
    Listen,
    ProviderCommon,
    Sections,
    checked_name,
    dotted,
    placed,
    split_provider,
    url_of,
)
from addons.config.yaml_reading import KeyPath
from providers.contract.written import Nothing
from tests.config.written import KEY, ZAI, written


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


def test_names_of_later_sections_are_taken(tmp_path: Path) -> None:
    text = """
routing: {strategy: least_busy, max_attempts: 5, fallbacks: {GLM-4.6: [qwen-max]}, retry_accepted: false}
timeouts: {connect_s: 1, first_token_s: 2, first_token_thinking_s: 3, idle_s: 4, total_s: 5, keepalive_s: 6, drain_s: 7}
accounts: {max_concurrent: 2, queue_s: 30, min_interval_s: 0}
"""
    config = written(tmp_path, f"{text}providers:\n{ZAI}")
    assert config.sections.routing.fallbacks == {"GLM-4.6": ("qwen-max",)}
    assert config.sections.timeouts.drain_s == 7


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:1"),
        ("0.0.0.0", "http://127.0.0.1:1"),
        ("::", "http://[::1]:1"),
        ("::1", "http://[::1]:1"),
        ("glass.lan", "http://glass.lan:1"),
    ],
)
def test_where_programs_of_the_machine_reach_a_listener(host: str, url: str) -> None:
    assert url_of(host, 1) == url == Listen(host=host, port=1).url


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback(host: str) -> None:
    assert Listen(host=host).is_loopback
    assert not Listen(host=f"{host}.example").is_loopback


@pytest.mark.parametrize(("value", "right"), [("10.0.0.7", True), ("10.0.0.1/8", True), ("::/0", True), ("lan", False)])
def test_networks_of_proxies(value: str, right: bool) -> None:
    with nullcontext() if right else pytest.raises(ValidationError, match="must be addresses or networks"):
        assert Listen.model_validate({"trusted_proxies": value}).trusted_proxies == (value,)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("http://proxy:3128", None),
        ("https://proxy:3128/", None),
        ("proxy:3128", "http://proxy:3128"),
        ("http://user@proxy:3128", ""),
        ("http://proxy/path", ""),
        ("socks5://proxy", ""),
        ("proxy:3128/path", ""),
    ],
)
def test_a_proxy_is_an_address_alone(value: str, meant: str | None) -> None:
    made = {"type": "zai", "accounts": ["main"], "proxy": value}
    if meant is None:
        assert ProviderCommon.model_validate(made).proxy == value
        return
    with pytest.raises(ValidationError) as caught:
        ProviderCommon.model_validate(made)
    [found] = caught.value.errors()
    assert found.get("ctx", {}).get("instead", "") == meant


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("main", ["main"]),
        (["main", "two"], ["main", "two"]),
        ([{"name": "main", "weight": 2}], ["main"]),
        ({"main": {"priority": 1}, "two": Nothing("")}, ["main", "two"]),
        ([{"main": Nothing("")}], ["main"]),
        ([{"name": Nothing("")}], None),
        ([{"main": "x"}], None),
        (["main", "main"], None),
        ([], None),
        (["-main"], None),
        ([5], None),
    ],
)
def test_accounts_in_the_forms_people_write(written: object, names: list[str] | None) -> None:
    made = {"type": "zai", "accounts": written}
    if names is None:
        with pytest.raises(ValidationError):
            ProviderCommon.model_validate(made)
        return
    assert [account.name for account in ProviderCommon.model_validate(made).accounts] == names


@pytest.mark.parametrize("value", ["sk-a-key", {"key": "sk-a-key"}, {"key": "sk-a-key", "name": "ada"}])
def test_a_client_key_alone_or_with_a_name(value: object) -> None:
    token = ClientToken.model_validate(value)
    assert (token.key, token.name) == ("sk-a-key", value.get("name") if isinstance(value, dict) else None)
    assert "sk-a-key" not in repr(token)


@pytest.mark.parametrize(
    "value", [5, ["sk"], None, {"name": "ada"}, {"key": "k", "name": "a b"}, {"key": "k", "name": ""}]
)
def test_what_is_no_client_key(value: object) -> None:
    with pytest.raises(ValidationError):
        ClientToken.model_validate(value)


def test_models_is_no_list_of_models() -> None:
    for value in (["gpt-4o"], "gpt-4o"):
        with pytest.raises(ValidationError, match="has the keys aliases and variants"):
            Sections.model_validate({"models": value})
    assert Sections.model_validate({"models": {"aliases": {"claude-*": "GLM-4.6"}}}).models.aliases


@pytest.mark.parametrize("level", ["debug", "Info", "ERROR"])
def test_levels_in_any_case(level: str) -> None:
    assert Sections.model_validate({"log": {"level": level}}).log.level == level.upper()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (("auth", "tokens", 0, "name"), "auth.tokens[0].name"),
        (("providers", "alpha"), "providers.alpha"),
        ((), ""),
        (("auth", 'password:"hunter2"'), "auth.password…"),
        (("auth", "password=hunter2"), "auth.password…"),
        (("listen", "host:port"), "listen.host:port"),
        (("auth", "sk-Zq7wErTyUiOpAsDfGhJk"), "auth.…"),
    ],
)
def test_keys_as_people_are_told_of_them(path: tuple[str | int, ...], said: str) -> None:
    assert dotted(path) == said


def test_a_place_is_that_of_the_nearest_key_with_a_line() -> None:
    lines: dict[KeyPath, int] = {("a",): 3, ("a", "b"): 5}
    file = Path("/x/config.yaml")
    assert placed(file, lines, ("a", "b", "c"), "is odd") == "/x/config.yaml:5: a.b.c: is odd"
    assert placed(file, lines, ("a", "d"), "is odd") == "/x/config.yaml:3: a.d: is odd"
    assert placed(file, lines, ("e",), "is odd") == "/x/config.yaml: e: is odd"
    assert placed(file, lines, (), "is odd") == "/x/config.yaml: is odd"


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("main", True),
        ("a.b-c_9", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("", False),
        (".a", False),
        ("a b", False),
        ("a/b", False),
        ("ä", False),
        ("main\n", False),
        ("Zq7wErTyUiOpAsDfGhJk", False),
    ],
)
def test_names(name: str, right: bool) -> None:
    with nullcontext() if right else pytest.raises(ValueError, match=r"must be 1 to 64|looks like a key"):
        assert checked_name(name) == name


def test_a_provider_is_split_into_the_gateways_keys_and_its_own() -> None:
    mine, theirs = split_provider({"type": "zai", "accounts": ["a"], "base_url": "https://x", "odd": 1})
    assert (set(mine), set(theirs)) == ({"type", "accounts"}, {"base_url", "odd"})


def test_paths_are_those_of_the_files_folder(tmp_path: Path) -> None:
    config = written(tmp_path, f"providers:\n{ZAI}")
    assert config.path(Path("a/b")) == tmp_path / "a/b"
    assert config.path(Path("/a/b")) == Path("/a/b")
    assert config.message_at(("providers", "zai"), "is odd") == f"{tmp_path}/config.yaml:2: providers.zai: is odd"
