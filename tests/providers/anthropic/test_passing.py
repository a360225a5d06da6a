"""Answers that are passed on: byte for byte, held back until they say something, judged at their end."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.anthropic.framed import as_events
from providers.anthropic.passing import ANSWER_BYTES, EVENT_BYTES, HELD_BYTES, PassedOn, WholePassedOn
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Usage, Verbatim
from tests.providers.anthropic.streams import PING, closed, delta, end, failure, message, opened, said, sse, start
from tests.support.decoding import run, same_at_every_cut

STREAM = sse(start(cache_read_input_tokens=3), PING, *said("Hel", "lo"), *end())


def told(error: ProviderError) -> ProviderError:
    return error


def passing() -> PassedOn:
    return PassedOn(told)


def whole() -> WholePassedOn:
    return WholePassedOn(told)


def bytes_of(events: list[Event]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Verbatim))


def error_in(events: list[Event]) -> ProviderError:
    assert isinstance(events[-1], Failure)
    return events[-1].error


# -- streams ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "stream",
    [
        STREAM,
        STREAM.replace(b"\n", b"\r\n"),
        b": hello\n\n" + STREAM,
        sse(start(), *said(), opened({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}, 1),
            delta("input_json_delta", 1, partial_json="{}"), closed(1), *end("tool_use")),
        sse(start(), {"type": "of_the_future", "x": [1]}, *said("x"), *end("max_tokens")),
    ],
    ids=["text", "crlf", "comment", "tool", "unknown event"],
)  # fmt: skip
def test_a_stream_is_passed_on_byte_for_byte(stream: bytes) -> None:
    events = same_at_every_cut(passing, stream)
    assert bytes_of(events) == stream
    assert isinstance(events[-1], Finish)


def test_events_without_names_get_them() -> None:
    unnamed = b"".join(line + b"\n" for line in STREAM.split(b"\n")[:-1] if not line.startswith(b"event:"))
    assert bytes_of(same_at_every_cut(passing, unnamed)) == STREAM


def test_counts_are_told_with_what_came_from_the_cache() -> None:
    counted = [event for event in run(passing(), [STREAM]) if isinstance(event, Usage)]
    assert counted == [Usage(15, 1, 16, None, 3), Usage(15, 9, 24, None, 3)]


@pytest.mark.parametrize(
    ("reason", "ours"),
    [("end_turn", "stop"), ("max_tokens", "length"), ("tool_use", "tool_calls"), ("refusal", "content_filter"),
     ("pause_turn", "length"), ("model_context_window_exceeded", "length"), ("of_the_future", "stop")],
)  # fmt: skip
def test_the_reason_is_told(reason: str, ours: str) -> None:
    events = run(passing(), [sse(start(), *said("x"), *end(reason))])
    assert events[-1] == Finish(ours)  # type: ignore[arg-type]


def test_the_stop_sequence_is_told() -> None:
    events = run(passing(), [sse(start(), *said("x"), *end("stop_sequence", stop_sequence="\n\nHuman:"))])
    assert events[-1] == Finish("stop", stop_sequence="\n\nHuman:")


@pytest.mark.parametrize(
    "before",
    [[start()], [start(), PING, PING], [start(), opened({"type": "text", "text": ""})],
     [start(), opened({"type": "thinking", "thinking": "", "signature": ""})]],
    ids=["start", "pings", "an empty block", "an empty thought"],
)  # fmt: skip
def test_an_error_before_the_first_content_says_nothing_to_the_client(before: list[dict[str, Any]]) -> None:
    events = same_at_every_cut(passing, sse(*before, failure()))
    assert not bytes_of(events)
    assert error_in(events).kind is ErrorKind.PROVIDER_DOWN


@pytest.mark.parametrize(
    "content",
    [[opened({"type": "text", "text": ""}), delta("text_delta", text="x")], [opened({"type": "text", "text": "x"})],
     [opened({"type": "tool_use", "id": "t", "name": "f", "input": {}})],
     [opened({"type": "redacted_thinking", "data": "x"})]],
    ids=["a delta", "a block with text", "a call", "a sealed thought"],
)  # fmt: skip
def test_what_says_something_goes_out_with_all_before_it(content: list[dict[str, Any]]) -> None:
    stream = sse(start(), PING, *content)
    assert bytes_of(passing().feed(stream)) == stream
    assert bytes_of(same_at_every_cut(passing, stream + sse(failure()))) == stream


def test_a_stream_without_its_end_is_incomplete_and_one_that_lacks_the_last_mark_is_not() -> None:
    stream = sse(start(), *said("x"))
    cut = same_at_every_cut(passing, stream)
    assert (bytes_of(cut), error_in(cut).kind) == (stream, ErrorKind.INCOMPLETE)
    unmarked = same_at_every_cut(passing, stream + sse(end()[0]))
    assert bytes_of(unmarked).endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    assert unmarked[-1] == Finish("stop")
    assert error_in(run(passing(), [stream + sse(end()[1])])).kind is ErrorKind.INCOMPLETE


def test_a_whole_answer_waits_for_nothing_but_its_mark() -> None:
    decoder = passing()
    decoder.feed(sse(start(), *said("x")))
    assert not decoder.ended
    decoder.feed(sse(end()[0]))
    assert decoder.ended


def test_an_answer_without_content_is_an_answer() -> None:
    stream = sse(start(), *end())
    events = same_at_every_cut(passing, stream)
    assert (bytes_of(events), events[-1]) == (stream, Finish("stop"))


def test_a_document_becomes_the_events_of_a_stream() -> None:
    document = message(
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "Yes.", "citations": [{"type": "char_location", "cited_text": "y"}]},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        {"type": "redacted_thinking", "data": "x"},
        reason="tool_use",
    )
    events = same_at_every_cut(passing, json.dumps(document).encode())
    stream = bytes_of(events)
    kinds = [json.loads(line.removeprefix(b"data: "))["type"] for line in stream.split(b"\n") if line[:5] == b"data:"]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    again = run(passing(), [stream])
    assert again[-1] == events[-1] == Finish("tool_calls")
    for piece in (b'"thinking":"Hm."', b'"signature":"s"', b'"text":"Yes."', b'"partial_json":"{\\"a\\":1}"'):
        assert piece in stream


@pytest.mark.parametrize(
    "body", [b"", b"  ", b"data: x\n\n", b"<html><title>No</title></html>", b"event: x\ndata: []\n\n", b"words"]
)
def test_what_is_no_message_fails(body: bytes) -> None:
    events = same_at_every_cut(passing, body)
    assert not bytes_of(events)
    assert error_in(events).kind in (ErrorKind.INCOMPLETE, ErrorKind.PROVIDER_DOWN)


def test_nothing_grows_without_bound() -> None:
    decoder = passing()
    begun = decoder.feed(sse(start()))
    held: list[Event] = []
    while not bytes_of(held):
        held += decoder.feed(sse(*[PING] * 1000))
        assert len(begun) < 10
    assert len(bytes_of(held)) < 2 * HELD_BYTES
    assert error_in(passing().feed(b"data: " + b"x" * (EVENT_BYTES + 10))).kind is ErrorKind.PROVIDER_DOWN
    strange = passing()
    strange.feed(sse(*({"type": f"kind{number}"} for number in range(1000))))
    assert len(strange.unknown) <= 65


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.sampled_from([STREAM, sse(failure()), b"\n", b"\r\n", b"data:", b"\xff", b"{", b"}"]), max_size=6),
       st.lists(st.integers(0, 2000), max_size=6))  # fmt: skip
def test_any_pieces_end_once_and_say_the_same_at_any_cut(pieces: list[bytes], places: list[int]) -> None:
    body = b"".join(pieces)
    bounds = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    parts = [body[a:b] for a, b in pairwise(bounds)]
    one, other = run(passing(), [body]), run(passing(), parts)
    assert bytes_of(one) == bytes_of(other)
    assert type(one[-1]) is type(other[-1])


# -- whole answers ----------------------------------------------------------------------------------------------------
def test_a_document_is_passed_on_byte_for_byte() -> None:
    body = json.dumps(message({"type": "text", "text": "Hi"}, reason="max_tokens"), indent=1).encode()
    events = same_at_every_cut(whole, body)
    assert events == [Verbatim(body), Usage(7, 6, 13, None, 2), Finish("length")]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (json.dumps(failure("rate_limit_error", "Too fast")).encode(), ErrorKind.RATE_LIMITED),
        (json.dumps(message(reason=None)).encode(), ErrorKind.INCOMPLETE),
        (json.dumps(message({"type": "text", "text": "Hi"})).encode()[:-2], ErrorKind.INCOMPLETE),
        (b"", ErrorKind.INCOMPLETE),
        (sse(start(), *said("x")), ErrorKind.INCOMPLETE),
        (sse(start(), failure("rate_limit_error")), ErrorKind.RATE_LIMITED),
        (b'{"choices": []}', ErrorKind.PROVIDER_DOWN),
        (b"<html></html>", ErrorKind.PROVIDER_DOWN),
    ],
    ids=["an error", "no reason", "cut", "nothing", "a cut stream", "a failed stream", "another form", "a page"],
)
def test_a_document_that_is_no_message_fails(body: bytes, kind: ErrorKind) -> None:
    events = same_at_every_cut(whole, body)
    assert not bytes_of(events)
    assert error_in(events).kind is kind


def test_a_stream_that_nobody_asked_for_becomes_a_document() -> None:
    document = message(
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "Yes.", "citations": [{"type": "char_location", "cited_text": "y"}]},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
        {"type": "redacted_thinking", "data": "x"},
        reason="tool_use",
    )
    events = same_at_every_cut(whole, as_events(document))
    assert json.loads(bytes_of(events)) == document
    assert events[1:] == [Usage(7, 6, 13, None, 2), Finish("tool_calls")]


def test_a_document_is_bounded() -> None:
    assert error_in(whole().feed(b"x" * (ANSWER_BYTES + 1))).kind is ErrorKind.PROVIDER_DOWN
    assert error_in(whole().feed(b"[" + b"{}," * 300_000)).kind is ErrorKind.PROVIDER_DOWN


# -- what clients cannot read, and what is no answer ------------------------------------------------------------------
ERROR = b'{"type":"error","error":{"type":"api_error","message":"gone"}}\n\n'
NAMED = {
    "text": b'event: error\ndata: "gone"\n\n',
    "words": b"event: error\ndata: gone\n\n",
    "nothing": b"event: error\n\n",
    "field": b"error: gone\n\n",
    "plain line": ERROR,
    "named a delta": b"event: content_block_delta\ndata: " + ERROR,
}


@pytest.mark.parametrize("told", NAMED.values(), ids=NAMED.keys())
@pytest.mark.parametrize("before", [[], [start()], [start(), *said("a")]], ids=["first", "started", "later"])
def test_what_is_called_an_error_ends_the_answer(told: bytes, before: list[dict[str, Any]]) -> None:
    events = run(passing(), [sse(*before) + told + sse(*end())])
    assert isinstance(events[-1], Failure)
    assert b"message_stop" not in bytes_of(events)


@pytest.mark.parametrize("reason", ["error", "network_error", "abort", "timeout", "cancelled"])
def test_a_reason_that_means_a_failure_is_one(reason: str) -> None:
    events = run(passing(), [sse(start(), *said("a"), *end(reason))])
    assert error_in(events).kind is ErrorKind.PROVIDER_DOWN
    assert reason.encode() not in bytes_of(events)
    body = json.dumps(message({"type": "text", "text": "a"}, reason=reason)).encode()
    assert error_in(run(whole(), [body])).kind is ErrorKind.PROVIDER_DOWN


def test_a_call_that_is_spoken_of_and_never_came_is_no_answer() -> None:
    assert error_in(run(passing(), [sse(start(), *end("tool_use"))])).kind is ErrorKind.PROVIDER_DOWN


def test_half_an_event_is_told_to_nobody() -> None:
    half = sse(delta("text_delta", text="world"))[:-12]
    events = run(passing(), [sse(start(), opened({"type": "text", "text": ""}), delta("text_delta", text="a")) + half])
    assert error_in(events).kind is ErrorKind.INCOMPLETE
    assert b"world" not in bytes_of(events)


def test_lines_may_end_in_carriage_returns_alone() -> None:
    events = same_at_every_cut(passing, STREAM.replace(b"\n", b"\r"))
    assert isinstance(events[-1], Finish)


@pytest.mark.parametrize("lead", [b"\xef\xbb\xbf", b"\n\n", b"retry: 3000\n\n", b"id: 1\n"], ids=str)
def test_a_stream_nobody_asked_for_is_known_by_its_first_line(lead: bytes) -> None:
    events = run(whole(), [lead + STREAM])
    assert json.loads(bytes_of(events))["content"] == [{"type": "text", "text": "Hello"}]


def test_counts_that_clients_read_are_there() -> None:
    begun = start()
    del begun["message"]["usage"]
    delta_event, stop = end()
    del delta_event["usage"]
    shown = bytes_of(run(passing(), [sse(begun, *said("a"), delta_event, stop)]))
    assert shown.count(b'"usage":{') == 2
    body = json.dumps(message({"type": "text", "text": "a"}, usage=None)).encode()
    assert json.loads(bytes_of(run(whole(), [body])))["usage"] == {"input_tokens": 0, "output_tokens": 0}


def test_a_later_event_without_a_reason_takes_none_back() -> None:
    first, stop = end("max_tokens")
    later = {**first, "delta": {"stop_reason": None, "stop_sequence": None}}
    events = run(passing(), [sse(start(), *said("a"), first, later, stop)])
    assert bytes_of(events).count(b'"stop_reason":"max_tokens"') == 2
    assert (
        json.loads(bytes_of(run(whole(), [sse(start(), *said("a"), first, later, stop)])))["stop_reason"]
        == "max_tokens"
    )
