"""What the model behind the Messages stand-in is shown of a body."""

from typing import Any

import pytest

from providers.sandbox.anthropic.reading import newest_words, read_body, searches
from tests.providers.sandbox.anthropic.asking import USER, WEATHER

PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}


def test_a_conversation_with_calls_and_results() -> None:
    called = {"type": "tool_use", "id": "a", "name": "get_weather", "input": {"city": "Rome"}}
    content: list[Any] = [{"type": "text", "text": "rain"}, {"type": "image", "source": PNG}]
    came = {"type": "tool_result", "tool_use_id": "a", "content": content, "is_error": True}
    more = {"type": "text", "text": "And now?\n!sandbox pace_ms=0"}
    shown = read_body(
        {
            "system": "Be kind.",
            "messages": [USER, {"role": "assistant", "content": [called]}, {"role": "user", "content": [came, more]}],
            "tools": [WEATHER],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        }
    )
    assert [turn.role for turn in shown.turns] == ["system", "user", "assistant", "tool", "user"]
    assert shown.turns[2].calls[0].arguments == {"city": "Rome"}
    assert shown.turns[3].results[0].text.startswith("error:\nrain\nfile (8 bytes")
    assert (shown.question, shown.choice, shown.parallel) == ("And now?", "required", False)
    assert shown.tools[0].name == "get_weather"


def test_pictures_and_documents_in_words() -> None:
    blocks: list[Any] = [
        {"type": "image", "source": {"type": "url", "url": "https://x.example/1.png"}},
        {"type": "document", "source": {"type": "text", "data": "Rain."}, "title": "n.txt"},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "image", "source": {**PNG, "data": "!"}},
    ]
    told = read_body({"messages": [{"role": "user", "content": blocks}]}).files
    assert told[0] == "image https://x.example/1.png"
    assert told[1].endswith("): Rain.")
    assert told[2:] == ["document file_1", "image"]


def test_a_deferred_tool_is_shown_once_a_result_refers_to_it() -> None:
    tools = [{**WEATHER, "defer_loading": True}, {"type": "web_search_20250305", "name": "web_search"}]
    reference = {"type": "tool_reference", "tool_name": "get_weather"}
    found = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [reference]}]}
    assert read_body({"messages": [USER], "tools": tools}).tools == ()
    assert [tool.name for tool in read_body({"messages": [USER, found], "tools": tools}).tools] == ["get_weather"]
    assert searches({"tools": tools})
    assert not searches({"tools": tools[:1]})


def test_the_form_of_an_answer() -> None:
    config = {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}
    assert read_body({"messages": [USER], **config}).schema == {"type": "object"}
    assert read_body({"messages": [USER], "tool_choice": {"type": "tool", "name": "x"}}).choice == "x"


@pytest.mark.parametrize("parts", [False, True], ids=["a string", "parts"])
def test_the_form_of_an_answer_in_words(parts: bool) -> None:
    contract = "<format-abcdefgh>\nThe whole answer must be one JSON value.\nschema: any object\n</format-abcdefgh>"
    texts = [contract, "Say hi."] if parts else [f"{contract}\n\nSay hi."]
    asked = {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}
    wrong = {"role": "assistant", "content": "Hi."}
    again = {"role": "user", "content": "Your answer cannot be used: it is no JSON. Answer once more."}
    shown = read_body({"messages": [asked]})
    assert (shown.schema, shown.question) == ({}, "Say hi.")
    assert read_body({"messages": [asked, wrong, again]}).schema == {}


def test_a_directive_is_in_the_newest_words_of_the_person() -> None:
    system = {"role": "system", "content": "Environment"}
    reminder = {"type": "text", "text": "<system-reminder>x</system-reminder>"}
    turn = {"role": "user", "content": [reminder, {"type": "text", "text": "Hi\n!sandbox fault=500"}]}
    assert newest_words({"messages": [turn, system]}) == "Hi\n!sandbox fault=500"
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}, {"type": "text", "text": "x"}]}
    assert newest_words({"messages": [turn, result]}) == ""
