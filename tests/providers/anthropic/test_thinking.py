"""`reasoning_effort` in the words of each model."""

from typing import Any

import pytest

from providers.anthropic.claude import takes_of
from providers.anthropic.takes import Takes
from providers.anthropic.thinking import is_on, nearest_effort, thinking_of

SWITCH = Takes("switch", "disabled", efforts=())
ON = {"type": "enabled"}


@pytest.mark.parametrize(
    ("model", "effort", "fields"),
    [
        ("claude-3-5-haiku", "high", {}),
        ("claude-sonnet-4-5", "low", {"thinking": {**ON, "budget_tokens": 2048}}),
        ("claude-sonnet-4-5-20250929", "none", {}),
        ("claude-opus-4-5", "max",
         {"thinking": {**ON, "budget_tokens": 31_000}, "output_config": {"effort": "high"}}),
        ("claude-opus-4-6", "xhigh", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
        ("a/claude-opus-4.7", "xhigh", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}}),
        ("claude-opus-4-8", "none", {}),
        ("claude-opus-5", "none", {"thinking": {"type": "disabled"}}),
        ("claude-sonnet-5-5", "minimal", {"thinking": {"type": "between_tools"}}),
        ("claude-opus-5-5", "none", {"output_config": {"effort": "low"}}),
        ("claude-of-the-future", "medium", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}}),
        ("glm-4.6", "high", {"thinking": ON}),
        ("glm-4.6", "none", {"thinking": {"type": "disabled"}}),
        ("glm-4.6", None, {}),
        ("claude-opus-5", None, {}),
    ],
)  # fmt: skip
def test_each_model_is_told_in_its_words(model: str, effort: str | None, fields: dict[str, Any]) -> None:
    assert thinking_of(effort, takes_of(model, SWITCH), max_tokens=64_000, allowed=True) == fields


def test_a_budget_leaves_room_for_the_answer_or_there_is_none() -> None:
    budget = takes_of("claude-sonnet-4-5", SWITCH)
    assert thinking_of("high", budget, max_tokens=4000, allowed=True)["thinking"]["budget_tokens"] == 3744
    assert thinking_of("high", budget, max_tokens=1200, allowed=True) == {}


def test_what_is_not_allowed_is_left_to_the_effort() -> None:
    assert thinking_of("high", takes_of("claude-opus-4-6", SWITCH), max_tokens=9000, allowed=False) == {
        "output_config": {"effort": "high"}
    }


@pytest.mark.parametrize(
    ("effort", "known", "nearest"),
    [
        ("medium", ("low", "high", "max"), "high"),
        ("xhigh", ("low",), "low"),
        ("odd", ("low",), None),
        ("low", (), None),
    ],
)
def test_the_nearest_effort_is_taken(effort: str, known: tuple[str, ...], nearest: str | None) -> None:
    assert nearest_effort(effort, known) == nearest


def test_whether_thinking_is_on() -> None:
    assert is_on({"thinking": {"type": "adaptive"}})
    assert not is_on({"thinking": {"type": "disabled"}})
    assert not is_on({})
