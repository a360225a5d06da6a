"""Fields of deltas in one: what grows, what is replaced, and the same wherever it is put together in between."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.events import Event, Passthrough
from providers.openai import merge as openai_merge
from providers.openai.merge import PassthroughMerger, merged

TEXTS = st.text("ab", max_size=3)
NAMES = st.sampled_from(["name", "id", "text", "data"])
VALUES = st.recursive(
    st.none() | st.integers(0, 2) | TEXTS,
    lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([None, None], None),
        (["a", None, "b"], "ab"),
        ([{"data": "a"}, {"data": "b", "id": "x"}, {"id": "y"}], {"data": "ab", "id": "y"}),
        ([{"name": "get"}, {"name": "get"}], {"name": "get"}),
        ([{"name": "ge"}, {"name": "t"}, {"name": "get"}], {"name": "get"}),
        ([[1], [2, None]], [1, 2, None]),
        (
            [[{"index": 0, "text": "a"}], [{"index": 1, "text": "x"}], [{"index": 0, "text": "b"}]],
            [{"index": 0, "text": "ab"}, {"index": 1, "text": "x"}],
        ),
        (["a", {"text": "b"}, {"text": "c"}], {"text": "bc"}),
        ([{"text": "b"}, "a"], "a"),
        ([1, 2], 2),
    ],
)
def test_values_of_a_field_in_one(values: list[Any], expected: Any) -> None:
    assert merged(values) == expected


@given(st.lists(st.dictionaries(NAMES, TEXTS, max_size=3), max_size=8), st.integers(0, 8))
def test_it_is_the_same_wherever_it_is_put_together(values: list[Any], cut: int) -> None:
    assert merged([merged(values[:cut]), *values[cut:]]) == merged(values)


@given(st.lists(VALUES, max_size=6))
def test_any_values_are_taken(values: list[Any]) -> None:
    merged(values)


def told(pieces: list[Any]) -> list[Event]:
    pile = PassthroughMerger()
    for piece in pieces:
        assert pile.sift([Passthrough("delta", {"audio": piece}, 0)]) == []
    return pile.rest()


def test_pieces_are_copied_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    handled: list[int] = []

    def counted(values: Any, name: str = "", *, depth: int = 0) -> Any:
        if not depth:
            handled.append(sum(len(value["data"]) for value in values))
        return merged(values, name, depth=depth)

    monkeypatch.setattr(openai_merge, "merged", counted)
    assert told([{"data": "x"}] * 50_000) == [Passthrough("delta", {"audio": {"data": "x" * 50_000}}, 0)]
    assert sum(handled) <= 4 * 50_000
