"""The corpus of model outputs, whose right readings were written by somebody who had not seen the reader."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
            yield from json.loads(file.read_text(encoding="utf-8"))


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
    return [
        Answer(
            one["text"],
            one["reasoning"],
            [(call["name"], call["arguments"]) for call in one["calls"]],
            one["finish"],
        )
        for one in (case["expect"], *case.get("or", ()))
    ]
