"""What the model behind the Responses endpoint is shown of items."""

from typing import Any

from providers.sandbox.openai.responses.items import items_of
from providers.sandbox.openai.responses.reading import newest_words, read_items
from tests.providers.sandbox.openai.responses.asking import WEATHER

PNG = "data:image/png;base64,iVBORw0KGgo="


def test_a_conversation_with_calls_and_outputs() -> None:
    parts: list[Any] = [{"type": "input_text", "text": "rain"}, {"type": "input_image", "image_url": PNG}]
    items = items_of(
        [
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "input_text", "text": "Hi\n!sandbox pace_ms=0"}]},
            {"type": "reasoning", "summary": []},
            {"type": "function_call", "call_id": "a", "name": "get_weather", "arguments": '{"city":"Rome"}'},
            {"type": "function_call", "call_id": "b", "name": "x", "namespace": "n", "arguments": "no JSON"},
            {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "words"},
            {"type": "function_call_output", "call_id": "a", "output": parts},
        ]
    )
    tools = [WEATHER, {"type": "custom", "name": "patch"}, {"type": "namespace", "name": "n", "tools": [WEATHER]}]
    body = {"instructions": "Be brief.", "tools": [*tools, {"type": "web_search"}], "parallel_tool_calls": False}
    shown = read_items(body, items)
    assert [turn.role for turn in shown.turns] == ["system", "system", "user", *["assistant"] * 3, "tool"]
    assert shown.turns[3].calls[0].arguments == {"city": "Rome"}
    assert (shown.turns[4].calls[0].name, shown.turns[4].calls[0].arguments) == ("n__x", {})
    assert shown.turns[5].calls[0].arguments == {"input": "words"}
    assert shown.turns[6].results[0].text.startswith("rain\nfile (8 bytes")
    assert [tool.name for tool in shown.tools] == ["get_weather", "patch", "n__get_weather"]
    assert (shown.question, shown.parallel, shown.choice) == ("Hi", False, "auto")


def test_forms_and_choices() -> None:
    def of(**body: Any) -> Any:
        return read_items(body, items_of("Hi"))

    assert of(text={"format": {"type": "json_schema", "schema": {"type": "object"}}}).schema == {"type": "object"}
    assert of(text={"format": {"type": "json_object"}}).schema == {}
    assert of(text={"format": {"type": "text"}}).schema is None
    assert of(tool_choice={"type": "function", "name": "x"}).choice == "x"
    assert of(tool_choice={"type": "allowed_tools", "mode": "required"}).choice == "required"


def test_a_directive_is_in_the_newest_item() -> None:
    assert newest_words(items_of("Hi\n!sandbox fault=500")) == "Hi\n!sandbox fault=500"
    assert newest_words([*items_of("Hi"), {"type": "reasoning", "summary": []}]) == "Hi"
    assert newest_words([{"type": "function_call_output", "call_id": "c", "output": "x"}]) == ""
    files = [{"type": "input_file", "file_id": "file_1"}]
    assert read_items({}, items_of([{"role": "user", "content": files}])).files == ["input_file file_1"]
