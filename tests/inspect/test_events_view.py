"""The provider's stream as a table: when each event came, what it was, what was read in it."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.inspect.events_view import Row, rows, table
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import (
    Citation,
    Event,
    Failure,
    Finish,
    Image,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
    Withdrawn,
)
from providers.contract.operation import Decoder
from providers.zai.decoder import ZaiDecoder


@given(st.binary(max_size=400), st.lists(st.tuples(st.floats(0, 10), st.integers(0, 50)), max_size=10))
@settings(max_examples=150, deadline=None)
def test_the_table_never_fails(body: bytes, arrivals: list[tuple[float, int]]) -> None:
    assert table(rows(body, arrivals, ZaiDecoder()), cut=True)


class Said:
    """A decoder that says of each block what a test gives it, and something at the end."""

    def __init__(self, *events: Event, rest: Sequence[Event] = ()) -> None:
        self.events = events
        self.rest = list(rest)
        self.fed: list[bytes] = []
        self.closed = False

    def feed(self, data: bytes) -> list[Event]:
        self.fed.append(data)
        return list(self.events)

    def close(self) -> list[Event]:
        self.closed = True
        return self.rest


def read(data: bytes, *events: Event, **more: Any) -> list[Row]:
    return rows(data, (), cast(Decoder, Said(*events)), **more)


@pytest.mark.parametrize("gap", [b"\n\n", b"\r\n\r\n", b"\r\r"])
def test_blank_lines_part_the_events(gap: bytes) -> None:
    decoder = Said()
    found = rows(gap.join([b"data: 1", b"data: 2", b"data: 3"]), (), cast(Decoder, decoder))
    assert [(row.number, row.text) for row in found] == [(1, "data: 1"), (2, "data: 2"), (3, "data: 3")]
    assert b"".join(decoder.fed) == gap.join([b"data: 1", b"data: 2", b"data: 3"])


@given(st.lists(st.sampled_from([b"data: x", b"\n", b"\r", b"\r\n", b"a"]), max_size=12))
def test_the_decoder_gets_every_byte_in_order(parts: list[bytes]) -> None:
    decoder = Said()
    found = rows(b"".join(parts), (), cast(Decoder, decoder))
    assert b"".join(decoder.fed) == b"".join(parts)
    assert [row.number for row in found] == list(range(1, len(found) + 1))


def test_what_a_blank_line_completes_is_of_the_event_before_it() -> None:
    [one] = read(b"data: 1\n\n\n\n", Text("a"))
    assert one.read_as == "text 'a'; text 'a'"
    assert read(b"\n\n", Text("a")) == []


def test_pieces_tell_when_an_event_was_there() -> None:
    data = b"data: 1\n\ndata: 2\n\n"
    found = rows(data, ((0.5, 10), (1.5, 8)), None)
    assert [row.offset_ms for row in found] == [500, 1500]
    assert [row.offset_ms for row in rows(data, ((0.5, 10),), None)] == [500, None]


@pytest.mark.parametrize("ended", [True, False])
def test_what_is_missing_is_asked_at_the_end_alone(ended: bool) -> None:
    decoder = Said(rest=[Finish("length")])
    found = rows(b"data: 1\n\n", ((0.25, 9),), cast(Decoder, decoder), ended=ended)
    assert decoder.closed is ended
    assert [(row.kind, row.offset_ms, row.read_as) for row in found[1:]] == (
        [("end of the stream", 250, "END length")] if ended else []
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (": keep-alive", "comment"),
        ("data: [DONE]", "[DONE]"),
        ("data: {", "no JSON"),
        ("data: {}", "JSON"),
        ("data: 5", "JSON"),
        ('data: {"type": "chat", "data": {"phase": "answer"}}', "chat answer"),
        ('data: {"error": {"code": 1}}', "error"),
        ('data: {"error": null, "status": "ok", "object": ""}', "ok"),
        ('data: {"response.created": {}}', "response.created"),
        ('data: {"choices": [{"delta": {"phase": "think"}, "finish_reason": "stop"}]}', "think stop"),
        ('data: {"choices": [5]}', "JSON"),
        ('{"type": "bare"}', "bare"),
        ('data: {"data": {"data": {"data": {"type": "deep"}}}}', "deep"),
        ('data: {"data": {"data": {"data": {"data": {"type": "deeper"}}}}}', "JSON"),
        ('data: {"type": "a", "phase": "a"}', "a"),
    ],
)
def test_kinds_are_the_events_own_words(text: str, kind: str) -> None:
    assert [row.kind for row in rows(text.encode(), (), None)] == [kind]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Text("Hi"), "text 'Hi'"),
        (Text("x" * 61), f"text '{'x' * 60}…'"),
        (Reasoning("hm"), "reasoning 'hm'"),
        (Withdrawn(), "all said so far is void"),
        (ToolCallDelta(0, "c1", "find", "{}"), "tool call find '{}'"),
        (ToolCallDelta(0, None, None, "{}"), "tool call  '{}'"),
        (Citation("https://x", "", mark="1"), "source 1 https://x"),
        (Image("https://x/y.png"), "picture https://x/y.png"),
        (Usage(3, 4, 7), "usage 3+4"),
        (Passthrough("chunk", {"a": 1, "b": 2}), "fields a, b"),
        (Finish("stop"), "END stop"),
        (Failure(ProviderError(ErrorKind.RATE_LIMITED, "slow down")), "ERROR rate_limited: slow down"),
    ],
)
def test_every_event_has_its_words(event: Event, words: str) -> None:
    assert [row.read_as for row in read(b"data: 1", event)] == [words]


def test_the_table_has_columns_and_says_what_was_cut() -> None:
    found = [Row(1, 5, "k" * 50, "a\nb", ""), Row(2, None, "kind", "x" * 400, "text 'x'")]
    lines = table(found, cut=True).splitlines()
    assert lines[0].endswith("what we read in it")
    assert lines[2].endswith(f"{'k' * 34}  ignored")
    assert lines[3].strip() == "a b"
    assert lines[5].strip() == "x" * 300 + "…"
    assert lines[-1].startswith("(only the beginning of the stream was kept")
    assert table([], cut=False).count("\n") == 2


def test_of_several_answers_each_is_told_by_its_number() -> None:
    """All but the first were told as if they were of it."""
    told = read(
        b'data: {"choices": [{"delta": {}}, {"index": 1, "delta": {"type": "b"}, "finish_reason": "length"}]}',
        Text("a"),
        Text("b", choice=1),
        Reasoning("c", choice=2),
        Finish("stop", ((1, "length"),)),
    )
    assert [(row.kind, row.read_as) for row in told] == [
        ("b length", "text 'a'; choice 1: text 'b'; choice 2: reasoning 'c'; END stop, choice 1: length")
    ]
