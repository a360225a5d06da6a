"""The words by which a model is told of tools."""

import json
import re

import pytest

from addons.features.tools.contract import call_block, contract, no_calls, reminder
from addons.features.tools.toolbox import Toolbox
from tests.features.tools.toolboxes import BASH, CITY, WEATHER, toolbox

MARK = "k3w9x1ab"


def lines(box: Toolbox) -> list[str]:
    return contract(box, MARK).split("\n")


def test_each_tool_is_one_line_of_json_under_the_name_it_is_told_by() -> None:
    found = [json.loads(line) for line in lines(toolbox()) if re.match(r'\{"name":"', line)]
    assert found[0] == {"name": "get_weather", "description": "The weather of a city.", "parameters": CITY}
    assert found[1] == {
        "name": "shell_run",
        "description": "(elsewhere called Bash)",
        "parameters": dict(BASH.parameters),
    }


def test_nothing_but_the_tools_given_is_told() -> None:
    text = contract(Toolbox([WEATHER]), MARK)
    assert "shell_run" not in text
    assert text.count('"parameters"') == 1


@pytest.mark.parametrize(
    ("choice", "line", "words"),
    [
        ("auto", "choice: auto", "where it serves"),
        ("required", "choice: required", "at least one tool"),
        ("get_weather", "choice: get_weather", "must call get_weather"),
        ("Bash", "choice: shell_run", "must call shell_run"),
    ],
)
def test_the_choice_stands_in_words_and_in_a_line(choice: str, line: str, words: str) -> None:
    found = lines(toolbox(choice))
    assert line in found
    assert words in "\n".join(found)


@pytest.mark.parametrize(("parallel", "line"), [(True, "parallel: yes"), (False, "parallel: no")])
def test_how_many_calls_may_be_written(parallel: bool, line: str) -> None:
    assert line in lines(toolbox(parallel=parallel))


def test_all_of_it_is_enclosed_by_the_mark() -> None:
    found = lines(toolbox())
    assert (found[0], found[-1]) == (f"<tools-{MARK}>", f"</tools-{MARK}>")
    assert f"<call-{MARK}>" in found
    assert f"</call-{MARK}>" in found
    assert no_calls(MARK).split("\n")[-2:] == ["choice: none", f"</tools-{MARK}>"]


def test_it_costs_little_besides_the_schemas() -> None:
    """The first figure of docs/features.md."""
    own = len(contract(toolbox(), MARK)) - sum(len(json.dumps(dict(tool.parameters))) for tool in (WEATHER, BASH))
    assert own < 1200


def test_a_call_that_was_made_looks_as_one_is_to_be_written() -> None:
    block = call_block({"id": "c", "name": "f", "arguments": {"a": "<é>\n"}}, MARK)
    first, body, last = block.split("\n")
    assert (first, last) == (f"<call-{MARK}>", f"</call-{MARK}>")
    assert json.loads(body) == {"id": "c", "name": "f", "arguments": {"a": "<é>\n"}}


def test_a_site_whose_chat_goes_on_is_told_the_names_alone() -> None:
    text = reminder(toolbox("required"), MARK)
    assert "still be called: get_weather, shell_run." in text
    assert '"parameters"' not in text
    assert contract(toolbox("required"), MARK).endswith(text.partition("To call one")[2])
    assert len(text) < 1000
