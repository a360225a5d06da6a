"""The keys that providers of official APIs share."""

from typing import Any

import pytest
from pydantic import ValidationError

from providers.official.options import OWN_HEADERS, ApiOptions, known_preset


def options(**keys: Any) -> ApiOptions:
    return ApiOptions.model_validate({"base_url": "https://api.example", **keys})


@pytest.mark.parametrize(
    ("written", "table"),
    [
        ("m", {"m": "m"}),
        (["a", "b"], {"a": "a", "b": "b"}),
        ({"mine": "theirs"}, {"mine": "theirs"}),
    ],
    ids=["one", "list", "table"],
)
def test_models_are_a_table_however_they_are_written(written: Any, table: dict[str, str]) -> None:
    assert options(models=written).models == table


@pytest.mark.parametrize("written", [[" "], {"a": ""}, [3], 7], ids=["blank", "empty", "number", "no list"])
def test_models_have_names(written: Any) -> None:
    with pytest.raises(ValidationError):
        options(models=written)


@pytest.mark.parametrize("name", sorted(OWN_HEADERS))
def test_headers_of_the_gateway_are_not_for_the_configuration(name: str) -> None:
    with pytest.raises(ValidationError, match="set by the gateway"):
        options(headers={name.title(): "x"})


@pytest.mark.parametrize(
    "headers", [{"a b": "x"}, {"a": "x\ny"}, {"a": "~sealed~"}], ids=["name", "line end", "sealed"]
)
def test_headers_can_be_sent(headers: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="no header that can be sent"):
        options(headers=headers)


def test_a_preset_is_one_that_there_is() -> None:
    assert known_preset(None, ["zai"]) is None
    assert known_preset("zai", ["zai"]) == "zai"
    with pytest.raises(ValueError, match="There are: zai, qwen"):
        known_preset("zay", ["zai", "qwen"])
