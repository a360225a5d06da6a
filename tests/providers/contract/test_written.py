"""config.yaml's values as people write them: spans with units, one entry for a list, nothing for the default."""

from typing import Any

import pytest
from pydantic import ValidationError, field_validator

from providers.contract.written import Listed, Nothing, Span, Written, better


class Timeouts(Written):
    idle_s: Span = 60.0


class Entry(Written):
    name: str
    tags: Listed[str] = ("a", "b")
    times: Timeouts = Timeouts(idle_s=5.0)

    @field_validator("name")
    @classmethod
    def _is_lower(cls, value: str) -> str:
        if value != value.lower():
            raise better("must be lower case", value.lower())
        return value


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (5, 5.0),
        ("5", 5.0),
        ("1.5", 1.5),
        ("500ms", 0.5),
        ("5s", 5.0),
        ("2 min", 120.0),
        ("2m", 120.0),
        ("1h", 3600.0),
        ("1.5 d", 129_600.0),
    ],
)
def test_a_span_is_seconds_with_or_without_a_unit(written: object, seconds: float) -> None:
    assert Timeouts.model_validate({"idle_s": written}).idle_s == seconds


@pytest.mark.parametrize("written", ["soon", "5 parsecs", "s", "5 s s", "", [], {"s": 5}])
def test_what_is_no_span_is_refused(written: object) -> None:
    with pytest.raises(ValidationError) as refused:
        Timeouts.model_validate({"idle_s": written})
    assert [error["loc"] for error in refused.value.errors()] == [("idle_s",)]


@pytest.mark.parametrize(
    ("written", "tags"),
    [("x", ("x",)), (["x", "y"], ("x", "y")), ([], ()), (Nothing("null"), ("a", "b"))],
    ids=["one", "two", "none", "nothing"],
)
def test_one_entry_stands_for_the_list_of_it(written: object, tags: tuple[str, ...]) -> None:
    assert Entry.model_validate({"name": "n", "tags": written}).tags == tags


def test_nothing_in_the_place_of_a_list_that_must_be_given_is_an_empty_one() -> None:
    class Needed(Written):
        tags: Listed[str]

    assert Needed.model_validate({"tags": Nothing("~")}).tags == ()


@pytest.mark.parametrize("written", [Nothing(""), {}, {"idle_s": Nothing("~")}], ids=["none", "empty", "a key"])
def test_nothing_behind_a_key_is_the_default(written: object) -> None:
    assert Timeouts.model_validate(written).idle_s == 60.0


def test_a_key_that_must_be_given_is_not_given_with_nothing_behind_it() -> None:
    assert Entry.model_validate({"name": Nothing("null")}).name == "null"
    assert (bool(Nothing("null")), str(Nothing("null"))) == (False, "null")


@pytest.mark.parametrize("written", [[], 5, "x", {"name": "n", "nmae": "n"}, {}])
def test_what_is_no_entry_is_refused(written: Any) -> None:
    with pytest.raises(ValidationError):
        Entry.model_validate(written)


def test_a_refusal_keeps_what_was_meant_apart_from_its_words() -> None:
    with pytest.raises(ValidationError) as refused:
        Entry.model_validate({"name": "SECRET"})
    [error] = refused.value.errors()
    assert (error["msg"], error["ctx"]["instead"]) == ("must be lower case", "secret")


def test_what_was_read_does_not_change() -> None:
    with pytest.raises(ValidationError):
        Timeouts().idle_s = 1.0
