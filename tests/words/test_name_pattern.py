"""Names with stars."""

import fnmatch
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.words.name_pattern import NamePattern
from tests.support.counting import work_of


@pytest.mark.parametrize(
    ("text", "name", "fits"),
    [
        ("GLM-*", "glm-4.6", True),
        ("GLM-*", "xglm-4.6", False),
        ("glm-4.6", "GLM-4.6", True),
        ("glm-4.6", "GLM-4.6-Thinking", False),
        ("*", "", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a*b*c", "a-c-b-c", True),
        ("a*b*c", "a-c", False),
        ("*x*", "STRASSEX", True),
    ],
)
def test_stars_stand_for_any_letters(text: str, name: str, fits: bool) -> None:
    assert NamePattern(text).matches(name) is fits


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_it_says_the_same_as_a_shell_does(text: str, name: str) -> None:
    assert NamePattern(text).matches(name) is fnmatch.fnmatchcase(name, text)


def test_the_letters_of_a_pattern_are_counted_without_stars() -> None:
    assert NamePattern("a*bc*").letters == 3


def test_a_long_name_costs_no_more_than_its_length() -> None:
    pattern = NamePattern("*".join("a" * 40) + "*b")
    steps = [work_of(partial(pattern.matches, "a" * size))[1] for size in (1_000, 8_000)]
    assert steps[0] == steps[1]  # as many steps as pieces, each of them one search
