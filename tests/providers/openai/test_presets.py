"""Known APIs as data: each is right in itself, under a name that people can write."""

import pytest

from providers.openai.models import built_in
from providers.openai.presets import NO_PRESET, PRESETS
from providers.openai.vendors import VENDORS

OWN = sorted(PRESETS.keys() - VENDORS.keys())


@pytest.mark.parametrize("name", OWN)
def test_an_address_is_encrypted_or_of_this_machine(name: str) -> None:
    address = PRESETS[name].base_url
    assert address.startswith(("https://", "http://127.0.0.1:", "http://localhost:"))
    assert not address.endswith("/")


@pytest.mark.parametrize("name", PRESETS)
def test_models_stand_once_and_are_no_others_than_chat_models(name: str) -> None:
    preset = PRESETS[name]
    publics = [model.public for model in preset.models]
    assert len(set(publics)) == len(publics)
    table = built_in(preset)
    assert set(publics) <= table.keys()
    variants = sum(
        not ((thinking and not model.thinking) or (search and not model.search))
        for model in preset.models
        for thinking, search in (preset.suffixes or {}).values()
    )
    assert len(table) == len(publics) + variants, "no variant hides another model"
    assert "chat" in preset.operations


@pytest.mark.parametrize("name", PRESETS)
def test_codes_are_found_as_they_are_looked_up(name: str) -> None:
    form = PRESETS[name].form
    for table in (form.error_codes, form.finish_reasons):
        assert all(code == code.lower() for code in table)


def test_the_same_api_at_another_address_differs_in_that_alone() -> None:
    for one, other in (("zai", "zai-coding"), ("dashscope-intl", "dashscope-cn"), ("dashscope-intl", "dashscope-us")):
        assert PRESETS[one].base_url != PRESETS[other].base_url
        assert PRESETS[one].form == PRESETS[other].form
        assert PRESETS[one].models == PRESETS[other].models


def test_what_is_no_preset_knows_nothing() -> None:
    assert (NO_PRESET.base_url, NO_PRESET.models, NO_PRESET.not_chat) == ("", (), ())
    assert NO_PRESET not in PRESETS.values()
