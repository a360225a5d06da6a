"""The corpus of model outputs, whose right readings were written by somebody who had not seen the reader."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from addons.features.tools.toolbox import Tool, Toolbox
from providers.contract.events import Finish, Reasoning, Text
from tests.features.tools.reading import Answer, answer_of, reader

FOLDER = Path(__file__).parents[2] / "fixtures" / "tool_outputs"
SHORT = 400


def tools() -> dict[str, Tool]:
    given = [entry["function"] for entry in json.loads((FOLDER / "tools.json").read_text(encoding="utf-8"))]
    return {
        one["name"]: Tool(one["name"], None, "", one.get("parameters") or {}, bool(one.get("strict"))) for one in given
    }


def cases() -> Iterator[dict[str, Any]]:
    for file in sorted(FOLDER.glob("*.json")):
        if file.name != "tools.json":
            for case in json.loads(file.read_text(encoding="utf-8")):
                yield {**case, "expect": json.loads(json.dumps(case["expect"]).replace("{MARK}", case["mark"]))}


TOOLS, CASES = tools(), list(cases())


def read_case(case: dict[str, Any], pieces: list[str]) -> Answer:
    """What a case is read as, its text in these pieces."""
    toolbox = Toolbox([TOOLS[name] for name in case["tools"]], case["choice"], case["parallel"])
    reading = reader(toolbox, lambda text: text in case["request"], case["mark"])
    events = reading.filter([Reasoning(case["reasoning"])]) if case["reasoning"] else []
    for piece in pieces:
        events += reading.filter([Text(piece)])
    return answer_of([*events, *reading.filter([Finish(case.get("ended", "stop"))])])


def expected(case: dict[str, Any]) -> list[Answer]:
    """The right readings; what breaks off is compared without blanks between its words."""
    return [
        Answer(
            one["text"],
            one["reasoning"],
            [(call["name"], bare(call["arguments"])) for call in one["calls"]],
            one["finish"],
        )
        for one in (case["expect"], *case.get("or", ()))
    ]


def bare(arguments: Any) -> Any:
    return arguments.replace(" ", "") if isinstance(arguments, str) else arguments


MISSED = {
    "json-fence-tilde": "a fence of tildes: the sign would have to be looked for in every piece of every answer",
}
"""Cases that are read in another way, and why."""


@pytest.mark.untraced
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_an_output_is_read_right_however_it_is_cut(case: dict[str, Any]) -> None:
    found = read_case(case, [case["text"]])
    told = Answer(found.text, found.thinking, [(name, bare(said)) for name, said in found.calls], found.reason)
    assert (told in expected(case)) is (case["id"] not in MISSED), f"{case['why']} Read as {found}"
    text = case["text"]
    halves = ([text[:at], text[at:]] for at in range(1, len(text))) if len(text) <= SHORT else ()
    for pieces in (list(text), *halves):
        assert read_case(case, pieces) == found, pieces


def test_precision_and_recall() -> None:
    """Of calls: those that came out and are right, of those that came out, and of those that are right."""
    right = told = due = 0
    for case in CASES:
        found = read_case(case, [case["text"]]).calls
        readings = [one.calls for one in expected(case)]
        best = max(readings, key=lambda calls: sum(call in calls for call in found))
        right += sum((name, bare(said)) in best for name, said in found)
        told, due = told + len(found), due + len(best)
    assert right / told >= 0.99
    assert right / due >= 0.99
