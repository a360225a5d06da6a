"""The sections about operating the gateway, as config.yaml has them."""

from decimal import Decimal
from pathlib import Path

import pytest

from addons.config.loader import ConfigError, load_config

KEY = {"AUTH_TOKEN": "sk-test-0123456789"}
PROVIDERS = "providers: {main: {type: zai, accounts: [main]}}\n"


def written(folder: Path, text: str) -> Path:
    file = folder / "config.yaml"
    file.write_text(f"{text}\n{PROVIDERS}", encoding="utf-8")
    return file


def test_prices_are_exact(tmp_path: Path) -> None:
    text = "prices:\n  GLM-4.6: {input: 0.6, output: 2.2, cached_input: 0.11}\n  'qwen-*': {input: 1, output: 0}\n"
    prices = load_config(written(tmp_path, text), KEY).sections.prices
    assert (prices["GLM-4.6"].input, prices["GLM-4.6"].cached_input) == (Decimal("0.6"), Decimal("0.11"))
    assert (prices["qwen-*"].output, prices["qwen-*"].cached_input) == (Decimal(0), None)


@pytest.mark.parametrize(
    "text",
    [
        "prices: {m: {input: -1, output: 1}}",
        "prices: {m: {input: .inf, output: 1}}",
        "prices: {m: {input: .nan, output: 1}}",
        "prices: {m: {input: 1}}",
        "prices: {m: 3}",
        "usage: {days: 0}",
        "usage: {unknown: 1}",
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.yaml:1: (prices|usage)"):
        load_config(written(tmp_path, text), KEY)


def test_the_ledger_is_on_unless_it_is_turned_off(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, ""), KEY).sections.usage.enabled
    assert not load_config(written(tmp_path, "usage: {enabled: false}"), KEY).sections.usage.enabled


@pytest.mark.parametrize(
    "url", ["mysql://ada:hidden@h/db", "postgresql://ada:hid@den:word@h:hidden/db", "sqlite:///hidden"]
)
def test_an_address_of_no_postgresql_is_refused_without_being_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=r"usage\.url: must be the address of a PostgreSQL database") as told:
        load_config(written(tmp_path, f"usage: {{url: '{url}'}}"), KEY)
    assert "hid" not in str(told.value)
    fine = load_config(written(tmp_path, "usage: {url: 'postgresql://ada:b%40c@h:5432/db?sslmode=require'}"), KEY)
    assert fine.sections.usage.url


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4318", "https://otel.example/v1/traces", "http://[::1]:4318/"])
def test_spans_go_to_an_address(tmp_path: Path, endpoint: str) -> None:
    found = load_config(written(tmp_path, f"tracing: {{endpoint: '{endpoint}'}}"), KEY).sections.tracing
    assert (found.endpoint, found.take_context, found.pass_context) == (endpoint, False, False)


@pytest.mark.parametrize(
    "text",
    [
        "tracing: {endpoint: 'ftp://x'}",
        "tracing: {endpoint: 'http://'}",
        "tracing: {endpoint: 'http://user:word@x'}",
        "tracing: {endpoint: 'http://x/?key=word'}",
        "tracing: {endpoint: 'http://[x'}",
        'tracing: {endpoint: "http://x\\ny"}',
        "metrics: {token: short}",
    ],
)
def test_a_place_for_spans_holds_no_secret_and_a_token_is_long(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"config\.yaml:1: (tracing\.endpoint|metrics\.token)") as refused:
        load_config(written(tmp_path, text), KEY)
    assert "word" not in str(refused.value)
    assert "short" not in str(refused.value)


def test_the_token_of_metrics_may_come_from_the_environment_and_is_not_told(tmp_path: Path) -> None:
    environ = KEY | {"METRICS_TOKEN": "metrics-token-0123456789"}
    found = load_config(written(tmp_path, "metrics: {token: '${METRICS_TOKEN}'}"), environ).sections.metrics
    assert found.token is not None
    assert found.token.get_secret_value() == "metrics-token-0123456789"
    assert "0123456789" not in repr(found)
