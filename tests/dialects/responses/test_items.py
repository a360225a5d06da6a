"""Items to messages: which of them are one message, where results go, what is left out."""

import json
from typing import Any

import pytest

from addons.errors import GatewayError
from providers.contract.chat import ImagePart, Message, TextPart, ToolCall
from tests.dialects.responses.reading import chat_of


def said(*items: Any, **fields: Any) -> list[Message]:
    return list(chat_of(list(items), **fields).messages)


def call(id: str, name: str = "f", **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": id, "name": name, "arguments": "{}", **more}


def result(id: str, output: Any = "done") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": id, "output": output}


def user(text: str = "go on") -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def thinking(text: str) -> dict[str, Any]:
    return {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": text}]}


def shape(messages: list[Message]) -> list[str]:
    return [
        f"{one.role}:{one.text()}"
        + "".join(f" {c.id}" for c in one.tool_calls)
        + (f" >{one.tool_call_id}" * bool(one.tool_call_id))
        for one in messages
    ]


def test_messages_in_both_forms_and_all_roles() -> None:
    found = said(
        {"role": "developer", "content": "be brief"},
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "and kind"}]},
        user("hi"),
        assistant("hello"),
        {"role": "critic", "content": "who?"},
        instructions="first",
    )
    assert shape(found) == [
        "system:first",
        "developer:be brief",
        "system:and kind",
        "user:hi",
        "assistant:hello",
        "user:who?",
    ]


A, B, DONE = call("a"), call("b"), "tool:done >a"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([assistant("I call"), A, B, result("a"), result("b")], ["assistant:I call a b", DONE, "tool:done >b"]),
        ([A, B, result("b"), result("a")], ["assistant: a b", DONE, "tool:done >b"]),
        ([A, result("a"), B, result("b")], ["assistant: a", DONE, "assistant: b", "tool:done >b"]),
        ([A, user("wait"), result("a")], ["assistant: a", DONE, "user:wait"]),
        ([A, assistant("behind"), result("a")], ["assistant:behind a", DONE]),
        ([A, result("a", "old"), result("a", "new")], ["assistant: a", "tool:new >a"]),
        ([A, call("a", "again"), result("a")], ["assistant: a", DONE]),
        ([A, result("a"), A, result("a", 2)], ["assistant: a", DONE, "assistant: a", "tool:2 >a"]),
        ([assistant("one"), assistant("two")], ["assistant:one", "assistant:two"]),
        ([assistant("one"), A, result("a"), assistant("two")], ["assistant:one a", DONE, "assistant:two"]),
        ([A], ["assistant: a"]),
        ([thinking("alone"), user("x")], ["user:x"]),
    ],
    ids=range(12),
)
def test_what_is_one_message_and_where_results_stand(items: list[Any], expected: list[str]) -> None:
    assert shape(said(*items)) == expected


def test_thinking_goes_before_the_turn_it_led_to() -> None:
    found = said(
        user(),
        thinking("first"),
        thinking("then"),
        assistant("words"),
        call("a"),
        result("a"),
        thinking("x"),
        call("b"),
    )
    assert [one.extra.get("reasoning_content") for one in found] == [None, "first\n\nthen", None, "x"]


def test_thinking_without_a_summary_is_its_content_and_what_is_encrypted_is_passed_over() -> None:
    raw = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "raw"}], "encrypted_content": "gAAA"}
    (found,) = said(raw, assistant("words"))
    assert found.extra == {"reasoning_content": "raw"}
    (found,) = said({"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}, assistant("words"))
    assert found.extra == {}


def test_a_result_without_its_call_is_words_of_the_user() -> None:
    (found,) = said(result("lost", "42"))
    assert found.role == "user"
    assert isinstance(found.content, tuple)
    assert found.text().endswith("42")


def test_pictures_of_a_result_stay_with_it() -> None:
    output = [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "data:image/png;base64,AA=="}]
    found = said(call("a"), result("a", output))[-1]
    assert found.content == (TextPart("see"), ImagePart("data:image/png;base64,AA=="))


def test_custom_calls_and_those_of_a_namespace_have_the_names_that_the_model_is_told() -> None:
    custom = {"type": "custom_tool_call", "call_id": "a", "name": "apply_patch", "input": 'x "y"'}
    found = said(custom, {"type": "custom_tool_call_output", "call_id": "a", "output": "ok"}, call("b", namespace="ns"))
    assert found[0].tool_calls == (ToolCall("a", "apply_patch", json.dumps({"input": 'x "y"'}, separators=(",", ":"))),)
    assert found[1].content == "ok"
    assert found[2].tool_calls == (ToolCall("b", "ns__f", "{}"),)


def test_calls_of_other_tools_that_the_client_ran_stay_calls() -> None:
    shell = {"type": "local_shell_call", "call_id": "a", "action": {"command": ["ls"]}, "status": "completed"}
    found = said(shell, {"type": "local_shell_call_output", "call_id": "a", "output": "file"})
    assert found[0].tool_calls == (ToolCall("a", "local_shell", '{"action":{"command":["ls"]}}'),)
    assert found[1].content == "file"


@pytest.mark.parametrize(
    "item",
    [
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "image_generation_call", "id": "ig_1", "result": "AAAA"},
        {"type": "compaction", "encrypted_content": "gAAA"},
        {"type": "compaction_trigger"},
        {"type": "configuration_update"},
        {"type": "something_of_tomorrow", "x": [1]},
        {"type": "mcp_call", "id": "m", "output": "x"},
        {"type": "additional_tools", "role": "developer", "tools": []},
    ],
    ids=lambda item: item["type"],
)
def test_what_nobody_here_knows_is_left_out(item: Any) -> None:
    assert shape(said(user("hi"), item)) == ["user:hi"]


def test_a_message_of_another_kind_is_said() -> None:
    assert shape(said({"type": "agent_message", "content": [{"type": "input_text", "text": "hi from b"}]})) == [
        "user:hi from b"
    ]


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ("x", "input[0]"),
        ({"type": "function_call", "call_id": "a", "arguments": "{}"}, "input[0].name"),
        ({"type": "function_call", "name": "f", "arguments": "{}"}, "input[0].call_id"),
        ({"type": "function_call_output", "output": "x"}, "input[0].call_id"),
    ],
    ids=["no object", "no name", "no call id", "no call"],
)
def test_what_cannot_be_understood_is_named(item: Any, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        said(item)
    assert (caught.value.status, caught.value.param) == (400, param)
