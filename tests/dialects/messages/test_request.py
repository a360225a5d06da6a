"""Bodies of Anthropic's Messages to requests: what a chat is told of them, and what stands against asking one."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.dialects.body import all_at_once
from addons.dialects.messages.request import MessagesOptions, read_request
from addons.dialects.routed_head import RoutedHead
from addons.errors import GatewayError
from providers.contract.native import MessagesRequest
from providers.contract.requests import ChatRequest
from tests.support.counting import work_of

HI: Mapping[str, Any] = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}


def parsed(headers: Mapping[str, str] | None = None, **fields: Any) -> Any:
    body = json.dumps({**HI, **fields}).encode()
    return all_at_once(read_request(body, head=RoutedHead(headers=headers or {})))


def asked(**fields: Any) -> MessagesRequest:
    found = parsed(**fields)
    assert found.refusal is None, found.refusal
    assert isinstance(found.request, MessagesRequest)
    return found.request


def chat(**fields: Any) -> ChatRequest:
    return asked(**fields).chat


def refused(**fields: Any) -> GatewayError:
    """What stands against asking a chat; an API of the form may take it."""
    error = parsed(**fields).refusal
    assert isinstance(error, GatewayError)
    return error


def test_the_body_goes_on_as_it_came_beside_the_chat_that_asks_the_same() -> None:
    body = b'{"model": "m", "messages": [{"role":"user","content":"hi"}], "stream": true, "top_k": 5, "new": {}}'
    found = all_at_once(read_request(body)).request
    assert isinstance(found, MessagesRequest)
    assert (found.body, found.fields["top_k"], found.stream, found.chat.stream) == (body, 5, True, True)
    assert found.chat.extra == {}, "nothing that the form of a chat does not know"


def test_fields_of_the_form_have_their_places_in_the_chat() -> None:
    found = chat(temperature=0.5, top_p=0.9, stop_sequences=["a", "b"], max_tokens=7.0)
    assert (found.temperature, found.top_p, found.stop, found.max_tokens) == (0.5, 0.9, ("a", "b"), 7)


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({}, None),
        ({"output_config": {"effort": "high"}}, None),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, "none"),
        ({"thinking": {"type": "between_tools"}}, "none"),
        ({"thinking": {"type": "adaptive"}}, "medium"),
        ({"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "xhigh"}}, "xhigh"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "new"}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10000}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 32000}}, "high"),
        ({"thinking": {"type": "of another version"}}, None),
    ],
)
def test_thinking_and_its_effort(fields: Any, effort: str | None) -> None:
    found = parsed(**fields)
    assert found.request.chat.reasoning_effort == effort
    assert found.options == MessagesOptions(thinks=effort not in (None, "none"), prompt_tokens=1)


def test_a_schema_for_the_answer_gets_a_name() -> None:
    schema = {"type": "object"}
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    assert chat(output_config={"format": {"type": "json_schema", "schema": schema}}).response_format == wanted
    assert chat(output_format={"type": "json_schema", "schema": schema}).response_format == wanted
    assert chat(output_config={"format": {"type": "other"}}).response_format is None


def test_a_session_is_known_by_its_header_else_by_what_is_said_of_the_user() -> None:
    session = {"x-claude-code-session-id": "s1"}
    assert parsed(session, metadata={"user_id": "u"}).request.affinity == "s1"
    assert asked(metadata={"user_id": "u"}).affinity == "u"
    assert asked(metadata={"user_id": 3}).affinity is None


def test_headers_of_the_form_go_on_where_they_can_be_sent() -> None:
    headers = {"anthropic-beta": "new-2030-01-01,other", "anthropic-version": "2023-06-01\n", "user-agent": "x"}
    assert parsed(headers).request.headers == (("anthropic-beta", "new-2030-01-01,other"),)


@pytest.mark.parametrize(
    "fields",
    [
        {"top_k": 5, "service_tier": "auto", "speed": "fast", "container": "c", "context_management": {"edits": []}},
        {"mcp_servers": [], "cache_control": {"type": "ephemeral"}, "of another version": [1]},
        {"temperature": 1, "top_p": 1},
        {"tools": [{"name": "f", "input_schema": {}, "input_examples": [{}], "defer_loading": True}]},
        {"thinking": None, "system": None, "tools": None},
        {"max_tokens": None},
    ],
)
def test_what_nobody_here_knows_is_not_refused(fields: Any) -> None:
    assert parsed(**fields).refusal is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": "warm"}, "temperature"),
        ({"stop_sequences": ["a"] * 65}, "stop_sequences"),
        ({"stop_sequences": ["a" * 1025]}, "stop_sequences"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages"),
        ({"messages": [*HI["messages"], {"role": "assistant", "content": "It is"}]}, "messages[1]"),
        (
            {"messages": [*HI["messages"], {"role": "assistant", "content": "a"}, {"role": "system", "content": "b"}]},
            "messages[1]",
        ),
    ],
)
def test_what_stands_against_asking_a_chat_is_told_by_its_name(fields: Any, param: str) -> None:
    error = refused(**fields)
    assert (error.status, error.param) == (400, param)
    assert param in error.message


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": 3}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["a"]}]}, "messages[0].content[0]"),
        ({"stream": "yes"}, "stream"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}] * 10_001}]}, "messages"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text"}] * 10_001}]}
                ]
            },
            "messages",
        ),
        ({"tools": [{"name": "f"}] * 2001}, "tools"),
    ],
)
def test_what_nobody_could_make_sense_of_is_refused(fields: Any, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)
    assert (caught.value.status, caught.value.param) == (400, param)
    assert caught.value.asked == ("" if param == "model" else "m")


def test_the_prompt_is_estimated_for_the_beginning_of_a_stream() -> None:
    tools = [{"name": "f", "description": "a" * 4000, "input_schema": {}}]
    assert 2000 <= parsed(messages=[{"role": "user", "content": "a" * 4000}], tools=tools).options.prompt_tokens <= 2100


BLOCKS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["text", "image", "document", "tool_use", "tool_result", "thinking", "server_tool_use", 3]
        )
    },
    optional={
        name: st.none() | st.integers() | st.text(max_size=3) | st.lists(st.dictionaries(st.just("type"), st.text()))
        for name in ("text", "source", "id", "tool_use_id", "name", "input", "content", "thinking")
    },
)
TURNS = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "x"]), "content": st.text(max_size=3) | st.lists(BLOCKS)}
)


@given(turns=st.lists(TURNS, min_size=1, max_size=6), tools=st.lists(BLOCKS), choice=st.none() | BLOCKS)
def test_whatever_stands_in_it_is_a_request_or_a_refusal(turns: Any, tools: Any, choice: Any) -> None:
    body = {"model": "m", "messages": turns, "tools": tools, "tool_choice": choice}
    found = all_at_once(read_request(json.dumps(body).encode())).request
    assert isinstance(found, MessagesRequest)
    roles = [message.role for message in found.chat.messages]
    assert set(roles) <= {"system", "user", "assistant", "tool"}


def test_reading_pauses_between_many_turns() -> None:
    body = json.dumps(
        {**HI, "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}] * 4000}
    )
    steps = read_request(body.encode())
    works = []
    while True:
        try:
            _, work = work_of(lambda: next(steps))
        except StopIteration:
            break
        works.append(work)
    assert max(works) < sum(works) / 2
