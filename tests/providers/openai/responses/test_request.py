"""What an API is asked by /responses: the client's own body, or one that asks the same as a chat."""

import json
from typing import Any

import pytest

from providers.contract.chat import Message
from providers.contract.errors import ErrorKind
from providers.contract.native import ResponsesRequest
from providers.contract.requests import ChatRequest
from providers.openai.learnt import Learnt
from providers.openai.provider import OpenAICompatible
from tests.providers.openai.accounts import KEY, MOMENT, call, chat, provider
from tests.support.turns import turn_of

BODY = b'{ "model" : "m", "input":[{"role":"user","content":"hi"}],"x":{"model":"m"}, "temperature": 1.50,"store":true}'


def site(**options: Any) -> OpenAICompatible:
    return provider(**{"base_url": "http://127.0.0.1:1/v1", "operations": ["responses"], **options})


def asked(*messages: Message, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    request = ChatRequest("m", messages or (Message("user", "hi"),), **fields)
    return call(site(**(options or {})), request)[1]


def native(body: bytes = BODY, **more: Any) -> ResponsesRequest:
    return ResponsesRequest("m", chat(), body, json.loads(body), **more)


# -- the client's own body --------------------------------------------------------------------------------------------
def test_a_body_goes_on_byte_for_byte_where_the_model_has_the_same_name() -> None:
    found = turn_of(site(models=["m"]), native(), KEY).call(MOMENT)
    assert (found.shown_url, found.body) == ("http://127.0.0.1:1/v1/responses", BODY)
    assert dict(found.headers)["Accept"] == "application/json"


def test_only_the_models_name_is_written_anew() -> None:
    sent = turn_of(site(models={"m": "theirs"}), native(stream=True), KEY).call(MOMENT)
    assert sent.body == BODY.replace(b'"m"', b'"theirs"', 1)
    assert dict(sent.headers)["Accept"] == "text/event-stream"


def test_headers_of_the_form_go_on_and_none_over_those_of_the_gateway() -> None:
    headers = (("openai-beta", "x=1"), ("authorization", "Bearer theirs"), ("x-own", "client's"))
    found = turn_of(site(headers={"X-Own": "config's"}), native(headers=headers), KEY).call(MOMENT)
    told = [(name.lower(), value) for name, value in found.headers if isinstance(value, str)]
    assert ("openai-beta", "x=1") in told
    assert ("x-own", "config's") in told
    assert not {("authorization", "Bearer theirs"), ("x-own", "client's")} & set(told)


def test_an_api_with_both_forms_is_asked_in_each() -> None:
    both = site(operations=["chat", "responses"], responses_path="/v2/responses")
    assert turn_of(both, native(), KEY).call(MOMENT).shown_url == "http://127.0.0.1:1/v2/responses"
    assert call(both, chat())[0].url.endswith("/chat/completions")


# -- a chat in this form ----------------------------------------------------------------------------------------------
def test_tools_and_the_choice_among_them_are_flat() -> None:
    function = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
    bare = {"type": "function", "function": {"name": "g", "strict": True}}
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
    custom = {"type": "custom", "custom": {"name": "patch", "format": grammar}}
    body = asked(
        tools=(function, bare, custom),
        tool_choice={"type": "function", "function": {"name": "f"}},
        search=True,
        extra={
            "parallel_tool_calls": False,
            "web_search_options": {
                "search_context_size": "low",
                "user_location": {"type": "approximate", "approximate": {"city": "Bern"}},
            },
        },
    )
    assert body["tools"] == [
        {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": False},
        {"type": "function", "name": "g", "parameters": {"type": "object", "properties": {}}, "strict": True},
        {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
        {
            "type": "web_search",
            "search_context_size": "low",
            "user_location": {"type": "approximate", "city": "Bern"},
        },
    ]
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ({"type": "function", "name": "f"}, False)
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}
    body = asked(tools=(function,), tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert body["tool_choice"] == {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "f"}],
    }
    body = asked(tool_choice="none", extra={"parallel_tool_calls": True})
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body)


def test_the_form_of_the_answer_and_its_limits() -> None:
    schema = {"name": "a", "schema": {"type": "object"}, "strict": True}
    body = asked(
        response_format={"type": "json_schema", "json_schema": schema},
        max_tokens=100,
        temperature=0.5,
        top_p=0.9,
        stream=True,
        extra={"verbosity": "low", "user": "u", "seed": 1, "of_later": 1},
    )
    assert body["text"] == {"format": {"type": "json_schema", **schema}, "verbosity": "low"}
    assert (body["max_output_tokens"], body["temperature"], body["top_p"], body["user"]) == (100, 0.5, 0.9, "u")
    assert body["stream"] is True
    assert not {"seed", "of_later", "verbosity"} & set(body)
    assert asked(response_format={"type": "json_object"})["text"] == {"format": {"type": "json_object"}}
    assert "text" not in asked(response_format={"type": "text"})
    assert asked(max_tokens=1)["max_output_tokens"] == 16


@pytest.mark.parametrize(
    ("effort", "sent"),
    [(None, None), ("none", {"effort": "none"}), ("high", {"effort": "high", "summary": "auto"})],
    ids=["not said", "none", "high"],
)
def test_thinking_is_asked_for_and_told_in_short_where_the_client_wants_it(effort: str | None, sent: Any) -> None:
    assert asked(reasoning_effort=effort).get("reasoning") == sent


def test_a_summary_that_the_account_may_not_have_is_not_asked_for_again() -> None:
    api = site()
    request = chat(reasoning_effort="low")
    turn = turn_of(api, request, KEY)
    words = b'{"error": {"message": "Verify your organization.", "param": "reasoning.summary"}}'
    error = turn.classify(400, {}, words)
    assert error.kind is ErrorKind.BAD_REQUEST
    error.model = "m"
    steps = turn.recover(error, MOMENT)
    assert steps is not None
    assert list(steps) == []
    assert call(api, request)[1]["reasoning"] == {"effort": "low"}
    assert Learnt().refused_by("m") == frozenset()
