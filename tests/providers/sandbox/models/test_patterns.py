"""Strings that match the patterns schemas have."""

import re

import pytest

from providers.sandbox.models.patterns import matching


@pytest.mark.parametrize(
    "pattern",
    [r"^\d{3}-\d{4}$", r"^[A-Z][a-z]+$", r"^(GET|POST)\s/\S+$", r"^[^0-9]{2,}$", r"^.{3}$",
     r"^a?b*c+$", r"(?:x|y){2}\Z",
     r"^\w+@\w+\.(com|org)$",
     r"^\p", r"[\u4e00-\u4e05]", r"^[^\W\d]\D\S\W$"],
)  # fmt: skip
def test_a_pattern_has_a_string(pattern: str) -> None:
    made = matching(pattern)
    if pattern == r"^\p":
        assert made is None
    else:
        assert made is not None
        assert re.search(pattern, made)


def test_a_string_is_as_long_as_it_must_be() -> None:
    assert len(str(matching("^[a-c]+$", 20))) >= 20
    assert matching("^ab$", 20) == "ab"
    assert matching("^[a-z]{9}$", seed=1) != matching("^[a-z]{9}$", seed=2)
