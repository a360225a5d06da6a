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
