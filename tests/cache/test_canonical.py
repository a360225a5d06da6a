"""JSON in its one form is what the standard library writes, whichever of its two ways is taken."""

import json
from json import encoder
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.cache import canonical as module
from addons.cache.canonical import canonical

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_TEXTS = st.text(st.characters(exclude_categories=()))
_VALUES = st.recursive(_SCALARS | _TEXTS, lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner), max_leaves=20)


def expected(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@given(_VALUES)
def test_it_is_sorted_json(value: Any) -> None:
    assert canonical(value) == expected(value)
    assert module._public(value).encode() == expected(value)


def test_one_writer_writes_any_number_of_texts() -> None:
    assert {canonical({"b": [1], "a": {}}) for _ in range(1000)} == {b'{"a":{},"b":[1]}'}


def test_without_the_writer_in_c_it_is_the_public_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module._writer() is not module._public
    monkeypatch.delattr(encoder, "c_make_encoder")
    assert module._writer() is module._public


def test_one_that_wants_other_arguments_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "c_make_encoder", lambda: None)
    assert module._writer() is module._public
