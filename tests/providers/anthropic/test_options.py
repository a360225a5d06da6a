"""The keys of an `anthropic` provider."""

from typing import Any

import pytest
from pydantic import ValidationError

from providers.anthropic.options import AnthropicOptions
from providers.anthropic.presets import PRESETS


def options(**keys: Any) -> AnthropicOptions:
    return AnthropicOptions.model_validate(keys)


@pytest.mark.parametrize(
    "written",
    ["https://a.example", "https://a.example/", "https://a.example/v1", "https://a.example/v1/"],
)
def test_the_address_is_taken_with_and_without_its_version(written: str) -> None:
    assert options(base_url=written).root == "https://a.example"


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"preset": "antropic"},
        {"base_url": "https://a.example/v1/messages"},
        {"base_url": "http://a.example"},
        {"preset": "zai", "headers": {"X-Api-Key": "x"}},
        {"preset": "zai", "headers": {"anthropic-version": "x"}},
        {"preset": "zai", "anthropic_version": "a b"},
        {"preset": "zai", "max_tokens": 0},
        {"preset": "zai", "key_header": "cookie"},
        {"preset": "zai", "api_key": "x"},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        options(**keys)


def test_keys_stand_over_the_preset() -> None:
    given = options(preset="zai", base_url="https://b.example", search=True, key_header="x-api-key", max_tokens=5)
    assert (given.root, given.known().search, given.known().key_header) == ("https://b.example", True, "x-api-key")
    assert given.takes("glm-4.6").max_tokens == 5
    assert options(preset="zai", thinking="budget", efforts="low").takes("glm-4.6").efforts == ("low",)
    assert options(preset="zai").takes("claude-opus-4-6").thinking == "adaptive"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_whole(name: str) -> None:
    given = options(preset=name)
    assert given.base_url == PRESETS[name].base_url
    assert not given.base_url.endswith(("/v1", "/"))
    assert PRESETS[name].models or PRESETS[name].lists_models
