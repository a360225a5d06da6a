"""What two JSON parsers would read differently, and where it stands."""

import json
from typing import Any

import pytest

from addons.dialects.ambiguity import first_double_name, survey


def test_a_survey_counts_depth_members_and_long_numbers() -> None:
    found = survey({"a": [1, {"b": 2**63 + 1, "c": []}], "d": -(2**70)})
    assert (found.depth, found.members, found.long_numbers, found.oversized) == (4, 4, 2, None)
    assert survey({}).depth == 1


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": {"b": [0, 2**129]}}, ("a", "b", 1)),
        ({"a": [1.5, float("inf")]}, ("a", 1)),
        ({"a": -(2**128) - 1}, ("a",)),
    ],
)
def test_a_number_that_is_too_large_is_found(value: Any, path: tuple[int | str, ...]) -> None:
    problem = survey(value).oversized
    assert problem is not None
    assert problem.path == path


def test_numbers_of_128_bits_fit() -> None:
    assert survey([2**128, -(2**128), 1e308]).oversized is None


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"a": 1, "a": 2}', ("a",)),
        (b'{"x": [{}, {"b": 1, "c": 2, "b": 3}]}', ("x", 1, "b")),
        (b'{"x": {"y": 1}, "x": {"z": 1, "z": 2}}', ("x",)),
    ],
)
def test_a_double_name_is_told_with_its_place(body: bytes, path: tuple[int | str, ...]) -> None:
    assert json.loads(body)
    assert first_double_name(body).path == path


def test_without_a_double_name_no_place_is_told() -> None:
    assert first_double_name(b'{"a": [1]}').path == ()
