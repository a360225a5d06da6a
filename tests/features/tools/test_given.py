"""The tools that a client gives, read and bounded."""

from typing import Any

import pytest

from addons.errors import GatewayError
from addons.features.tools import given as given_module
from addons.features.tools.aliases import aliases_of
from addons.features.tools.given import GivenTools, given_tools
from addons.features.tools.toolbox import Toolbox
from providers.contract.chat import Message
from providers.contract.requests import ChatRequest
from tests.features.tools.toolboxes import CITY, given


def read(**fields: Any) -> GivenTools:
    own = {name: fields.pop(name) for name in ("tools", "tool_choice") if name in fields}
    chat = ChatRequest("m", (Message("user", "hi"),), tools=tuple(own.get("tools", ())), extra=fields)
    object.__setattr__(chat, "tool_choice", own.get("tool_choice"))
    return given_tools(chat, None)


def box(**fields: Any) -> Toolbox:
    found = read(**fields).toolbox
    assert found is not None
    return found


def refused(**fields: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        read(**fields)
    assert caught.value.status == 400
    return caught.value


def test_tools_are_read_with_what_is_said_of_them() -> None:
    found = box(tools=[given("f", description="does f", strict=True), given("g", None)], parallel_tool_calls=False)
    first, second = found.tools
    assert (first.name, first.told, first.description, first.parameters, first.strict) == (
        "f",
        "f",
        "does f",
        CITY,
        True,
    )
    assert (second.parameters, second.strict, second.description) == ({"type": "object", "properties": {}}, False, "")
    assert (found.choice, found.parallel) == ("auto", False)


def test_a_custom_tool_is_told_as_one_of_a_text() -> None:
    entry = {"type": "custom", "custom": {"name": "f", "description": "does f", "format": {"type": "text"}}}
    found = read(tools=[entry, given("g")], tool_choice={"type": "custom", "custom": {"name": "f"}})
    assert found.toolbox is not None
    assert found.toolbox.choice == "f"
    assert found.toolbox.tools[0].parameters["properties"] == {"input": {"type": "string"}}
    assert found.customs == {"f"}


def test_a_site_that_intercepts_names_gets_others() -> None:
    chat = ChatRequest("m", (), tools=(given("Bash"),))
    found = given_tools(chat, aliases_of).toolbox
    assert found is not None
    assert [(tool.name, tool.told) for tool in found.tools] == [("Bash", "shell_run")]


def test_long_names_get_names_that_can_be_told_too() -> None:
    chat = ChatRequest("m", (), tools=(given("f" * 127 + "g"), given("f" * 127 + "h")))
    found = given_tools(chat, aliases_of).toolbox
    assert found is not None
    assert len({tool.told for tool in found.tools}) == 2
    assert all(len(tool.told) <= 128 for tool in found.tools)


@pytest.mark.parametrize(
    ("choice", "meant"),
    [
        (None, "auto"),
        ("", "auto"),
        ({}, "auto"),
        ("auto", "auto"),
        ({"type": "auto"}, "auto"),
        ("required", "required"),
        ("any", "required"),
        ({"type": "function", "function": {"name": "f"}}, "f"),
        ({"type": "function", "name": "f"}, "f"),
    ],
)
def test_the_choice(choice: object, meant: str) -> None:
    assert box(tools=[given("f"), given("g")], tool_choice=choice).choice == meant


@pytest.mark.parametrize("fields", [{}, {"tools": []}, {"tools": [], "tool_choice": "none"}, {"tool_choice": "auto"}])
def test_without_tools_nothing_may_be_called(fields: dict[str, Any]) -> None:
    assert read(**fields) == GivenTools(None, legacy=False)


@pytest.mark.parametrize("choice", ["none", {"type": "none"}])
def test_none_means_none(choice: object) -> None:
    assert read(tools=[given("f")], tool_choice=choice).toolbox is None


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_only_those_that_are_allowed_are_told(mode: str) -> None:
    allowed = {"mode": mode, "tools": [{"type": "function", "function": {"name": "g"}}]}
    found = box(tools=[given("f"), given("g")], tool_choice={"type": "allowed_tools", "allowed_tools": allowed})
    assert ([tool.name for tool in found.tools], found.choice) == (["g"], mode)


def test_the_older_form_is_one_call_of_a_function() -> None:
    functions = [{"name": "f", "parameters": CITY}]
    found = read(functions=functions, function_call={"name": "f"})
    assert found.legacy
    assert found.toolbox is not None
    assert (found.toolbox.choice, found.toolbox.parallel) == ("f", False)
    assert read(functions=functions, function_call="none") == GivenTools(None, legacy=True)
    assert not read(functions=functions, tools=[given("f")]).legacy


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [given("f"), given("g", {"type": 5})]}, "tools[1].function.parameters"),
        ({"tools": [given("f", [])]}, "tools[0].function.parameters"),
        (
            {"tools": [given("f", {"properties": {"a": {"$ref": "https://x.invalid/s"}}})]},
            "tools[0].function.parameters",
        ),
        ({"tools": [given("f", description=5)]}, "tools[0].function.description"),
        ({"tools": [given("")]}, "tools[0].function.name"),
        ({"tools": [given("a b")]}, "tools[0].function.name"),
        ({"tools": [given("f" * 129)]}, "tools[0].function.name"),
        ({"tools": [given("f>")]}, "tools[0].function.name"),
        ({"tools": [given("f"), given("f")]}, "tools[1].function.name"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "custom", "custom": {}}]}, "tools[0].custom.name"),
        (
            {"tools": [{"type": "custom", "custom": {"name": "f", "format": {"type": "grammar"}}}]},
            "tools[0].custom.format",
        ),
        ({"functions": [{"name": "f", "parameters": {"type": 5}}]}, "functions[0].parameters"),
        ({"tools": [given(f"f{number}") for number in range(129)]}, "tools"),
        ({"tools": [given("f", description="x" * 600_000)]}, "tools"),
        ({"tools": [given("f")], "tool_choice": {"type": "function", "function": {"name": "g"}}}, "tool_choice"),
        ({"tools": [given("f")], "tool_choice": {"type": "function", "function": {}}}, "tool_choice"),
        ({"tools": [given("f")], "tool_choice": "always"}, "tool_choice"),
        ({"tools": [given("f")], "tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, "tool_choice"),
        ({"tools": [], "tool_choice": "required"}, "tool_choice"),
        ({"functions": [{"name": "f"}], "function_call": {"name": "g"}}, "function_call"),
    ],
)
def test_what_cannot_be_told_is_refused_by_the_name_of_its_field(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields).param == param


def test_the_same_tools_are_judged_once() -> None:
    """Agents send them with each request."""
    given_module._tools.cache_clear()
    for _ in range(3):
        read(tools=[given("f")])
    assert given_module._tools.cache_info().misses == 1
