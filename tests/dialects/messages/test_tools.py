"""Tools to those of a chat, and the choice among them."""

from typing import Any

import pytest

from addons.dialects.messages.tools import read_tools

WEATHER = {"name": "weather", "description": "Of a city", "input_schema": {"type": "object"}, "cache_control": {}}
AS_CHAT = {
    "type": "function",
    "function": {"name": "weather", "description": "Of a city", "parameters": {"type": "object"}},
}


def test_a_clients_own_tool_has_its_schema() -> None:
    assert read_tools({"tools": [WEATHER, {**WEATHER, "type": "custom"}]}).functions == (AS_CHAT, AS_CHAT)
    (bare,) = read_tools({"tools": [{"name": "f", "strict": True}]}).functions
    assert bare["function"] == {"name": "f", "parameters": {"type": "object", "properties": {}}, "strict": True}


@pytest.mark.parametrize(
    ("kind", "name", "field"),
    [
        ("bash_20250124", "bash", "command"),
        ("text_editor_20250728", "str_replace_based_edit_tool", "old_str"),
        ("memory_20250818", "memory", "new_path"),
        ("computer_20250124", "computer", "coordinate"),
    ],
)
def test_known_tools_that_run_at_the_client_get_the_schema_of_their_type(kind: str, name: str, field: str) -> None:
    (found,) = read_tools({"tools": [{"type": kind, "name": name}]}).functions
    assert found["function"]["name"] == name
    assert found["function"]["description"]
    assert field in found["function"]["parameters"]["properties"]


def test_tools_of_servers_are_left_out_and_a_search_is_the_sites() -> None:
    servers: list[Any] = [
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 8},
        {"type": "web_fetch_20250910", "name": "web_fetch"},
        {"type": "code_execution_20250825", "name": "code_execution"},
        {"type": "tool_search_tool_regex_20251119", "name": "search"},
        {"type": "mcp_toolset", "mcp_server_name": "x"},
        {"type": "computer_toolset_20260801", "name": "c"},
    ]
    found = read_tools({"tools": servers, "tool_choice": {"type": "any"}})
    assert (found.functions, found.search, found.choice) == ((), True, None)
    assert read_tools({"tools": [WEATHER]}).search is False


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "weather"}, {"type": "function", "function": {"name": "weather"}}),
        ({"type": "tool", "name": "web_search"}, None),
        ({}, None),
    ],
)
def test_the_choice_among_them(choice: Any, told: Any) -> None:
    found = read_tools({"tools": [WEATHER], "tool_choice": choice})
    assert (found.choice, found.one_at_a_time) == (told, False)
    alone = {**choice, "disable_parallel_tool_use": True}
    assert read_tools({"tools": [WEATHER], "tool_choice": alone}).one_at_a_time
