"""A chat body of the OpenAI form as the model is shown it."""

from typing import Any

import pytest

from providers.sandbox.models.native import read_body
from providers.sandbox.models.shown import Tool

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
PIXEL = "data:image/gif;base64,R0lGODlhAgADAAAAADs="


def test_messages_are_turns_with_their_calls_and_results() -> None:
    shown = read_body(
        {
            "messages": [
                {"role": "developer", "content": "Be kind."},
                {"role": "user", "content": [{"type": "text", "text": "Go\n!sandbox pace_ms=0"}]},
                {"role": "assistant", "content": None, "tool_calls": [CALL, {"function": {"arguments": "{"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "done"},
            ],
            "tools": [{"type": "function", "function": {"name": "f"}}],
        }
    )
    assert [turn.role for turn in shown.turns] == ["system", "user", "assistant", "tool"]
    assert (shown.question, shown.turns[2].calls[0].arguments, shown.turns[3].results[0].id) == ("Go", {"a": 1}, "c1")
    assert shown.tools == (Tool("f"),)


@pytest.mark.parametrize(
    ("choice", "read"),
    [
        (None, "auto"),
        ("none", "none"),
        ("required", "required"),
        ({"type": "function", "function": {"name": "f"}}, "f"),
    ],
)
def test_choices(choice: Any, read: str) -> None:
    assert read_body({"tool_choice": choice}).choice == read


def test_forms() -> None:
    schema = {"type": "object"}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert read_body({"response_format": form}).schema == schema
    assert read_body({"response_format": {"type": "json_object"}}).schema == {}
    assert read_body({"response_format": {"type": "text"}}).schema is None


def test_pictures_are_seen() -> None:
    parts = [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    parts += [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    first, second = read_body({"messages": [{"role": "user", "content": parts}]}).files
    assert "GIF, 2x3" in first
    assert second == "image_url https://example.com/a.png"
