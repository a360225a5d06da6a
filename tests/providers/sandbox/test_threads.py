"""Threads that a site keeps: branches, and answers that grow by the clock."""

import pytest

from providers.sandbox.models.shown import ToolCall, Turn
from providers.sandbox.threads import Answering, Held, Thread


@pytest.mark.parametrize(
    ("now", "text", "over"),
    [(0, "", False), (10, "", False), (12, "ab", False), (13, "abc", False), (14, "abcd", True), (99, "abcd", True)],
)
def test_an_answer_grows_until_it_is_whole(now: float, text: str, over: bool) -> None:
    one = Answering("abcd", 10, 4)
    assert (one.text(now), one.is_over(now)) == (text, over)


def test_a_stop_ends_it_where_it_is_but_not_what_is_over() -> None:
    one = Answering("abcd", 10, 4)
    one.stop(12)
    assert (one.text(99), one.is_over(12.5)) == ("ab", True)
    whole = Answering("abcd", 10, 4)
    whole.stop(15)
    assert (whole.stopped_at, whole.text(99)) == (None, "abcd")


def test_what_was_sent_whole_is_whole() -> None:
    one = Answering("ab", 10, 4)
    one.finish()
    assert one.text(10) == "ab"


def held(parent: str | None, words: str) -> Held:
    calls = (ToolCall("f", {}),)
    return Held(
        parent,
        f"u-{words}",
        (Turn("user", words),),
        Turn("assistant", words.upper(), calls),
        Answering(words.upper(), 0, 0),
    )


def test_a_branch_is_what_hangs_together() -> None:
    thread = Thread()
    for name, parent in (("a", None), ("b", "a"), ("c", "b"), ("d", "a"), ("e", None)):
        thread.add(name, held(parent, name))
    assert [turn.text for turn in thread.branch("c", 0)] == ["a", "A", "b", "B", "c", "C"]
    assert [turn.text for turn in thread.branch("d", 0)] == ["a", "A", "d", "D"]
    assert thread.branch(None, 0) == thread.branch("x", 0) == []
    assert thread.leaf == "e"


def test_a_circle_of_ids_ends() -> None:
    thread = Thread({"a": held("b", "a"), "b": held("a", "b")})
    assert [turn.text for turn in thread.branch("a", 0)] == ["b", "B", "a", "A"]


def test_what_was_stopped_is_remembered_as_far_as_it_came_and_without_its_calls() -> None:
    one = held(None, "abcd")
    assert list(one.turns(9))[1].calls
    one.answering = Answering("ABCD", 0, 4)
    one.answering.stop(2)
    assert list(one.turns(9))[1] == Turn("assistant", "AB")
