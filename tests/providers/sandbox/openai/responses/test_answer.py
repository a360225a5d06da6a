"""An answer of the Responses form: the items as events."""

import json
from typing import Any

from providers.sandbox.openai.responses.answer import Answer

BASE = {"id": "resp_1", "object": "response"}


def told(*items: dict[str, Any], incomplete: str = "") -> list[Any]:
    frames = Answer(BASE, items, incomplete).events(obfuscated=False)
    found = [json.loads(frame.decode().partition("data: ")[2]) for frame in frames]
    assert [frame.decode().partition("\n")[0] for frame in frames] == [f"event: {one['type']}" for one in found]
    return found


def kinds(found: list[Any]) -> list[str]:
    return [one["type"].removeprefix("response.") for one in found[2:-1]]


def test_a_message() -> None:
    note = {"type": "url_citation", "url": "https://x.example"}
    part = {"type": "output_text", "text": "one two three four five", "annotations": [note], "logprobs": []}
    item = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    found = told(item)
    assert kinds(found) == [
        "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
        "output_text.annotation.added", "output_text.done", "content_part.done", "output_item.done",
    ]  # fmt: skip
    assert found[2]["item"] == {**item, "content": [], "status": "in_progress"}
    assert found[3]["part"] == {**part, "text": "", "annotations": []}
    assert "".join(one.get("delta", "") for one in found) == "one two three four five"
    assert found[-1]["response"]["output"] == [item]


def test_a_refusal() -> None:
    part = {"type": "refusal", "refusal": "No."}
    found = told({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]})
    assert kinds(found)[1:5] == ["content_part.added", "refusal.delta", "refusal.done", "content_part.done"]


def test_reasoning_is_sealed_at_its_end_alone() -> None:
    item = {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "so"}],
        "encrypted_content": "z",
    }
    found = told(item)
    assert kinds(found)[1:5] == [
        "reasoning_summary_part.added", "reasoning_summary_text.delta", "reasoning_summary_text.done",
        "reasoning_summary_part.done",
    ]  # fmt: skip
    assert "encrypted_content" not in found[2]["item"]
    assert found[7]["item"] == item


def test_calls() -> None:
    call = {"id": "fc_1", "type": "function_call", "status": "completed", "name": "x", "arguments": '{"city":"Rome"}'}
    custom = {"id": "ctc_1", "type": "custom_tool_call", "status": "completed", "name": "y", "input": "words"}
    found = told(call, custom)
    assert "".join(one["delta"] for one in found if one["type"].endswith("arguments.delta")) == call["arguments"]
    assert "".join(one["delta"] for one in found if one["type"].endswith("input.delta")) == "words"
    assert {one["output_index"] for one in found if one["type"] == "response.output_item.done"} == {0, 1}


def test_a_search_and_a_premature_end() -> None:
    found = told({"id": "ws_1", "type": "web_search_call", "status": "completed"}, incomplete="max_output_tokens")
    assert kinds(found)[1:4] == [f"web_search_call.{state}" for state in ("in_progress", "searching", "completed")]
    assert found[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
