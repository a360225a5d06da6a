"""More known APIs: their data is right in itself, and each can be used by its name alone."""

import pytest

from providers.contract.call import origin_of
from providers.openai.options import OpenAIOptions
from providers.openai.presets import PRESETS
from providers.openai.provider import OpenAICompatible
from providers.openai.vendors import AZURE_ADDRESS, VENDORS

NAMED = sorted(name for name, preset in VENDORS.items() if preset.base_url)


@pytest.mark.parametrize("name", NAMED)
def test_each_can_be_used_by_its_name(name: str) -> None:
    provider = OpenAICompatible(name, OpenAIOptions.model_validate({"preset": name}))
    assert provider.origins() == {origin_of(VENDORS[name].base_url)}
    assert provider.doubts() == (), "no address names an endpoint"
    assert set(provider.models()) >= {model.public for model in VENDORS[name].models}


def test_all_are_presets_and_none_hides_another() -> None:
    assert set(VENDORS) <= set(PRESETS)
    assert all(PRESETS[name] is preset for name, preset in VENDORS.items())
    assert all(name == name.lower() and name.isprintable() for name in VENDORS)


def test_addresses_are_encrypted_end_without_a_slash_and_are_each_their_own() -> None:
    addresses = [preset.base_url for preset in VENDORS.values() if preset.base_url]
    for address in addresses:
        assert address.startswith("https://") or "127.0.0.1" in address or "localhost" in address, address
        assert not address.endswith("/")
    assert len(set(addresses)) == len(addresses)


def test_azure_has_no_address_of_its_own_and_says_where_it_comes_from() -> None:
    assert not VENDORS["azure"].base_url
    with pytest.raises(ValueError, match="needs the base_url of your resource") as caught:
        OpenAIOptions.model_validate({"preset": "azure"})
    assert AZURE_ADDRESS in str(caught.value)


@pytest.mark.parametrize("name", NAMED)
def test_what_does_not_chat_is_named_in_small_letters(name: str) -> None:
    assert all(part and part == part.lower() for part in VENDORS[name].not_chat)
    for model in VENDORS[name].models:
        assert not any(part in model.public.lower() for part in VENDORS[name].not_chat)
