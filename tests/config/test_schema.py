"""config.yaml as checked data: defaults, what each value may be, names."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from pydantic import ValidationError

from addons.config.schema import ClientToken, Listen, Sections, url_of
from tests.config.written import ZAI, written


def test_defaults_are_those_of_the_documents(tmp_path: Path) -> None:
    config = written(tmp_path, f"providers:\n{ZAI}")
    sections = config.sections
    assert (sections.listen.host, sections.listen.port) == ("127.0.0.1", 8080)
    assert sections.timeouts.first_token_thinking_s == 300
    assert sections.routing.max_attempts == 3
    assert config.tokens == ("sk-test-0123456789",)
    assert config.path(sections.vault.path) == tmp_path / ".sessions" / "vault.json"
    assert config.providers[0].options.base_url == "https://chat.z.ai"


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


@pytest.mark.parametrize(("value", "right"), [("auto", True), ("mitmproxy", True), ("fast", False), ("", False)])
def test_drivers(value: str, right: bool) -> None:
    assert Listen().driver == "auto"
    with nullcontext() if right else pytest.raises(ValidationError, match="'auto' or 'mitmproxy'"):
        assert Listen.model_validate({"driver": value}).driver == value


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback(host: str) -> None:
    assert Listen(host=host).is_loopback
    assert not Listen(host=f"{host}.example").is_loopback


@pytest.mark.parametrize(("value", "right"), [("10.0.0.7", True), ("10.0.0.1/8", True), ("::/0", True), ("lan", False)])
def test_networks_of_proxies(value: str, right: bool) -> None:
    with nullcontext() if right else pytest.raises(ValidationError, match="must be addresses or networks"):
        assert Listen.model_validate({"trusted_proxies": value}).trusted_proxies == (value,)


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
