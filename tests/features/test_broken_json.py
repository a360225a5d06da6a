"""JSON as models write it: what is repaired, and what costs too much to be tried."""

from typing import Any

import pytest

from addons.features.broken_json import REPAIR_CHARS, REPAIR_DEPTH, read_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ("null", None),
        ("{'a': 'b'}", {"a": "b"}),
        ('{"a": True, "b": None}', {"a": True, "b": None}),
        ('{"a": 1,}', {"a": 1}),
        ("{a: 1}", {"a": 1}),
        ('{"a": [1, 2', {"a": [1, 2]}),
        ('{"a": "x\ny"}', {"a": "x\ny"}),
    ],
)
def test_what_models_write_is_read(text: str, value: Any) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize("text", ["", "   ", "hello"])
def test_what_holds_no_value_gives_none(text: str) -> None:
    assert read_json(text) is None


@pytest.mark.parametrize("text", ["{" * (REPAIR_DEPTH + 1), '["' * 20_000, "{'a': 1, " + "x" * REPAIR_CHARS])
def test_what_would_take_long_is_not_tried(text: str) -> None:
    assert read_json(text) is None
