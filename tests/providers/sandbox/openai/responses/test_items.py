"""What the Responses stand-in refuses of the items of an input."""

from typing import Any

import pytest

from providers.sandbox.openai.responses.items import check_items, items_of
from providers.sandbox.openai.responses.refused import Refused

USER = {"role": "user", "content": "Hi"}
CALL = {"type": "function_call", "call_id": "c", "name": "x", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "rain"}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": []}
PICTURE = {"type": "input_image", "image_url": {"url": "data:"}}


def refusal(*items: dict[str, Any]) -> str:
    try:
        check_items(items_of(list(items)))
    except Refused as e:
        return str(e)
    return ""


WRONG: list[Any] = [
    (({"type": "what"},), "Invalid value: 'what'."),
    (({"role": "tool", "content": "x"},), "Invalid value: 'tool'."),
    (({**USER, "reasoning_content": "x"},), "Unknown parameter: 'input[0].reasoning_content'."),
    (({"role": "assistant", "content": None},), "Missing required parameter: 'input[0].content'."),
    (({**USER, "content": [{"type": "text", "text": "x"}]},), "Invalid value: 'text'."),
    (({"role": "assistant", "content": [{"type": "input_text", "text": "x"}]},), "Invalid value: 'input_text'."),
    (({**USER, "content": [{"type": "input_text"}]},), "Missing required parameter: 'input[0].content[0].text'."),
    (({**USER, "content": [PICTURE]},), "Invalid type for 'input[0].content[0].image_url'"),
    (({**USER, "id": "x"},), "Invalid 'input[0].id': 'x'. Expected an ID that begins with 'msg'."),
    (({**CALL, "id": "call_1"}, OUTPUT), "Invalid 'input[0].id': 'call_1'. Expected an ID that begins with 'fc'."),
    ((CALL,), "No tool output found for function call c."),
    ((OUTPUT,), "No tool call found for function call output with call_id c."),
    ((THOUGHT,), "Item 'rs_1' of type 'reasoning' was provided without its required following item."),
    ((THOUGHT, USER), "Item 'rs_1' of type 'reasoning' was provided without its required following item."),
    (({"type": "function_call", "call_id": "c", "name": "x"},), "Missing required parameter: 'input[0].arguments'."),
]


@pytest.mark.parametrize(("items", "words"), WRONG, ids=range(len(WRONG)))
def test_what_is_refused(items: tuple[dict[str, Any], ...], words: str) -> None:
    assert refusal(*items).startswith(words)


def test_what_is_taken() -> None:
    shown = {**OUTPUT, "output": [{"type": "input_image", "image_url": "data:image/png;base64,AA=="}], "id": "fco_1"}
    custom = {"type": "custom_tool_call", "call_id": "d", "name": "x", "input": "y", "id": "ctc_1"}
    said = {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "x"}]}
    answered = {"type": "custom_tool_call_output", "call_id": "d", "output": "z"}
    assert refusal(USER, THOUGHT, {**CALL, "id": "fc_1"}, shown, custom, answered, THOUGHT, said, USER) == ""
    assert refusal(USER, {**THOUGHT, "encrypted_content": "gAAA"}) == ""
    assert items_of("Hi")[0]["content"] == [{"type": "input_text", "text": "Hi"}]
