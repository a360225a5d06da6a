"""Requests of the legacy completions: a chat of a prompt for a web session, the request as it is for an API."""

import json
from typing import Any

import pytest

from addons.dialects.base import AnswerMeta
from addons.dialects.completions.dialect import Completions
from addons.errors import GatewayError
from addons.features.capabilities import check_support
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest, CompletionRequest
from providers.contract.session import Session
from providers.contract.steps import Moment
from providers.openai.options import OpenAIOptions
from providers.openai.provider import OpenAICompatible
from tests.support.calls import seen
from tests.support.turns import turn_of

META = AnswerMeta("cmpl-1", 1700000000, 'mo"del')


def legacy(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "prompt": "Once", **fields}).encode()


def chat_for(body: bytes) -> ChatRequest:
    """The chat that a web session is asked in the request's place."""
    request = Completions().parse(body).request
    assert isinstance(request, CompletionRequest)
    return request.instead()


@pytest.mark.parametrize("prompt", ["Once", ["Once"]])
def test_legacy_prompt_is_one_user_message(prompt: Any) -> None:
    chat = chat_for(legacy(prompt=prompt, max_tokens=3))
    assert chat.messages[0].text() == "Once"
    assert chat.max_tokens == 3


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"echo": True}, "echo"),
        ({"suffix": "x"}, "suffix"),
        ({"best_of": 2}, "best_of"),
        ({"n": 2}, "n"),
        ({"logprobs": 3}, "logprobs"),
        ({"logprobs": 0}, "logprobs"),
        ({"echo": 0}, "echo"),
        ({"n": True}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_legacy_fields_a_chat_cannot_honour_are_named(fields: dict[str, Any], param: str) -> None:
    try:
        found = Completions().parse(legacy(**fields)).refusal
    except GatewayError as error:
        found = error
    assert found is not None
    assert found.param == param


def test_legacy_fields_with_values_that_change_nothing_pass() -> None:
    chat = chat_for(legacy(echo=False, suffix=None, best_of=1, n=1, logprobs=None, tools=[], seed=5))
    assert dict(chat.extra) == {"seed": 5}


# -- for an official API ----------------------------------------------------------------------------------------------
RAW: dict[str, dict[str, Any]] = {
    "fill in the middle": {"prompt": "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>", "suffix": "c", "echo": True},
    "two prompts": {"prompt": ["a", "b"], "n": 2, "best_of": 4},
    "tokens": {"prompt": [1, 2, 3], "logprobs": 5},
    "token lists": {"prompt": [[1, 2], [3]], "max_tokens": -1, "vendor": {"x": None}},
}


@pytest.mark.parametrize("fields", RAW.values(), ids=RAW.keys())
def test_a_raw_prompt_goes_to_the_apis_own_completions_as_it_is(fields: dict[str, Any]) -> None:
    parsed = Completions().parse(legacy(**fields))
    site = OpenAICompatible("api", OpenAIOptions(base_url="https://api.example/v1"))
    call = seen(turn_of(site, parsed.request, Session("api", "a")).call(Moment(0, lambda: "id")))
    assert call.url == "https://api.example/v1/completions"
    assert json.loads(call.body) == {"model": "m", **fields, "stream": False}
    assert parsed.refusal is not None, "no chat can be made of it"
    check_support(parsed, site.serving(parsed.request), "api", Model("m", "m"))


def test_an_api_without_raw_prompts_refuses_them_by_name() -> None:
    parsed = Completions().parse(legacy())
    site = OpenAICompatible("api", OpenAIOptions.model_validate({"preset": "groq"}))
    with pytest.raises(GatewayError) as caught:
        check_support(parsed, site.serving(parsed.request), "api", Model("m", "m"))
    assert (caught.value.param, caught.value.code) == ("prompt", "unsupported_parameter")
