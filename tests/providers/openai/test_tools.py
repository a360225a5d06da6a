import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.events import Event, Finish, ToolCallDelta
from providers.openai.tools import ToolCallAssembler
from tests.providers.openai.streams import chunk, decode, delta, joined, sse


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

OBJECT, OTHER = '{"stock":"ACME"}', '{"path":"src"}'
STREAMS |= {
    # an empty object that only holds the place of the arguments
    "empty-first": ([[call("f", "{}", index=0, id="a")], [call(None, OBJECT, index=0)]], [("a", "f", OBJECT)]),
    "empty-first-as-object": ([[call("f", {}, index=0, id="a")], [call(None, OBJECT, index=0)]], [("a", "f", OBJECT)]),
    "empty-first-in-one-piece": ([[call("f", "{}" + OBJECT, index=0, id="a")]], [("a", "f", OBJECT)]),
    "empty-first-in-pieces": (
        [[call("f", "{", index=0, id="a")], [call(None, " }", index=0)], [call(None, OBJECT, index=0)]],
        [("a", "f", OBJECT)],
    ),
    "empty-first-name-repeated": ([[call("f", "{}", index=0)], [call("f", OBJECT, index=0)]], [(None, "f", OBJECT)]),
    "empty-first-then-pieces": (
        [[call("f", "{}", index=0, id="a")], [call(None, '{"stock"', index=0)], [call(None, ':"ACME"}', index=0)]],
        [("a", "f", OBJECT)],
    ),
    "empty-alone": ([[call("f", "{}", index=0, id="a")], [call(None, "", index=0)]], [("a", "f", "{}")]),
    "empty-behind": ([[call("f", OBJECT, index=0, id="a")], [call(None, "{}", index=0)]], [("a", "f", OBJECT)]),
    # several calls at one index
    "one-index-two-names": (
        [[call("f", OBJECT, index=0, id="")], [call("g", OTHER, index=0, id="")]],
        [(None, "f", OBJECT), (None, "g", OTHER)],
    ),
    "one-index-one-name": (
        [[call("f", OBJECT, index=0, id="")], [call("f", OTHER, index=0, id="")]],
        [(None, "f", OBJECT), (None, "f", OTHER)],
    ),
    "one-index-second-nameless": (
        [[call("f", "", index=0, id="a")], [call("", OBJECT, index=0)], [call("", OTHER, index=0)]],
        [("a", "f", OBJECT), (None, "f", OTHER)],
    ),
    "one-index-second-in-pieces": (
        [[call("f", OBJECT, index=0, id="a")], [call(None, '{"pa', index=0)], [call(None, 'th":"src"}', index=0)]],
        [("a", "f", OBJECT), (None, "f", OTHER)],
    ),
    "one-fragment-two-objects": (
        [[call("f", OBJECT + OTHER, index=0, id="a")]],
        [("a", "f", OBJECT), (None, "f", OTHER)],
    ),
    "end-and-beginning-in-one-fragment": (
        [[call("f", '{"stock":', index=0, id="a")], [call(None, '"ACME"}{"path":', index=0)], [call(None, '"src"}')]],
        [("a", "f", OBJECT), (None, "f", OTHER)],
    ),
    "one-id-twice": (
        [[call("f", OBJECT, id="a"), call("f", OTHER, id="a")]],
        [("a", "f", OBJECT), (None, "f", OTHER)],
    ),
    "one-id-at-two-indexes": (
        [[call("f", OBJECT, index=0, id="a"), call("g", OTHER, index=1, id="a")]],
        [("a", "f", OBJECT), (None, "g", OTHER)],
    ),
    "two-parameterless-calls": (
        [[call("f", "", index=0, id="a")], [call("g", "", index=0, id="b")]],
        [("a", "f", "{}"), ("b", "g", "{}")],
    ),
    "ids-apart-at-one-index": (
        [
            [call("f", '{"a', index=0, id="a")],
            [call("g", '{"b', index=0, id="b")],
            [call(None, '":1}', index=0, id="a")],
            [call(None, '":2}', index=0, id="b")],
        ],
        [("a", "f", '{"a":1}'), ("b", "g", '{"b":2}')],
    ),
    # ids, names and indexes of other shapes
    "indexes-as-text": (
        [
            [call("f", '{"a', index="0", id="a"), call("g", '{"b', index="1", id="b")],
            [call(None, '":1}', index="0")],
            [call(None, '":2}', index="1")],
        ],
        [("a", "f", '{"a":1}'), ("b", "g", '{"b":2}')],
    ),
    "indexes-as-floats": (
        [[call("f", '{"a', index=0.0, id="a"), call("g", OTHER, index=1.0, id="b")], [call(None, '":1}', index=0.0)]],
        [("a", "f", '{"a":1}'), ("b", "g", OTHER)],
    ),
    "negative-index": ([[call("f", OBJECT, index=-1, id="a")]], [("a", "f", OBJECT)]),
    "name-in-pieces": (
        [[call("get_", "", index=0, id="a")], [call("stock", "", index=0)], [call(None, OBJECT, index=0)]],
        [("a", "get_stock", OBJECT)],
    ),
    "name-growing": (
        [[call("get_", "", index=0, id="a")], [call("get_stock", "", index=0)], [call(None, OBJECT, index=0)]],
        [("a", "get_stock", OBJECT)],
    ),
    "id-in-pieces": (
        [
            [{"index": 0, "id": "call_", "type": "function"}],
            [{"index": 0, "id": "7f"}],
            [call("f", "", index=0)],
            [call(None, OBJECT, index=0)],
        ],
        [("call_7f", "f", OBJECT)],
    ),
    "new-id-and-name-each-fragment": (
        [[call("f", '{"stock"', index=0, id="a")], [call("f", ':"ACME"}', index=0, id="b")]],
        [("a", "f", OBJECT)],
    ),
    "new-id-each-fragment-without-index": (
        [[call("f", '{"stock"', id="a")], [call(None, ':"ACME"}', id="b")]],
        [("a", "f", OBJECT)],
    ),
    "id-as-number": ([[call("f", OBJECT, index=0, id=7)]], [("7", "f", OBJECT)]),
    # whole once more
    "repeated-at-the-end": (
        [
            [call("f", '{"stock":', index=0, id="a")],
            [call(None, '"ACME"}', index=0)],
            [call("f", OBJECT, index=0, id="a")],
        ],
        [("a", "f", OBJECT)],
    ),
    "arguments-repeated-at-the-end": (
        [[call("f", OBJECT, index=0, id="a")], [call(None, OBJECT, index=0)]],
        [("a", "f", OBJECT)],
    ),
    # all so far with each fragment
    "arguments-growing": (
        [
            [call("f", '{"stock":', index=0, id="a")],
            [call("f", '{"stock":"AC', index=0, id="a")],
            [call("f", OBJECT, index=0, id="a")],
        ],
        [("a", "f", OBJECT)],
    ),
    "arguments-that-only-look-so": (
        [[call("f", '{"a":', index=0, id="a")], [call(None, '{"a":{}}', index=0)], [call(None, "}", index=0)]],
        [("a", "f", '{"a":{"a":{}}}')],
    ),
    # told apart by their place in the list alone
    "by-place": (
        [
            [call("f", '{"stock":'), call("g", '{"path":')],
            [call(None, '"ACME"}'), call(None, '"src"}')],
        ],
        [(None, "f", OBJECT), (None, "g", OTHER)],
    ),
    "the-last-of-a-list-goes-on": (
        [[call("f", OBJECT), call("g", '{"path"')], [call(None, ':"src"}')]],
        [(None, "f", OBJECT), (None, "g", OTHER)],
    ),
    # clients count calls as they come
    "empty-one-in-front": (
        [[call("f", "{}", index=0, id="a")], [call("g", OTHER, index=1, id="b")], [call("f", "", index=2, id="c")]],
        [("a", "f", "{}"), ("b", "g", OTHER), ("c", "f", "{}")],
    ),
    # arguments that are none, and calls of other forms
    "arguments-absent": ([[{"index": 0, "id": "a", "function": {"name": "f"}}]], [("a", "f", "{}")]),
    "arguments-as-the-word-null": ([[call("f", "null", index=0, id="a")]], [("a", "f", "{}")]),
    "arguments-blank": ([[call("f", " \n", index=0, id="a")]], [("a", "f", "{}")]),
    "flat": ([[{"index": 0, "id": "a", "name": "f", "arguments": OBJECT}]], [("a", "f", OBJECT)]),
    "flat-with-object": ([[{"id": "a", "type": "tool_use", "name": "f", "input": {"x": 1}}]], [("a", "f", '{"x": 1}')]),
    "function-is-a-name": ([[{"index": 0, "id": "a", "function": "f", "arguments": OBJECT}]], [("a", "f", OBJECT)]),
    "brackets-in-strings": (
        [[call("f", '{"a":"}{', index=0, id="a")], [call(None, '\\"}"', index=0)], [call(None, "}", index=0)]],
        [("a", "f", '{"a":"}{\\"}"}')],
    ),
}


@pytest.mark.parametrize(("fragments", "calls"), STREAMS.values(), ids=STREAMS.keys())
def test_fragments_become_calls_with_dense_indexes(
    fragments: list[list[Any]], calls: list[tuple[str | None, str, str]]
) -> None:
    frames = [chunk(delta({"tool_calls": piece})) for piece in fragments]
    answer = decode([sse(*frames, chunk(delta({}, reason="tool_calls")))])
    assert answer.calls == [(0, index, *found) for index, found in enumerate(calls)]


def test_calls_are_told_in_the_order_they_came_in() -> None:
    calls, out = ToolCallAssembler(0), list[Event]()
    calls.read([call("f", "{}", index=0), call("g", "", index=1)], out, complete=False)
    calls.read([call("h", OBJECT, index=2)], out, complete=False)
    calls.flush(out)
    first = dict.fromkeys(event.index for event in out if isinstance(event, ToolCallDelta))
    assert list(first) == [0, 1, 2]


def test_a_call_that_is_never_named_still_comes() -> None:
    answer = decode([sse(chunk(delta({"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": "{}"}}]})))])
    assert answer.calls == [(0, 0, "a", "", "{}")]


def test_waiting_for_a_name_is_bounded() -> None:
    calls, out = ToolCallAssembler(0), list[Event]()
    for _ in range(100):
        calls.read([{"index": 0, "function": {"arguments": "x"}}], out, complete=False)
    assert sum(len(event.arguments) for event in out if isinstance(event, ToolCallDelta)) == 100


def test_whole_calls_are_never_joined() -> None:
    calls, out = ToolCallAssembler(0), list[Event]()
    calls.read([call("f", "{}"), call("f", "{}")], out, complete=True)
    calls.flush(out)
    assert joined([*out, Finish("tool_calls")]).calls == [(0, 0, None, "f", "{}"), (0, 1, None, "f", "{}")]


def test_the_fields_of_whole_calls_are_told() -> None:
    calls, out = ToolCallAssembler(0), list[Event]()
    calls.read([call("f", '{"a":1}'), call("f", '{"a":1}')], out, complete=True)
    assert out == [ToolCallDelta(0, None, "f", '{"a":1}'), ToolCallDelta(1, None, "f", '{"a":1}')]


def test_other_fields_of_a_call_travel_on() -> None:
    calls, out = ToolCallAssembler(2), list[Event]()
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


@pytest.mark.parametrize(
    "calls",
    [
        call("f", OBJECT, index=0, id="a"),
        {"0": call("f", OBJECT, id="a")},
        json.dumps([call("f", OBJECT, index=0, id="a")]),
        [json.dumps(call("f", OBJECT, index=0, id="a"))],
        [[call("f", OBJECT, index=0, id="a")]],
    ],
    ids=["one call", "a table by index", "text", "a list of texts", "a list of lists"],
)
def test_calls_that_are_no_list_are_read(calls: Any) -> None:
    answer = decode([sse(chunk(delta({"tool_calls": calls})), chunk(delta({}, reason="tool_calls")))])
    assert answer.calls == [(0, 0, "a", "f", OBJECT)]


def test_the_requests_tools_tell_a_name_from_a_piece_of_one() -> None:
    pieces = [call("now", "", index=0), call("today", "", index=0)]
    for names, found in ((frozenset({"now", "today"}), ["now", "today"]), (frozenset({"nowtoday"}), ["nowtoday"])):
        calls, out = ToolCallAssembler(0, names), list[Event]()
        for piece in pieces:
            calls.read([piece], out, complete=False)
        calls.flush(out)
        assert [event.name for event in out if isinstance(event, ToolCallDelta) and event.name] == found


def test_a_known_name_is_told_at_once() -> None:
    calls, out = ToolCallAssembler(0, frozenset({"weather"})), list[Event]()
    calls.read([call("weather", "", index=0, id="call_0123456789")], out, complete=False)
    assert out == [ToolCallDelta(0, "call_0123456789", "weather", "")]


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_call_that_was_cut_is_given_nothing_it_never_said(reason: str) -> None:
    body = sse(chunk(delta({"tool_calls": [call("f", "", index=0, id="a")]})), chunk(delta({}, reason=reason)))
    answer = decode([body])
    assert (answer.calls, answer.end) == ([(0, 0, "a", "f", "")], Finish(reason))  # type: ignore[arg-type]


def test_calls_are_bounded_in_number_and_linear_in_length() -> None:
    calls, out = ToolCallAssembler(0), list[Event]()
    calls.read([call("f", '{"a":1}{"b":2}' * 20_000, index=0, id="a")], out, complete=False)
    assert len({event.index for event in out if isinstance(event, ToolCallDelta)}) == 1024
    calls.read([call("f", "{}" * 200_000, index=1, id="b")], out, complete=False)


@given(st.lists(st.integers(0, 40), max_size=6))
def test_arguments_are_the_same_at_every_cut(places: list[int]) -> None:
    text = '{"a": "}{\\"", "b": [1, {}]}'
    bounds = [0, *sorted(place % len(text) for place in places), len(text)]
    pieces = [text[a:b] for a, b in pairwise(bounds)]
    first = [call("f", "", index=0, id="a")]
    answer = decode(
        [sse(*(chunk(delta({"tool_calls": p})) for p in [first, *([call(None, t, index=0)] for t in pieces)]))]
    )
    assert answer.calls == [(0, 0, "a", "f", text)]
    assert answer.end == Finish("tool_calls")


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        (["{}x"], ["{}"]),
        (["{}", "x"], ["{}"]),
        (["{}" + "y" * 2000], ["{}"]),
        (["{}" * 1500], ["{}"]),
        (["{}" * 1500 + '{"a":1}'], ['{"a":1}']),
        (["{}" + " " * 2000], ["{}"]),
    ],
    ids=["words", "words apart", "many words", "empty ones", "the real one last", "blanks"],
)
def test_what_stands_behind_an_empty_object_is_read_to_its_end(pieces: list[str], told: list[str]) -> None:
    out: list[Event] = []
    calls = ToolCallAssembler(0)
    for piece in pieces:
        calls.read(
            [{"index": 0, "id": "call_12345", "function": {"name": "f", "arguments": piece}}], out, complete=False
        )
    calls.flush(out)
    found: dict[int, str] = {}
    for event in out:
        assert isinstance(event, ToolCallDelta)
        found[event.index] = found.get(event.index, "") + event.arguments
    assert list(found.values()) == told


@pytest.mark.parametrize("behind", ["</tool_call>", "}", "\n```", "<|im_end|>", "]}"])
@pytest.mark.parametrize("apart", [True, False], ids=["apart", "at once"])
def test_what_is_no_json_behind_the_arguments_is_no_part_of_them(behind: str, apart: bool) -> None:
    pieces = [OBJECT, behind] if apart else [OBJECT + behind]
    first = [call("f", "", index=0, id="a")]
    frames = [chunk(delta({"tool_calls": part})) for part in (first, *([call(None, one, index=0)] for one in pieces))]
    answer = decode([sse(*frames)])
    assert (answer.calls, answer.end) == ([(0, 0, "a", "f", OBJECT)], Finish("tool_calls"))


@given(st.lists(st.integers(0, 40), max_size=6))
def test_arguments_that_are_quoted_once_too_often_are_unpacked_at_every_cut(places: list[int]) -> None:
    text = json.dumps('{"a": "x\\"y", "b": [1, {}]}')
    bounds = [0, *sorted(place % len(text) for place in places), len(text)]
    pieces = [text[a:b] for a, b in pairwise(bounds)]
    first = [call("f", "", index=0, id="a")]
    frames = [chunk(delta({"tool_calls": part})) for part in (first, *([call(None, one, index=0)] for one in pieces))]
    answer = decode([sse(*frames)])
    assert (answer.calls, answer.end) == ([(0, 0, "a", "f", json.loads(text))], Finish("tool_calls"))
    assert decode([sse(*frames, done=False)]).failure
    cut = [chunk(delta({"tool_calls": part})) for part in (first, [call(None, text[:-1], index=0)])]
    assert decode([sse(*cut, chunk(delta({}, reason="tool_calls")))]).failure
