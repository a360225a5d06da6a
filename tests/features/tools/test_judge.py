import json
from typing import Any

import pytest

from addons.features.tools.judge import NEAR_NAME, Judge, Said
from tests.features.tools.reading import boxed


def judge(*quoted: str) -> Judge:
    return Judge(boxed(), quoted.__contains__)


def test_the_name_is_the_clients_whatever_the_model_wrote() -> None:
    judging = judge()
    for name in ("read", "shell_run", "get-wether", "nothing"):
        tool, call = judging.tool(name), judging.marked(Said(name, {"path": "a"}))
        assert (tool and tool.name) == (call and call.tool.name)
    found = judging.tool("shell_run")
    assert found is not None
    assert found.name == "Bash"


def test_a_name_that_is_only_near_is_counted_once_for_each_call() -> None:
    judging = judge()
    for name in ("get_weather", "get-wether", "get_wether"):
        assert judging.unmarked(Said(name, {"city": "Bern"}), "x") is not None
    assert judging.marked(Said("get-wether", "no object")) is None
    assert judging.unknown == {NEAR_NAME: 2}


@pytest.mark.parametrize(
    "arguments", [{"city": "Bern", "days": "3"}, '{"city": "Bern", "days": 3}', "{'city': 'Bern', 'days': '3',}"]
)
def test_arguments_are_told_as_the_json_text_that_the_tools_schema_wants(arguments: Any) -> None:
    said = Said("get_weather", arguments)
    for call in (judge().marked(said), judge().unmarked(said, "x")):
        assert call is not None
        assert json.loads(call.arguments) == {"city": "Bern", "days": 3}


def test_without_the_mark_a_call_must_fit_and_be_nobody_elses() -> None:
    unfit, fit = Said("read", {"file": "a"}), Said("read", {"path": "a"})
    assert judge().marked(unfit) is not None
    assert judge().unmarked(unfit, "x") is None
    assert judge("the text").unmarked(fit, " the text\n") is None
    assert judge("another text").unmarked(fit, " the text\n") is not None
