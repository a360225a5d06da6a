"""What the Messages stand-in refuses of content blocks."""

from typing import Any

import pytest

from providers.sandbox.anthropic.blocks import Refused, check_blocks, check_marks

PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
CALL: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "x", "input": {}}


def refusal(block: Any, role: str = "user") -> str:
    try:
        check_blocks([block], "c", role)
    except Refused as e:
        return str(e)
    return ""


WRONG: list[Any] = [
    ("Hi", "user", "c.0: Input tag 'None' found"),
    ({"type": "image_url"}, "user", "c.0: Input tag 'image_url' found"),
    (CALL, "user", "c.0: `tool_use` blocks are not permitted in user messages"),
    ({"type": "image", "source": PNG}, "assistant", "c.0: `image` blocks are not permitted in assistant messages"),
    ({"type": "text", "text": "x", "id": 1}, "user", "c.0.text.id: Extra inputs are not permitted"),
    ({"type": "text"}, "user", "c.0.text.text: Field required"),
    ({"type": "text", "text": ""}, "user", "messages: text content blocks must be non-empty"),
    ({"type": "text", "text": " "}, "user", "messages: text content blocks must contain non-whitespace text"),
    ({**CALL, "id": "call.1"}, "assistant", "c.0.tool_use.id: String should match pattern"),
    ({**CALL, "input": "{}"}, "assistant", "c.0.tool_use.input: Input should be an object"),
    ({"type": "thinking", "thinking": "x"}, "assistant", "c.0.thinking.signature: Field required"),
    ({"type": "tool_result"}, "user", "c.0.tool_result.tool_use_id: Field required"),
    ({"type": "tool_result", "tool_use_id": "a", "content": {}}, "user", "c.0.tool_result.content: Input should be"),
    ({"type": "tool_result", "tool_use_id": "a", "content": [CALL]}, "user", "c.0.tool_result.content.0: `tool_use`"),
    ({"type": "image", "source": "http://x"}, "user", "c.0.image.source: Input tag found"),
    ({"type": "image", "source": {**PNG, "media_type": "image/bmp"}}, "user", "c.0.image.source.base64.media_type:"),
    ({"type": "image", "source": {**PNG, "data": "data:x"}}, "user", "c.0.image.source.base64.data: Invalid base64"),
    ({"type": "document", "source": PNG}, "user", "c.0.document.source.base64.media_type:"),
]


@pytest.mark.parametrize(("block", "role", "words"), WRONG, ids=lambda value: str(value)[:50])
def test_what_is_refused(block: Any, role: str, words: str) -> None:
    assert refusal(block, role).startswith(words)


RIGHT: list[Any] = [
    ({"type": "image", "source": PNG}, "user"),
    ({"type": "image", "source": {"type": "url", "url": "https://x.example/1.png"}}, "user"),
    ({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "title": "t"}, "user"),
    ({"type": "tool_result", "tool_use_id": "a"}, "user"),
    (
        {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "image", "source": PNG}], "is_error": True},
        "user",
    ),
    ({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "tool_reference", "tool_name": "x"}]}, "user"),
    ({"type": "thinking", "thinking": "", "signature": ""}, "assistant"),
    (CALL, "assistant"),
]


@pytest.mark.parametrize(("block", "role"), RIGHT, ids=lambda value: str(value)[:60])
def test_what_is_taken(block: Any, role: str) -> None:
    assert refusal(block, role) == ""


def test_there_are_four_marks_of_the_cache_at_most() -> None:
    block = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    check_marks({"system": [block], "messages": [{"role": "user", "content": [block] * 3}]})
    with pytest.raises(Refused, match="A maximum of 4 blocks with cache_control"):
        check_marks({"cache_control": {"type": "ephemeral"}, "messages": [{"role": "user", "content": [block] * 4}]})
