"""Which of two interleaved candidates is the answer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.qwen.candidates import AnswerCandidates


def noted(*created: dict[str, Any]) -> AnswerCandidates:
    found = AnswerCandidates()
    for one in created:
        found.register(one)
    return found


def first(response_id: str, index: object = None) -> dict[str, Any]:
    return {"response_id": response_id, **({} if index is None else {"response_index": index})}


@pytest.mark.parametrize("index", [0, "0"])
def test_the_one_with_index_0_is_the_answer_whenever_it_begins(index: object) -> None:
    found = noted(first("b", 1), first("a", index))
    assert found.counts("a", answers=True, speaks=True)
    assert not found.counts("b", answers=True, speaks=True)
    assert not found.counts("c", answers=True, speaks=True)


def test_without_an_index_the_first_to_answer_is() -> None:
    found = noted(first("a"), first("b"))
    assert found.counts("a", answers=False, speaks=True)
    assert found.counts("b", answers=True, speaks=True)
    assert not found.counts("a", answers=True, speaks=True)
    assert found.counts("b", answers=False, speaks=True)


def test_of_thinking_before_any_answer_one_candidates_is_taken() -> None:
    found = noted()
    assert found.counts("a", answers=False, speaks=True)
    assert not found.counts("b", answers=False, speaks=True)
    assert found.counts("a", answers=True, speaks=True)


@pytest.mark.parametrize("response_id", [None, "", 5, []])
def test_what_has_no_id_counts(response_id: Any) -> None:
    found = noted(first("a", 0), {"response_id": response_id, "response_index": 1})
    assert found.counts(response_id, answers=True, speaks=True)


def test_to_ask_changes_nothing() -> None:
    found = noted()
    assert found.is_main("a")
    assert found.is_main("b")
    assert found.counts("b", answers=True, speaks=True)
    assert not found.is_main("a")


def test_one_that_ends_without_an_answer_leaves_the_others() -> None:
    found = noted(first("a"), first("b"))
    assert found.counts("a", answers=False, speaks=True)
    assert found.leaves("a")
    assert not found.counts("a", answers=True, speaks=True)
    assert found.counts("b", answers=False, speaks=True)
    assert not found.leaves("b"), "it is the last"


def test_nobody_is_left_behind_the_answer_or_who_was_never_announced() -> None:
    assert not noted(first("a", 0), first("b")).leaves("a")
    assert not noted().leaves("a")
    assert not noted(first("a")).leaves(None)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, 0, 1, "0", ""]), st.booleans()), max_size=10))
def test_answers_are_of_one_candidate(frames: list[tuple[str, Any, bool]]) -> None:
    found, answered = AnswerCandidates(), set()
    for response_id, index, announces in frames:
        if announces:
            found.register(first(response_id, index))
        elif found.counts(response_id, answers=True, speaks=True):
            answered.add(response_id)
    assert len(answered) <= 1


def test_a_stream_of_candidates_fills_no_memory() -> None:
    found = noted(
        first("a", 0), *(first(str(number), 1) for number in range(1000)), *(first(f"o{n}") for n in range(1000))
    )
    assert len(found._others) <= 256
    assert len(found._open) <= 256
