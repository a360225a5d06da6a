from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.qwen.thinking import SummaryThinking

CLOSE = "close"
type Frame = tuple[list[Any], list[Any]] | str


def snapshot(titles: list[Any], thoughts: list[Any]) -> dict[str, Any]:
    return {"summary_title": {"content": titles}, "summary_thought": {"content": thoughts}}


def read(frames: list[Frame]) -> str:
    thinking = SummaryThinking()
    said = [thinking.close() if isinstance(frame, str) else thinking.add(snapshot(*frame)) for frame in frames]
    return "".join(said) + thinking.close()


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        pytest.param([(["T"], ["one"]), (["T"], ["one"])], "**T**\n\none", id="repeated"),
        pytest.param([(["T"], []), (["T"], ["o"]), (["T"], ["one"])], "**T**\n\none", id="title-first"),
        pytest.param([(["Ti"], []), (["Title"], []), (["Title"], ["x"])], "**Title**\n\nx", id="title-grows"),
        pytest.param([([], ["a"]), ([], ["a", "b"])], "a\n\nb", id="no-titles"),
        pytest.param([(["A", "B"], ["a", "b"])], "**A**\n\na\n\n**B**\n\nb", id="two-at-once"),
        pytest.param(
            [(["A"], ["a"]), (["A", "B"], ["a more", "b"])], "**A**\n\na more\n\n**B**\n\nb", id="late-growth"
        ),
        pytest.param([(["A"], [])], "**A**", id="title-without-thought"),
        pytest.param([(["A"], []), CLOSE, CLOSE], "**A**", id="title-said-once"),
        pytest.param([(["A"], ["a"]), CLOSE, (["B"], ["b"])], "**A**\n\na\n\n**B**\n\nb", id="round-begins-anew"),
        pytest.param([(["A"], ["ab"]), CLOSE, (["A"], ["a"])], "**A**\n\nab\n\n**A**\n\na", id="anew-with-less"),
        pytest.param([(["A"], ["a"]), CLOSE, (["A", "B"], ["a", "b"])], "**A**\n\na\n\n**B**\n\nb", id="round-goes-on"),
        pytest.param([(["A"], ["a"]), (["B"], ["b"])], "**A**\n\na\n\n**B**\n\nb", id="anew-without-an-end"),
        pytest.param([(["A"], ["abc"]), (["A"], ["ab"]), (["A"], ["abcd"])], "**A**\n\nabcd", id="shorter-in-between"),
        pytest.param([(["A", "B"], ["a", "b"]), (["A"], ["a"])], "**A**\n\na\n\n**B**\n\nb", id="list-gets-shorter"),
        pytest.param([([None, "B"], [1, "b"])], "**B**\n\nb", id="items-that-are-no-text"),
        pytest.param([([], []), CLOSE], "", id="nothing"),
    ],
)
def test_only_what_is_new_is_said(frames: list[Frame], said: str) -> None:
    assert read(frames) == said


@pytest.mark.parametrize("extra", [{}, {"summary_title": 1}, {"summary_thought": {"content": "x"}}, snapshot([], [])])
def test_other_shapes_say_nothing(extra: dict[str, Any]) -> None:
    assert SummaryThinking().add(extra) == ""


def test_a_frame_with_thoughts_alone_keeps_the_titles() -> None:
    thinking = SummaryThinking()
    said = thinking.add(snapshot(["T"], ["a"])) + thinking.add({"summary_thought": {"content": ["ab"]}})
    assert said == "**T**\n\nab"


@given(st.lists(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4), min_size=1, max_size=4))
def test_growing_thoughts_join_to_the_last_snapshot(items: list[list[str]]) -> None:
    frames: list[Frame] = []
    finished: list[str] = []
    for pieces in items:
        frames += [([], [*finished, "".join(pieces[: n + 1])]) for n in range(len(pieces))]
        finished.append("".join(pieces))
    assert read(frames) == "\n\n".join(finished)
