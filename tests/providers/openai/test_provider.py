"""The provider of an API of the OpenAI form: which kinds of requests it serves."""

from typing import Any

import pytest

from providers.contract.pictures import ImageRequest
from providers.contract.requests import ChatRequest, CompletionRequest
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible

ALL = {ChatRequest, CompletionRequest, ImageRequest}


@pytest.mark.parametrize(
    ("options", "served"),
    [
        ({"base_url": "https://api.example/v1"}, ALL),
        ({"preset": "openai"}, ALL),
        ({"preset": "zai"}, ALL - {CompletionRequest}),
        ({"preset": "groq"}, {ChatRequest}),
        ({"preset": "groq", "completions_path": "x"}, ALL - {ImageRequest}),
        ({"preset": "groq", "images_edits_path": "x"}, ALL - {CompletionRequest}),
        ({"preset": "openai", "images_edits_path": "x"}, ALL),
    ],
)
def test_what_an_api_is_known_to_have_or_config_names_a_path_of_is_served(options: Any, served: set[Any]) -> None:
    provider = OpenAICompatible("api", OpenAIOptions(**options))
    assert set(provider.operations) == served
    assert all(operation.native is None for operation in provider.operations.values())
