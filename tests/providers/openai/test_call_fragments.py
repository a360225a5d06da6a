"""Fragments of calls in the shapes that APIs give them. What becomes of them: test_tools.py."""

from typing import Any

import pytest

from providers.openai.call_fragments import has_identity, listed, parse_fragment

CALL = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ([CALL], [CALL]),
        (CALL, [CALL]),
        ({"0": CALL}, [CALL]),
        ('[{"name": "f"}]', [{"name": "f"}]),
        ([[CALL]], [CALL]),
        ([None, 3, CALL], [CALL]),
        ("words", []),
        ({}, []),
        (None, []),
        ([[[[[CALL]]]]], []),
    ],
    ids=["list", "alone", "table", "in a text", "lists", "odd", "words", "nothing", "null", "deep"],
)
def test_fragments_are_found(value: Any, found: list[Any]) -> None:
    assert listed(value) == found


@pytest.mark.parametrize(
    ("fragment", "place", "id", "name", "arguments"),
    [
        (CALL, 0, "a", "f", "{}"),
        ({"index": "1", "id": 7, "name": "f", "arguments": {"a": 1}}, 1, "7", "f", '{"a": 1}'),
        ({"index": 2.0, "function": "f", "arguments": "null"}, 2, "", "f", ""),
        ({"index": None, "name": "f", "input": {"a": 1}}, None, "", "f", '{"a": 1}'),
        ({"name": "f", "parameters": {"a": 1}}, None, "", "f", '{"a": 1}'),
        ({"index": "x", "id": True, "function": {"name": 3, "arguments": []}}, None, "", "", ""),
        ({"index": 0.5, "custom": {"name": "c"}}, None, "", "c", ""),
    ],
)
def test_a_fragment_is_read(fragment: dict[str, Any], place: int | None, id: str, name: str, arguments: str) -> None:
    found = parse_fragment(fragment)
    assert (found.place, found.id, found.name, found.arguments) == (place, id, name, arguments)
    assert has_identity(found) is (place is not None or bool(id or name))


def test_fields_without_a_place_of_their_own_are_kept() -> None:
    assert parse_fragment(CALL).extra == {}
    assert parse_fragment({**CALL, "extra_content": {"s": 1}, "n": None}).extra == {"extra_content": {"s": 1}}
    assert parse_fragment({**CALL, "type": "custom"}).extra == {"type": "custom"}
    assert parse_fragment({"custom": {"name": "c"}, "type": "custom"}).free
