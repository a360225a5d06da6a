"""Who serves a request that names no model."""

from typing import Any

import pytest

from addons.errors import GatewayError
from addons.routing.without_model import routes_without_model
from providers.contract.passed_on import ModerationRequest, PassedRequest
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible

ALL: dict[str, Any] = {
    name: OpenAICompatible(name, OpenAIOptions(preset=preset))
    for name, preset in (("one", "openai"), ("two", "mistral"), ("none", "deepseek"))
}


def asked(request: PassedRequest, *names: str) -> list[str]:
    return [route.provider for route in routes_without_model(request, {name: ALL[name] for name in names})]


def test_it_is_the_only_one_or_the_one_that_is_named() -> None:
    assert asked(ModerationRequest(""), "none", "two") == ["two"]
    assert asked(ModerationRequest("", provider=" ONE "), "one", "two") == ["one"]
    assert asked(ModerationRequest("", only_at=("two", "a")), "one", "two") == ["two"]


@pytest.mark.parametrize(
    ("provider", "names", "why"),
    [
        ("", ("one", "two"), "served by one, two: name one of them"),
        ("", ("none",), "no provider of this gateway serves moderations"),
        ("none", ("none", "one"), "'none' is none of this gateway that serves moderations"),
    ],
)
def test_where_it_cannot_be_told_it_is_said(provider: str, names: tuple[str, ...], why: str) -> None:
    with pytest.raises(GatewayError, match=why) as refused:
        asked(ModerationRequest("", provider=provider), *names)
    assert (refused.value.status, refused.value.param) == (400, "provider")
