"""Tools as functions of a chat, and their names back; which of them may be called."""

from functools import partial
from typing import Any

import pytest

from addons.dialects.responses.schema import all_tools
from addons.dialects.responses.tools import NAME_CHARS, Choice, OwnTool, Tools, chosen, read_tools
from tests.support.counting import work_of

F: Any = {"type": "function", "name": "f", "description": "does f", "parameters": {"type": "object"}, "strict": True}
C: Any = {"type": "custom", "name": "c"}


def tools(*given: Any) -> Tools:
    return read_tools(all_tools({"tools": list(given)}))


def names(found: Tools | Choice) -> list[str]:
    return [one["function"]["name"] for one in found.functions]


def test_a_function_is_nested_as_a_chat_has_it() -> None:
    (found,) = tools(F).functions
    assert found == {"type": "function", "function": {key: value for key, value in F.items() if key != "type"}}
    assert tools({"type": "function", "function": {"name": "g"}}).functions == (
        {"type": "function", "function": {"name": "g"}},
    )


def test_a_custom_tool_is_a_function_of_one_text_that_tells_its_grammar() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: X"}
    (found,) = tools({**C, "description": "patches", "format": grammar}).functions
    function = found["function"]
    assert function["description"] == "patches\n\n`input` must fit this grammar (lark):\nstart: X"
    assert function["parameters"]["required"] == ["input"]
    assert tools({**C, "format": {"type": "text"}}).functions[0]["function"]["description"] == ""


def test_names_of_a_namespace_are_put_together_and_taken_apart() -> None:
    found = tools({"type": "namespace", "name": "ns", "tools": [F, C]}, F)
    assert names(found) == ["ns__f", "ns__c", "f"]
    assert found.of("ns__f") == OwnTool("f", "ns")
    assert found.of("ns__c") == OwnTool("c", "ns", custom=True)
    assert found.of("f") == OwnTool("f")
    assert found.of("unknown") == OwnTool("unknown")
    assert found.name(OwnTool("f", "ns")) == "ns__f"
    assert found.name(OwnTool("x", "ns")) == "ns__x"


def test_names_that_would_be_one_stay_two() -> None:
    """CPA 37411842e: a function that is called as a tool of a namespace is told."""
    found = tools({**F, "name": "ns__f"}, {"type": "namespace", "name": "ns", "tools": [F]}, {**C, "name": "ns__f"})
    assert names(found) == ["ns__f", "ns__f_2", "ns__f_3"]
    assert [found.of(name) for name in names(found)] == [
        OwnTool("ns__f"),
        OwnTool("f", "ns"),
        OwnTool("ns__f", custom=True),
    ]
    assert names(tools(F, F)) == ["f"]


def test_a_long_name_is_cut_and_known_again() -> None:
    long = {"type": "namespace", "name": "n" * 70, "tools": [F, {**F, "name": "g"}]}
    found = tools(long)
    assert [len(name) for name in names(found)] == [NAME_CHARS, NAME_CHARS]
    assert [found.of(name).name for name in names(found)] == ["f", "g"]


@pytest.mark.parametrize(
    ("tool", "search"),
    [
        ({"type": "web_search"}, True),
        ({"type": "web_search_preview"}, True),
        ({"type": "web_search", "external_web_access": True}, True),
        ({"type": "web_search", "external_web_access": False}, None),
        ({"type": "tool_search"}, None),
        ({"type": "image_generation"}, None),
        ({"type": "mcp", "server_url": "x"}, None),
        ({"type": "function"}, None),
        ("x", None),
    ],
)
def test_what_the_server_would_run_is_left_out_but_the_search(tool: Any, search: bool | None) -> None:
    found = tools(tool, F)
    assert (names(found), found.search) == (["f"], search)


def test_additional_tools_count() -> None:
    items = [
        {
            "type": "additional_tools",
            "role": "developer",
            "tools": [F, {"type": "namespace", "name": "n", "tools": [F]}],
        }
    ]
    assert names(read_tools(all_tools({"input": items, "tools": [C]}))) == ["c", "f", "n__f"]


EVERY = ["f", "ns__f", "c"]


def only(name: str) -> Any:
    return {"type": "function", "function": {"name": name}}


def allowed(mode: str, *tools: Any) -> Any:
    return {"type": "allowed_tools", "mode": mode, "tools": list(tools)}


@pytest.mark.parametrize(
    ("given", "left", "choice"),
    [
        (None, EVERY, None),
        ("required", EVERY, "required"),
        ({"type": "function", "name": "f"}, EVERY, only("f")),
        ({"type": "custom", "name": "c"}, EVERY, only("c")),
        ({"type": "function", "name": "f", "namespace": "ns"}, EVERY, only("ns__f")),
        (allowed("required", C), ["c"], "required"),
        (allowed("auto", {"type": "function", "name": "f"}), ["f"], "auto"),
        (allowed("required", {"type": "mcp"}), [], "auto"),
        ({"type": "web_search"}, EVERY, "auto"),
        (7, EVERY, "auto"),
    ],
    ids=range(10),
)
def test_choices(given: Any, left: list[str], choice: Any) -> None:
    found = chosen(tools(F, {"type": "namespace", "name": "ns", "tools": [F]}, C), given)
    assert (names(found), found.choice) == (left, choice)


def test_names_that_come_to_the_same_are_numbered_on_and_not_looked_for_from_the_start() -> None:
    def twice(count: int) -> list[Any]:
        return [{"type": kind, "name": f"{'n' * 60}{at}"} for at in range(count) for kind in ("function", "custom")]

    assert len(set(names(tools(*twice(200))))) == 400
    few, many = (work_of(partial(tools, *twice(count)))[1] for count in (100, 400))
    assert many < few * 6
