"""The messages of a chat as items of a response."""

from typing import Any

import pytest

from providers.contract.chat import ImagePart, Message, OtherPart, TextPart, ToolCall
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.requests import ChatRequest
from tests.providers.openai.accounts import call, provider


def asked(*messages: Message) -> dict[str, Any]:
    site = provider(base_url="http://127.0.0.1:1/v1", operations=["responses"])
    return call(site, ChatRequest("m", messages))[1]


def test_a_chat_becomes_items() -> None:
    body = asked(
        Message("system", "Be brief."),
        Message("user", (TextPart("Look"), ImagePart("data:image/png;base64,AA==", "low"))),
        Message("assistant", "I look.", tool_calls=(ToolCall("c1", "f", "{}"), ToolCall("c2", "g", '{"a": 1}'))),
        Message("tool", "one", tool_call_id="c1"),
        Message("tool", (TextPart("two"), ImagePart("https://a.example/b.png")), tool_call_id="c2"),
        Message("developer", "Now in French."),
        Message("assistant", None, extra={"refusal": "No.", "reasoning_content": "Hm"}),
        Message("user", (OtherPart("file", {"file": {"file_data": "data:x", "filename": "a.pdf", "odd": 1}}),)),
    )
    assert body == {
        "model": "m",
        "store": False,
        "stream": False,
        "input": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Look"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
                ],
            },
            {"role": "assistant", "content": "I look."},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "g", "arguments": '{"a": 1}'},
            {"type": "function_call_output", "call_id": "c1", "output": "one"},
            {
                "type": "function_call_output",
                "call_id": "c2",
                "output": [
                    {"type": "input_text", "text": "two"},
                    {"type": "input_image", "image_url": "https://a.example/b.png", "detail": "auto"},
                ],
            },
            {"role": "system", "content": "Now in French."},
            {"role": "assistant", "content": "No."},
            {"role": "user", "content": [{"type": "input_file", "file_data": "data:x", "filename": "a.pdf"}]},
        ],
    }


def test_custom_tools_and_functions_of_old_keep_their_kind() -> None:
    custom = ToolCall("c1", "", "", "custom", {"custom": {"name": "patch", "input": "***"}})
    legacy = {"function_call": {"name": "f", "arguments": "{}"}}
    body = asked(
        Message("assistant", None, tool_calls=(custom,)),
        Message("tool", "done", tool_call_id="c1"),
        Message("assistant", None, extra=legacy),
        Message("function", "4", name="f"),
    )
    assert body["input"] == [
        {"type": "custom_tool_call", "call_id": "c1", "name": "patch", "input": "***"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"},
        {"type": "function_call", "call_id": "f", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "f", "output": "4"},
    ]


def test_a_part_that_no_item_holds_is_refused_by_name() -> None:
    with pytest.raises(ProviderError) as refused:
        asked(Message("user", (OtherPart("input_audio", {}),)))
    assert (refused.value.kind, "input_audio" in refused.value.message) == (ErrorKind.BAD_REQUEST, True)
