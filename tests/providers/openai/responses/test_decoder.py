"""Responses asked for in a chat's stead: what a chat's client is told of their events and whole bodies."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind
from providers.contract.events import Citation, Event, Failure, Finish, Text, Usage
from providers.openai.responses.decoder import ResponseDecoder
from tests.providers.openai.responses.streams import (
    begun,
    call,
    events,
    failed,
    frame,
    message,
    response,
    sse,
    stream,
    thinking,
)
from tests.providers.openai.streams import Answer, joined

COUNTS = Usage(9, 4, 13, reasoning_tokens=2, cached_tokens=3)
SOURCE = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 5}
ITEMS = (thinking("First.", "Second."), message("Hello", [SOURCE]), call("f", '{"a": 1}'), call("g", "{}", "call_2"))
STREAM = stream(*ITEMS)


def decoded(*pieces: bytes) -> list[Event]:
    decoder = ResponseDecoder({})
    found = [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()
    assert decoder.feed(b"data: {}\n\n") == decoder.close() == []
    return found


def answer(*pieces: bytes) -> Answer:
    return joined(decoded(*pieces))


@pytest.mark.untraced
@pytest.mark.parametrize("body", [STREAM, json.dumps(response(*ITEMS)).encode()], ids=["stream", "whole"])
def test_all_parts_of_an_answer_are_told_however_it_was_cut(body: bytes) -> None:
    for cut in range(len(body)):
        found = answer(body[:cut], body[cut:])
        assert (found.text, found.reasoning) == ({0: "Hello"}, {0: "First.\n\nSecond."})
        assert found.calls == [(0, 0, "call_1", "f", '{"a": 1}'), (0, 1, "call_2", "g", "{}")]
        assert found.citations == [Citation("https://a.example", "A", None, 0, 5)]
        assert (found.usage, found.end) == (COUNTS, Finish("tool_calls"))


@given(st.lists(st.binary(max_size=60)))
def test_no_bytes_make_it_raise(pieces: list[bytes]) -> None:
    assert sum(isinstance(event, Finish | Failure) for event in decoded(*pieces)) == 1


@pytest.mark.parametrize("odd", [None, 1, True, "x", [], [[]], {}, {"type": []}], ids=repr)
def test_odd_values_in_usual_places_make_no_trouble(odd: Any) -> None:
    for event in events(*ITEMS):
        for name in set(event) - {"type"}:
            decoded(frame({**event, name: odd}), STREAM)
    for item in ITEMS:
        for name in item:
            decoded(json.dumps(response({**item, name: odd})).encode())


@pytest.mark.parametrize(
    ("reason", "finish"), [("max_output_tokens", "length"), ("content_filter", "content_filter"), ("new", "length")]
)
def test_an_incomplete_answer_says_why(reason: str, finish: Any) -> None:
    details = {"reason": reason}
    assert answer(stream(message("Hal"), status="incomplete", incomplete_details=details)).end == Finish(finish)
    whole = json.dumps(response(message("Hal"), status="incomplete", incomplete_details=details)).encode()
    assert (answer(whole).text, answer(whole).end) == ({0: "Hal"}, Finish(finish))


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (failed("server_error", "The server had an error"), ErrorKind.PROVIDER_DOWN),
        (failed("insufficient_quota", "You exceeded your current quota"), ErrorKind.QUOTA),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "Slow down"}, ErrorKind.RATE_LIMITED),
        ({"type": "error"}, ErrorKind.PROVIDER_DOWN),
        ({"type": "response.cancelled"}, ErrorKind.INCOMPLETE),
    ],
    ids=["failed", "quota", "error", "error without a word", "cancelled"],
)
def test_an_error_ends_the_answer_before_its_words_and_behind_them(last: dict[str, Any], kind: ErrorKind) -> None:
    told = events(message("Hello"))
    for count in (2, 6):
        assert answer(sse([*told[:count], last])).failure.kind is kind


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", ErrorKind.INCOMPLETE),
        (sse(events(message("Hello"))[:-1]), ErrorKind.INCOMPLETE),
        (sse(events(message("Hello"))[:-1]) + b"data: [DONE]\n\n", ErrorKind.INCOMPLETE),
        (b"data: {broken\n\n", ErrorKind.PROVIDER_DOWN),
        (b'{"id": "resp', ErrorKind.INCOMPLETE),
        (b'{"object": "list"}', ErrorKind.PROVIDER_DOWN),
        (b'{"error": {"code": "insufficient_quota"}}', ErrorKind.QUOTA),
        (json.dumps(response(status="failed")).encode(), ErrorKind.PROVIDER_DOWN),
        (b"<html>no</html>", ErrorKind.PROVIDER_DOWN),
        (b"upstream is away", ErrorKind.PROVIDER_DOWN),
    ],
    ids=["nothing", "cut", "done", "broken", "half", "other", "error", "failed", "page", "words"],
)
def test_what_is_no_whole_answer_fails(body: bytes, kind: ErrorKind) -> None:
    assert answer(body).failure.kind is kind


def test_what_grows_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.openai.responses.answer.PARTS_LIMIT", 50)
    part = {"type": "output_text", "text": "a"}
    many = response({"type": "message", "content": [part] * 60})
    assert answer(json.dumps(many).encode()).failure.kind is ErrorKind.PROVIDER_DOWN
    pieces = [{"type": "response.output_text.delta", "output_index": n, "delta": "a"} for n in range(60)]
    assert answer(sse(pieces)).failure.kind is ErrorKind.PROVIDER_DOWN
    monkeypatch.setattr("providers.openai.responses.decoder.LIMIT_BYTES", 1000)
    assert answer(*[b'{"a": "' + b"x" * 500] * 5).failure.kind is ErrorKind.PROVIDER_DOWN
    assert answer(*[b"data: " + b"x" * 500] * 5).failure.kind is ErrorKind.PROVIDER_DOWN


@pytest.mark.parametrize(
    "told",
    [
        b'event: error\ndata: "gone"\n\n',
        b"event: error\ndata: gone\n\n",
        b"error: gone\n\n",
        frame({"type": "response.error", "error": {"message": "gone"}}),
    ],
    ids=["text", "words", "field", "type"],
)
@pytest.mark.parametrize("before", [b"", frame(begun(message("")))], ids=["first", "later"])
def test_what_is_called_an_error_ends_the_answer(told: bytes, before: bytes) -> None:
    found = decoded(before + told + stream(message("late")))
    assert isinstance(found[-1], Failure)
    assert "gone" in found[-1].error.message
    assert Text("late") not in found


def test_the_end_has_another_name_over_web_sockets() -> None:
    assert decoded(stream(message("a")).replace(b"response.completed", b"response.done"))[-1] == Finish("stop")
