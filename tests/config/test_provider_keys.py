"""A provider's own keys in config.yaml: accounts in the forms people write, proxies, what is whose."""

import pytest
from pydantic import ValidationError

from addons.config.provider_keys import ProviderCommon, split_provider
from providers.contract.written import Nothing


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


def test_a_provider_is_split_into_the_gateways_keys_and_its_own() -> None:
    mine, theirs = split_provider({"type": "zai", "accounts": ["a"], "base_url": "https://x", "odd": 1})
    assert (set(mine), set(theirs)) == ({"type", "accounts"}, {"base_url", "odd"})
