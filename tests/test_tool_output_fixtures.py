"""The corpus of model outputs with tools is well formed: what measures a reader must not be wrong itself."""

import json
import re
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

FOLDER = Path(__file__).parent / "fixtures" / "tool_outputs"
TOOLS: dict[str, Any] = {
    tool["function"]["name"]: tool["function"] for tool in json.loads((FOLDER / "tools.json").read_text("utf-8"))
}
CASES: list[dict[str, Any]] = [
    case
    for file in sorted(FOLDER.glob("*.json"))
    if file.name != "tools.json"
    for case in json.loads(file.read_text("utf-8"))
]
CALLS = [case for case in CASES if case["expect"]["calls"]]
TEXTS = [case for case in CASES if not case["expect"]["calls"]]
FORMS = {
    "own",
    "json_fence",
    "json_bare",
    "tool_calls_object",
    "function_call",
    "json_list",
    "tool_call_json",
    "glm",
    "dsml",
    "name_in_attribute",
    "invoke",
    "self_closing",
    "name_parentheses",
    "chinese_words",
}
LANGUAGES = {"en", "zh", "ru", "mixed"}
NEEDED = {"id", "form", "language", "fault", "tools", "choice", "parallel", "mark", "request", "reasoning", "text"}
every = pytest.mark.parametrize("cases", [pytest.param(CALLS, id="calls"), pytest.param(TEXTS, id="texts")])


def ids(cases: list[dict[str, Any]]) -> list[str]:
    return [case["id"] for case in cases]


def within(part: str, whole: str) -> bool:
    """Whether the characters of `part` stand in `whole` in this order: a reader takes away, it adds nothing."""
    rest = iter(whole)
    return all(character in rest for character in part)


def near(name: str, tools: list[str]) -> str | None:
    """The one given name that is near enough."""
    ratios = sorted(((SequenceMatcher(None, name, tool).ratio(), tool) for tool in tools), reverse=True)
    unique = len(ratios) == 1 or ratios[0][0] - ratios[1][0] >= 0.08
    return ratios[0][1] if unique and ratios[0][0] >= 0.72 else None


def test_there_are_enough_of_every_kind() -> None:
    assert len(CASES) >= 320
    assert len(TEXTS) >= 110
    for cases in (CALLS, TEXTS):
        assert {case["form"] for case in cases} >= FORMS
        assert {case["language"] for case in cases} == LANGUAGES
    assert min(Counter(case["language"] for case in CASES).values()) >= 50


def test_every_case_has_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(ids(CASES)).items() if times > 1] == []


@every
def test_every_case_is_well_formed(cases: list[dict[str, Any]]) -> None:
    for case in cases:
        assert set(case) - {"ended", "or"} == NEEDED | {"expect", "why"}, case["id"]
        assert re.fullmatch("[a-z0-9]{8}", case["mark"]), case["id"]
        assert set(case["tools"]) <= set(TOOLS), case["id"]
        assert case["choice"] in {"auto", "required", "none", *case["tools"]}, case["id"]
        assert case["mark"] not in case["request"], case["id"]
        assert "{MARK}" not in case["text"] + case["reasoning"], case["id"]
        assert case.get("ended", "length") == "length", case["id"]
        assert case["why"].endswith("."), case["id"]


@every
def test_what_is_expected_is_a_part_of_what_was_written(cases: list[dict[str, Any]]) -> None:
    for case in cases:
        for reading in (case["expect"], *case.get("or", [])):
            assert set(reading) == {"text", "reasoning", "calls", "finish"}, case["id"]
            assert within(reading["text"], case["text"]), case["id"]
            assert within(reading["reasoning"], case["reasoning"]), case["id"]


def test_calls_are_of_given_tools_and_fit() -> None:
    validators = {name: jsonschema_rs.validator_for(tool["parameters"]) for name, tool in TOOLS.items()}
    for case in CALLS:
        assert case["expect"]["finish"] == "tool_calls", case["id"]
        assert case["choice"] in {"auto", "required", *(call["name"] for call in case["expect"]["calls"])}, case["id"]
        assert case["parallel"] or len(case["expect"]["calls"]) == 1, case["id"]
        for call in case["expect"]["calls"]:
            assert set(call) == {"name", "arguments"}, case["id"]
            assert call["name"] in case["tools"], case["id"]
            fits = validators[call["name"]].is_valid(call["arguments"])
            assert fits == (case["fault"] != "misfit"), case["id"]
        assert case["fault"] != "misfit" or case["form"] == "own", "unmarked, a misfit is text"


def test_calls_are_marked_or_not_quoted() -> None:
    for case in CALLS:
        written = case["text"] + case["reasoning"]
        assert (f"call-{case['mark']}>" in written) == (case["form"] == "own"), case["id"]
        assert case["form"] == "own" or (case["text"].strip() or case["reasoning"].strip()) not in case["request"]


def test_what_is_no_call_stays_as_it_was() -> None:
    for case in TEXTS:
        if case["text"].startswith(case["expect"]["text"]) and (case["form"], case.get("ended")) == ("own", "length"):
            continue  # a call in our own form that the limit cut off before its arguments is nothing
        assert case["expect"]["text"] == case["text"], case["id"]
        assert case["expect"]["reasoning"] == case["reasoning"], case["id"]
        assert case["expect"]["finish"] == case.get("ended", "stop"), case["id"]


def test_what_is_called_quoted_stands_in_the_request() -> None:
    quoted = [case for case in TEXTS if case["fault"].startswith("quoted")]
    assert len(quoted) >= 26
    for case in quoted:
        match = SequenceMatcher(None, case["text"], case["request"], autojunk=False).find_longest_match()
        assert match.size >= 20, case["id"]


@pytest.mark.parametrize("fault", ["near_name", "ambiguous_name", "far_name", "unknown_name", "tool_not_given"])
def test_names_are_as_near_as_it_is_said(fault: str) -> None:
    name = re.compile(r'"name": "([^"]+)"|<tool_call>([\w.]+)')
    for case in (case for case in CASES if case["fault"] == fault):
        if found := name.search(case["text"]):
            expected = case["expect"]["calls"][0]["name"] if case["expect"]["calls"] else None
            assert near(found[1] or found[2], case["tools"]) == expected, case["id"]
