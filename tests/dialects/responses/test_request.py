"""A body of /v1/responses to a chat and to the request as it is."""

import json
from typing import Any

import pytest

from addons.dialects.responses.named import answer_of
from addons.dialects.routed_head import RoutedHead
from addons.errors import GatewayError
from providers.contract.native import ResponsesRequest
from tests.dialects.responses.reading import DIALECT, STEM, chat_of, parsed, request_of

TOOL: Any = {"type": "function", "name": "f", "parameters": {}}


def test_a_text_is_one_message_of_the_user() -> None:
    found = chat_of("hi", instructions="be brief")
    assert [(one.role, one.content) for one in found.messages] == [("system", "be brief"), ("user", "hi")]
    assert all(one.raw is None for one in found.messages)


def test_the_request_is_kept_as_it_came() -> None:
    body = (
        b'{"model": "m", "input": "hi", "prompt_cache_retention": "24h", "client_metadata": {"x": 1}, "stream": true}'
    )
    found = DIALECT.parse(body, RoutedHead("responses", headers={"openai-beta": "b", "user-agent": "x"})).request
    assert (found.body, found.fields, found.stream) == (body, json.loads(body), True)  # type: ignore[attr-defined]
    assert found.headers == (("openai-beta", "b"),)  # type: ignore[attr-defined]
    assert found.instead() == chat_of("hi", stream=True)


def test_fields_of_the_chat() -> None:
    found = chat_of(
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=64.0,
        reasoning={"effort": "ultra", "summary": "auto"},
        tools=[TOOL, {"type": "web_search"}],
        tool_choice={"type": "function", "name": "f"},
        parallel_tool_calls=False,
        text={
            "format": {
                "type": "json_schema",
                "name": "n",
                "schema": {"type": "object"},
                "strict": True,
                "description": None,
            }
        },
        stream=True,
    )
    assert (found.temperature, found.top_p, found.max_tokens, found.reasoning_effort) == (0.5, 0.9, 64, "max")
    assert (found.search, found.tool_choice) == (True, {"type": "function", "function": {"name": "f"}})
    assert found.response_format == {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
    }
    assert (found.extra, found.stream) == ({"parallel_tool_calls": False}, True)


@pytest.mark.parametrize(
    ("format", "expected"), [({"type": "text"}, None), ({"type": "json_object"}, {"type": "json_object"})]
)
def test_other_forms_of_answers(format: Any, expected: Any) -> None:
    assert chat_of(text={"format": format}).response_format == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"client_metadata": {"a": [1]}},
        {"prompt_cache_retention": "24h", "prompt_cache_options": {"ttl": 1}},
        {"service_tier": "flex", "moderation": {}, "truncation": "auto", "include": ["reasoning.encrypted_content"]},
        {"top_logprobs": 3, "max_tool_calls": 2, "metadata": {"a": "b"}, "user": "u", "safety_identifier": "s"},
        {"context_management": [], "access_programs": [], "stream_options": {"include_obfuscation": False}},
        {"reasoning": {"effort": "of tomorrow"}, "text": {"verbosity": "low"}, "background": False, "prompt": None},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_a_chat_has_no_place_for_changes_nothing(fields: Any) -> None:
    found = parsed(**fields)
    assert found.refusal is None
    assert found.request.instead() == chat_of(**({"user": "u"} if "user" in fields else {}))


@pytest.mark.parametrize(
    ("field", "value"),
    [("background", True), ("conversation", "c_1"), ("conversation", {"id": "c"}), ("prompt", {"id": "p"})],
)
def test_what_is_served_nowhere_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(GatewayError) as caught:
        parsed(**{field: value})
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, field, "unsupported_parameter")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ""}, "model"),
        ({"model": 7}, "model"),
        ({"input": 7}, "input"),
        ({"input": None}, "input"),
        ({"stream": "yes"}, "stream"),
        ({"previous_response_id": 7}, "previous_response_id"),
        ({"input": [{"content": "x"}] * 20_001}, "input"),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": ""}] * 10_001}]}, "input"),
        ({"tools": [{}] * 2001}, "tools"),
        ({"tools": [{"type": "namespace", "name": "n", "tools": [{}] * 2001}]}, "tools"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_the_gateway_cannot_read(fields: Any, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        DIALECT.parse(json.dumps({"model": "m", "input": "hi", **fields}).encode())
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"tools": {}}, "tools"),
        ({"text": "json"}, "text"),
        ({"input": []}, "input"),
        ({"input": [{"type": "item_reference", "id": "msg_of_another"}]}, "input"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_only_a_web_session_refuses(fields: Any, param: str) -> None:
    found = DIALECT.parse(json.dumps({"model": "m", "input": "hi", **fields}).encode())
    assert found.refusal is not None
    assert found.refusal.param == param


def test_it_follows_an_answer_and_its_own_is_kept_unless_that_is_not_wanted() -> None:
    found = parsed([], previous_response_id="resp_1")
    assert (found.follows, found.keeps, found.refusal) == ("resp_1", True, None)
    assert parsed(store=False).keeps is False
    assert parsed(store=None).keeps is True
    assert parsed().follows is None


def test_an_item_that_is_named_leads_to_its_answer() -> None:
    reference = {"type": "item_reference", "id": f"msg_{STEM}01"}
    assert parsed([reference]).follows == f"resp_{STEM}"
    assert parsed([reference], previous_response_id="resp_2").follows == "resp_2"
    assert answer_of("msg_68af") == ""


@pytest.mark.parametrize(
    ("headers", "fields", "expected"),
    [
        ({"session-id": "s"}, {}, "s"),
        ({"thread-id": "t"}, {"user": "u"}, "t"),
        ({"session-id": "s"}, {"prompt_cache_key": "k"}, "s"),
        ({}, {"user": "u"}, "u"),
        ({}, {"user": 7}, None),
        ({}, {"prompt_cache_key": "x" * 1000}, "x" * 512),
    ],
    ids=["session", "thread", "both", "user", "none", "long"],
)
def test_a_conversation_stays_with_its_account(headers: dict[str, str], fields: Any, expected: str | None) -> None:
    body = json.dumps({"model": "m", "input": "hi", **fields}).encode()
    found = DIALECT.parse(body, RoutedHead("responses", headers=headers)).request
    assert found.affinity == expected
    assert found.instead().affinity == expected  # type: ignore[union-attr]


def test_words_are_those_of_the_chat() -> None:
    assert list(request_of("hi", instructions="x").words()) == ["x", "hi"]


def test_a_header_of_the_form_that_is_folded_is_not_sent_on() -> None:
    body = b'{"model":"m","input":"x"}'
    for value, sent in (("a=1", (("openai-beta", "a=1"),)), ("a\r\n x-evil: 1", ())):
        found = DIALECT.parse(body, RoutedHead(headers={"openai-beta": value})).request
        assert isinstance(found, ResponsesRequest)
        assert found.headers == sent
