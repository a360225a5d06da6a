"""The provider of an API of the OpenAI form: which kinds of requests it serves."""

from typing import Any

import pytest

from providers.contract.native import ResponsesRequest
from providers.contract.passed_on import PASSED, BatchRequest, EmbeddingRequest, FileRequest, PassedRequest
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
    assert {kind for kind in provider.operations if not issubclass(kind, PassedRequest | ResponsesRequest)} == served
    assert all(operation.native is None for operation in provider.operations.values())


@pytest.mark.parametrize(
    ("options", "served"),
    [
        ({"base_url": "https://api.example/v1"}, set(PASSED) - {FileRequest, BatchRequest}),
        ({"preset": "ollama"}, {EmbeddingRequest}),
        ({"preset": "deepseek"}, set()),
    ],
)
def test_which_endpoints_are_passed_on_is_data_of_the_preset(options: Any, served: set[Any]) -> None:
    provider = OpenAICompatible("api", OpenAIOptions(**options))
    assert {kind for kind in provider.operations if issubclass(kind, PassedRequest)} == served
