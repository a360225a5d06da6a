"""Tools and the choice among them."""

from typing import Any

import pytest

from providers.anthropic.names import NAME_CHARS, PlainNames
from providers.anthropic.tools import choice_of, forces, tools_of
from tests.providers.anthropic.streams import chat


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


def names() -> PlainNames:
    return PlainNames(NAME_CHARS)


@pytest.mark.parametrize(
    ("given", "schema"),
    [
        ({}, {"type": "object", "properties": {}}),
        ({"parameters": {}}, {"type": "object"}),
        ({"parameters": {"properties": {"a": {}}}}, {"type": "object", "properties": {"a": {}}}),
        ({"parameters": {"type": "object", "$defs": {}}}, {"type": "object", "$defs": {}}),
        ({"parameters": "x"}, {"type": "object", "properties": {}}),
    ],
    ids=str,
)
def test_a_schema_is_an_objects(given: dict[str, Any], schema: dict[str, Any]) -> None:
    assert tools_of(chat(tools=(tool("f", **given),)), names(), search=False) == [{"name": "f", "input_schema": schema}]


def test_what_else_is_said_of_a_tool() -> None:
    given = {**tool("f", strict=True, description="d"), "cache_control": {"type": "ephemeral"}}
    found = tools_of(chat(tools=(given,)), names(), search=False)[0]
    assert (found["strict"], found["description"], found["cache_control"]) == (True, "d", {"type": "ephemeral"})


def test_names_are_plain_and_come_back() -> None:
    table = names()
    found = tools_of(chat(tools=(tool("a.b"), tool("a b"), tool("a_b"))), table, search=False)
    plain = [each["name"] for each in found]
    assert len(set(plain)) == 3
    assert [table.theirs(name) for name in plain] == ["a.b", "a b", "a_b"]
    assert table.theirs("unheard of") == "unheard of"
    assert len(table.plain("x" * 500)) <= NAME_CHARS


def test_a_search_of_the_clients_own_stands_for_the_servers() -> None:
    assert len(tools_of(chat(tools=(tool("web_search"),)), names(), search=True)) == 1
    assert len(tools_of(chat(tools=(tool("look"),)), names(), search=True)) == 2


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        ("auto", None),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "f.g"}}, {"type": "tool", "name": "f_g"}),
        ({"type": "function", "name": "f"}, {"type": "tool", "name": "f"}),
        ({"type": "allowed_tools", "mode": "required"}, {"type": "any"}),
        ({"type": "strange"}, None),
    ],
    ids=str,
)
def test_choices(choice: Any, sent: Any) -> None:
    asked = chat(tool_choice=choice)
    assert choice_of(asked, names(), offered=True) == sent
    assert choice_of(asked, names(), offered=False) is None
    assert forces(sent) is (sent is not None and sent["type"] != "none")


def test_one_call_at_a_time() -> None:
    asked = chat(extra={"parallel_tool_calls": False})
    assert choice_of(asked, names(), offered=True) == {"type": "auto", "disable_parallel_tool_use": True}
    none = chat(tool_choice="none", extra={"parallel_tool_calls": False})
    assert choice_of(none, names(), offered=True) == {"type": "none"}
