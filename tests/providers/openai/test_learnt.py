"""What the gateway adds to a request, and what it learns of an API that does not take it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from providers.contract.chat import Message
from providers.contract.errors import ProviderError
from providers.contract.requests import ChatRequest
from providers.openai.learnt import Learnt
from providers.openai.provider import OpenAICompatible
from tests.providers.openai.accounts import KEY, MOMENT, call, chat, provider
from tests.providers.openai.streams import chunk, delta, sse
from tests.support.turns import turn_of


def refuse(site: OpenAICompatible, body: Any, status: int = 422) -> ProviderError:
    error = turn_of(site, chat()).classify(
        status, {"content-type": "application/json"}, json.dumps(body, ensure_ascii=False).encode()
    )
    error.model = "m"
    return error


def mend(site: OpenAICompatible, error: ProviderError) -> bool:
    steps = turn_of(site, chat(), KEY).recover(error, MOMENT)
    if steps is None:
        return False
    assert list(steps) == []
    return True


def test_nothing_is_added_where_it_is_not_known_to_be_taken() -> None:
    unknown, known = provider(base_url="https://api.example/v1"), provider(preset="openai")
    assert "stream_options" not in call(unknown, chat(stream=True))[1]
    assert call(known, chat(stream=True))[1]["stream_options"] == {"include_usage": True}
    asked = chat(stream=True, extra={"stream_options": {"include_usage": True}})
    assert call(unknown, asked)[1]["stream_options"] == {"include_usage": True}
    assert "stream_options" not in call(provider(preset="mistral"), asked)[1]


REFUSALS = {
    "mistral": {
        "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options", "include_usage"]}]}
    },
    "fastapi": {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]},
    "words": {"error": {"message": "Unrecognized request argument supplied: stream_options"}},
    "usage": {"error": {"message": "include_usage is not supported", "type": "invalid_request_error"}},
    "param alone": {"error": {"message": "bad parameter", "param": "stream_options", "code": "invalid_parameter"}},
    "a list of words": {"message": ["property stream_options should not exist"], "statusCode": 400},
    "a table": {"errors": {"stream_options": ["is invalid"]}},
    "a text": "stream_options is not a valid field",
    "a model": {"error": {"message": "stream_options is not supported by this model", "code": "unsupported_model"}},
    "camel case": {"error": {"message": "Unexpected field: streamOptions"}},
    "Chinese": {"error": {"message": "参数stream_options无效"}},
}


@pytest.mark.parametrize("body", REFUSALS.values(), ids=REFUSALS.keys())
def test_what_an_api_refuses_of_ours_is_not_sent_again(body: Any) -> None:
    site = provider(preset="openai")
    error = refuse(site, body)
    assert error.refused == frozenset({"stream_options"})
    assert mend(site, error)
    assert "stream_options" not in call(site, chat(stream=True))[1]
    assert "stream_options" in call(site, replace(chat(stream=True), model="another"))[1], "one address, many APIs"


def test_what_an_api_taught_is_bounded() -> None:
    learnt = Learnt()
    for number in range(5000):
        learnt.learn_refused(f"m{number}", frozenset({"stream_options"}))
        learnt.learn_reasoning_name(f"m{number}", "reasoning")
    assert len(learnt.refused) < 1000
    assert len(learnt.reasoning) < 1000
    assert learnt.refused_by("m4999") == {"stream_options"}


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "temperature is not supported with this model"}},
        {"error": {"message": "The `reasoning_content` in the thinking mode must be passed back to the API."}},
        {"error": {"message": "Missing `reasoning_content` field in the assistant message"}},
    ],
)
def test_what_is_refused_for_another_reason_is_not_mended(body: Any) -> None:
    site = provider(preset="openai")
    assert not mend(site, refuse(site, body, 400))


def earlier(**fields: Any) -> ChatRequest:
    said = Message("assistant", "4", extra={"reasoning_content": "2+2", **fields})
    return ChatRequest("m", (Message("user", "2+2?"), said, Message("user", "+1?")))


def sent_back(site: OpenAICompatible, **fields: Any) -> dict[str, Any]:
    message: dict[str, Any] = call(site, earlier(**fields))[1]["messages"][1]
    return message


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"preset": "deepseek"}, {"content": "4", "reasoning_content": "2+2"}),
        ({"preset": "groq"}, {"content": "4", "reasoning": "2+2"}),
        ({"preset": "openai"}, {"content": "4"}),
        ({"preset": "minimax"}, {"content": "<think>\n2+2\n</think>\n\n4"}),
        (
            {"preset": "mistral"},
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "2+2"}]},
                    {"type": "text", "text": "4"},
                ]
            },
        ),
        ({"base_url": "https://api.example/v1"}, {"content": "4", "reasoning_content": "2+2"}),
        ({"base_url": "https://api.example/v1", "reasoning_field": "drop"}, {"content": "4"}),
    ],
)
def test_reasoning_goes_back_under_the_apis_own_name(options: dict[str, Any], sent: dict[str, Any]) -> None:
    assert sent_back(provider(**options)) == {"role": "assistant", **sent}


def test_the_name_is_learnt_from_the_apis_own_answers() -> None:
    site = provider(preset="vllm")
    turn_of(site, chat()).decoder().feed(sse(chunk(delta({"reasoning": "hm"}))))
    assert sent_back(site)["reasoning"] == "2+2"
    turn_of(site, chat()).decoder().feed(sse(chunk(delta({"reasoning_content": "hm"}))))
    assert sent_back(site)["reasoning_content"] == "2+2"
    thinking = {"content": [{"type": "thinking", "thinking": "hm"}]}
    turn_of(site, chat()).decoder().feed(sse(chunk(delta(thinking))))
    assert sent_back(site)["content"][0]["type"] == "thinking"
    for number in range(2000):
        turn_of(site, chat(f"m{number}")).decoder().feed(sse(chunk(delta({"reasoning": "hm"}))))
    assert len(site._api.learnt.reasoning) <= 512


def test_reasoning_that_an_api_refuses_is_left_out() -> None:
    site = provider(base_url="https://api.example/v1")
    error = refuse(site, {"error": {"message": "messages.1: property 'reasoning_content' is unsupported"}}, 400)
    assert mend(site, error)
    assert sent_back(site) == {"role": "assistant", "content": "4"}


def test_a_choice_among_no_tools_is_not_sent() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    site = provider(base_url="https://api.example/v1")
    assert "tool_choice" not in call(site, chat(tool_choice="none"))[1]
    assert call(site, chat(tool_choice="none", tools=(tool,)))[1]["tool_choice"] == "none"
    assert call(site, chat(tool_choice="required"))[1]["tool_choice"] == "required"
