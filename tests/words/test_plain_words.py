"""What the validator finds, in plain words: no kind of finding is passed on in the validator's own."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from addons.config.secret_looks import looks_random, looks_secret
from addons.words.near import hint, near
from addons.words.plain_words import either, requirement


class One(BaseModel, extra="forbid"):
    a: int = 1


def found(kind: Any, value: object) -> list[ErrorDetails]:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    return caught.value.errors(include_url=False)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (str, 5, "must be text"),
        (int, "x", "must be a whole number"),
        (int, 1.5, "must be a whole number"),
        (int, [], "must be a whole number"),
        (float, "x", "must be a number"),
        (bool, "x", "must be true or false"),
        (list[int], 5, "must be a list"),
        (tuple[int, ...], 5, "must be a list"),
        (dict[str, int], 5, "must be an object"),
        (One, 5, "must be an object"),
        (One, {"b": 1}, "is not a key there"),
        (Literal["a", "b"], "c", "must be one of 'a' or 'b'"),
        (Literal["a"], "c", "must be 'a'"),
        (int | list[int], "x", "must be a whole number or a list"),
        (str | One | None, 5, "must be text or an object"),
    ],
)
def test_a_finding_is_a_sentence(kind: Any, value: object, words: str) -> None:
    assert either(requirement(one, "an object") for one in found(kind, value)) == words


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (Field(ge=1), 0, "must be at least 1"),
        (Field(gt=1.5), 0, "must be more than 1.5"),
        (Field(le=10.0), 11, "must be at most 10"),
        (Field(lt=10), 11, "must be less than 10"),
    ],
)
def test_bounds_are_told_as_they_are_written(field: Any, value: int, words: str) -> None:
    class Bounded(BaseModel):
        a: float = field

    assert [requirement(one, "an object") for one in found(Bounded, {"a": value})] == [words]


def test_what_was_meant() -> None:
    assert near("base-url", ["base_url", "proxy"]) == "base_url"
    assert near("URL", ["base_url", "proxy"]) == "base_url"
    assert near("verbose", ["DEBUG", "INFO"]) == "DEBUG"
    assert near("nothing like it", ["base_url"]) is None
    assert hint("x" * 100_000, ["base_url"]) == ""


@pytest.mark.parametrize(
    ("word", "random"),
    [
        ("Zq7wErTyUiOpAsDfGhJk", True),
        ("sk-0a1b2c3d4e5f60718293a4b5c6d7e8f9", True),
        ("d41d8cd98f00b204e9800998ecf8427e", True),
        ("3fa85f64-5717-4562-b3fc-2c963f66afa6", True),
        ("MyCompanyAccount2024", False),
        ("the-second-account-of-ada", False),
        ("ACCOUNT-NUMBER-0000000001", False),
        ("a1b2c3", False),
    ],
)
def test_what_nobody_chose_for_a_name(word: str, random: bool) -> None:
    assert looks_random(word) is random
    assert looks_secret(word) is random
