"""Which tools words ask for."""

import pytest

from providers.sandbox.models.choosing import calls_for, wanted_tools
from providers.sandbox.models.shown import Shown, Tool, ToolCall, Turn

TEXT = {"type": "string"}
TOOLS = [
    Tool("read", "Reads a file"),
    Tool("web_search", "Search the web for pages"),
    Tool("get_weather", "Current weather of a city"),
    Tool("attempt_completion", "Ends the work"),
]


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Use the read tool", ["read"]),
        ("I like to read", ["read"]),
        ("get weather, then web_search", ["get_weather", "web_search"]),
        ("How is the weather?", ["get_weather"]),
        ("search for news", ["web_search"]),
        ("Never use any tools: get_weather", []),
        ("Hello there", []),
        ("say weather", []),
        ("attempt_completion", []),
    ],
)
def test_tools_are_found_by_name_by_purpose_or_by_their_words(question: str, names: list[str]) -> None:
    shown = Shown((Turn("user", question),), TOOLS)
    assert [tool.name for tool, _ in wanted_tools(shown, TOOLS)] == names


def test_the_tool_before_is_meant_where_it_is_asked_for_again() -> None:
    earlier = Turn("assistant", calls=(ToolCall("get_weather", {}),))
    shown = Shown((Turn("user", "x"), earlier, Turn("user", "and what about Rome")), TOOLS)
    assert [tool.name for tool, _ in wanted_tools(shown, TOOLS)] == ["get_weather"]


@pytest.mark.parametrize(
    ("question", "arguments"),
    [
        ("add(2, 3)", [{"a": 2, "b": 3}]),
        ("add(b=2, a=3)", [{"b": 2, "a": 3}]),
        ('add({"a": 5})', [{"a": 5}]),
        ("add(1, 2) and add(3, 4)", [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
        ("add 4 and 9", [{"a": 4, "b": 9}]),
    ],
)
def test_calls_written_in_the_words_are_taken_as_they_are(question: str, arguments: list[dict[str, int]]) -> None:
    number = {"type": "integer"}
    tool = Tool("add", "", {"properties": {"a": number, "b": number}, "required": ["a", "b"]})
    assert [call.arguments for call in calls_for(tool, question, question, "")] == arguments


def test_several_files_are_several_calls() -> None:
    tool = Tool("read", "", {"properties": {"path": TEXT}, "required": ["path"]})
    words = "read a.txt and b.txt"
    assert [call.arguments["path"] for call in calls_for(tool, words, words, "")] == ["a.txt", "b.txt"]


def test_a_tool_of_the_weather_that_names_no_parameters_is_told_a_city() -> None:
    assert calls_for(Tool("weather"), "Weather?", "Weather?", "")[0].json() == '{"city":"Paris"}'
    assert calls_for(Tool("weather", "", {"additionalProperties": False}), "", "", "")[0].json() == "{}"


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Create the file /w/a.txt with content: x", "fs_save_file"),
        ("Change a.txt: b to c", "update_file"),
        ("Read the file a.txt", "open_files"),
        ("Run the command ls", "shell_run"),
    ],
)
def test_what_is_to_be_done_with_a_file_is_for_a_tool_that_is_told_one(question: str, name: str) -> None:
    tools = [
        Tool("team_create", "", {"properties": {"title": TEXT}}),
        Tool("change_plan", "", {"properties": {"title": TEXT}}),
        Tool("fs_save_file", "", {"properties": {"filePath": TEXT, "content": TEXT}}),
        Tool("update_file", "", {"properties": {"path": TEXT}}),
        Tool("open_files", "", {"properties": {"files": {"type": "array"}}}),
        Tool("shell_run", "", {"properties": {"command": TEXT}}),
    ]
    assert [tool.name for tool, _ in wanted_tools(Shown((Turn("user", question),), tools), tools)] == [name]
