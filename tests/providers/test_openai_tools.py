import json
from typing import Any

import pytest

from providers.events import Event, Finish, ToolCallDelta
from providers.openai_tools import ToolCalls
from tests.providers.openai_streams import chunk, decode, delta, joined, sse


def call(name: str | None = None, arguments: Any = "", **more: Any) -> dict[str, Any]:
    return {**more, "function": {"name": name, "arguments": arguments}}


STREAMS: dict[str, tuple[list[list[Any]], list[tuple[str | None, str, str]]]] = {
    "openai": (
        [[call("f", "", index=0, id="a", type="function")], [{"index": 0, "function": {"arguments": "{}"}}]],
        [("a", "f", "{}")],
    ),
    "first-index-is-1": ([[call("f", "{}", index=1, id="a")]], [("a", "f", "{}")]),
    "interleaved": (
        [
            [call("f", "{", index=0, id="a"), call("g", "[", index=1, id="b")],
            [call(None, "}", index=0)],
            [call(None, "]", index=1)],
        ],
        [("a", "f", "{}"), ("b", "g", "[]")],
    ),
    "no-index-with-ids": (
        [[call("f", "{", id="a")], [call(None, "}", id="a")], [call("f", "{}", id="b")]],
        [("a", "f", "{}"), ("b", "f", "{}")],
    ),
    "no-index-no-id": ([[call("f", '{"a":')], [call(None, "1}")]], [(None, "f", '{"a":1}')]),
    "no-index-id-once": ([[call("f", "{", id="a")], [call(None, "}")]], [("a", "f", "{}")]),
    "no-index-name-repeated": (
        [[call("f", '{"a":"}')], [call("f", '{\\"')], [call("f", '"}')], [call("f", "{}")]],
        [(None, "f", '{"a":"}{\\""}'), (None, "f", "{}")],
    ),
    "no-index-two-names": ([[call("f", "{}")], [call("g", "{}")]], [(None, "f", "{}"), (None, "g", "{}")]),
    "id-and-name-repeated": (
        [[call("f", "{", index=0, id="a")], [call("f", "}", index=0, id="a")]],
        [("a", "f", "{}")],
    ),
    "new-id-each-fragment-without-name": (
        [[call("f", "{", index=0, id="a")], [call(None, "}", index=0, id="b")]],
        [("a", "f", "{}")],
    ),
    "google-all-at-index-0": (
        [[call("f", "{}", index=0, id="a"), call("g", "{}", index=0, id="b")]],
        [("a", "f", "{}"), ("b", "g", "{}")],
    ),
    "arguments-as-object": ([[call("f", {"k": "ü"}, index=0, id="a")]], [("a", "f", '{"k": "ü"}')]),
    "arguments-null": ([[call("f", None, index=0, id="a")]], [("a", "f", "{}")]),
    "name-comes-later": (
        [[call(None, "", index=0, id="a")], [call(None, "{", index=0)], [call("f", "}", index=0)]],
        [("a", "f", "{}")],
    ),
    "empty-strings-for-absent": (
        [
            [call("f", "{", index=0, id="a")],
            [{"index": 0, "id": "", "type": "", "function": {"name": "", "arguments": "}"}}],
        ],
        [("a", "f", "{}")],
    ),
}


@pytest.mark.parametrize(("fragments", "calls"), STREAMS.values(), ids=STREAMS.keys())
def test_fragments_become_calls_with_dense_indexes(
    fragments: list[list[Any]], calls: list[tuple[str | None, str, str]]
) -> None:
    frames = [chunk(delta({"tool_calls": piece})) for piece in fragments]
    answer = decode([sse(*frames, chunk(delta({}, reason="tool_calls")))])
    assert answer.calls == [(0, index, *found) for index, found in enumerate(calls)]


def test_a_call_that_is_never_named_still_comes() -> None:
    answer = decode([sse(chunk(delta({"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": "{}"}}]})))])
    assert answer.calls == [(0, 0, "a", "", "{}")]


def test_waiting_for_a_name_is_bounded() -> None:
    calls, out = ToolCalls(0), list[Event]()
    for _ in range(100):
        calls.read([{"index": 0, "function": {"arguments": "x"}}], out, complete=False)
    assert sum(len(event.arguments) for event in out if isinstance(event, ToolCallDelta)) == 100


def test_whole_calls_are_never_joined() -> None:
    calls, out = ToolCalls(0), list[Event]()
    calls.read([call("f", "{}"), call("f", "{}")], out, complete=True)
    calls.flush(out)
    assert joined([*out, Finish("tool_calls")]).calls == [(0, 0, None, "f", "{}"), (0, 1, None, "f", "{}")]


def test_the_fields_of_whole_calls_are_told() -> None:
    calls, out = ToolCalls(0), list[Event]()
    calls.read([call("f", '{"a":1}'), call("f", '{"a":1}')], out, complete=True)
    assert out == [ToolCallDelta(0, None, "f", '{"a":1}'), ToolCallDelta(1, None, "f", '{"a":1}')]


def test_other_fields_of_a_call_travel_on() -> None:
    calls, out = ToolCalls(2), list[Event]()
    calls.read(
        [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "sql", "input": "x"}}], out, complete=False
    )
    calls.read([call(None, "y", index=0, extra_content={"google": {"thought_signature": "s"}})], out, complete=False)
    assert out == [
        ToolCallDelta(0, "a", "sql", "", 2, {"type": "custom", "custom": {"name": "sql", "input": "x"}}),
        ToolCallDelta(0, None, None, "y", 2, {"extra_content": {"google": {"thought_signature": "s"}}}),
    ]


def test_each_candidate_has_its_own_calls() -> None:
    frame = chunk(
        delta({"tool_calls": [call("f", "{}", index=0, id="a")]}, 0),
        delta({"tool_calls": [call("g", json.dumps({}), index=0, id="b")]}, 1),
    )
    assert decode([sse(frame)]).calls == [(0, 0, "a", "f", "{}"), (1, 0, "b", "g", "{}")]
