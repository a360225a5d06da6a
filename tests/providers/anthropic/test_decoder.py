"""The decoder for clients of other forms: what a body is, its bounds, its end."""

import json
from typing import Any

import pytest

from providers.anthropic.decoder import ENTRIES_LIMIT, LIMIT_BYTES, MessagesDecoder
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Text, Usage
from tests.providers.anthropic.streams import PING, end, failure, message, said, sse, start
from tests.support.decoding import run, same_at_every_cut, text_of

STREAM = sse(start(), PING, *said("Hel", "lo"), *end())


def error_in(events: list[Event]) -> ProviderError:
    assert isinstance(events[-1], Failure)
    return events[-1].error


@pytest.mark.parametrize(
    "stream",
    [STREAM, STREAM.replace(b"\n", b"\r\n"), b"\n\n" + STREAM + b"data: [DONE]\n\n", STREAM.replace(b"event: ", b"x: "),
     b": comment\n\n" + STREAM],
    ids=["plain", "crlf", "marked", "unnamed", "comment"],
)  # fmt: skip
def test_a_stream_is_read_the_same_at_every_cut(stream: bytes) -> None:
    events = same_at_every_cut(MessagesDecoder, stream)
    assert text_of(events) == "Hello"
    assert events[-1] == Finish("stop")


def test_a_whole_message_is_read_whatever_was_asked_for() -> None:
    body = json.dumps(message({"type": "text", "text": "Hello"})).encode()
    events = same_at_every_cut(MessagesDecoder, body)
    assert events == [Text("Hello"), Usage(7, 6, 13, None, 2), Finish("stop")]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (sse(start(), failure()), ErrorKind.PROVIDER_DOWN),
        (sse(start(), failure("rate_limit_error")), ErrorKind.RATE_LIMITED),
        (sse(start(), *said("x"), failure("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")),
         ErrorKind.TOO_LONG),
        (json.dumps(failure("authentication_error", "invalid x-api-key")).encode(), ErrorKind.SESSION_EXPIRED),
        (b'{"error": {"message": "no", "code": "1113"}}', ErrorKind.QUOTA),
        (b'data: {"error": {"message": "no", "type": "1113"}}\n\n', ErrorKind.QUOTA),
        (sse(start(), *said("x")), ErrorKind.INCOMPLETE),
        (sse(start(), *said("x"), end()[1]), ErrorKind.INCOMPLETE),
        (json.dumps(message({"type": "text", "text": "x"})).encode()[:-1], ErrorKind.INCOMPLETE),
        (json.dumps(message(reason=None)).encode(), ErrorKind.INCOMPLETE),
        (b"", ErrorKind.INCOMPLETE),
        (b"Not found", ErrorKind.PROVIDER_DOWN),
        (b"data: x\n\n", ErrorKind.PROVIDER_DOWN),
        (b"<html><title>Hello</title></html>", ErrorKind.PROVIDER_DOWN),
        (b'{"choices": [{"message": {"content": "x"}}]}', ErrorKind.PROVIDER_DOWN),
        (json.dumps(message(*[{"type": "text", "text": "x"}] * (ENTRIES_LIMIT + 1))).encode(), ErrorKind.PROVIDER_DOWN),
    ],
    ids=["overloaded", "limited", "too long", "key", "another form", "a code as type", "cut", "no reason", "cut whole",
         "no reason in a whole one", "nothing", "words", "no JSON", "a page", "another answer", "too many parts"],
)  # fmt: skip
def test_what_is_no_whole_answer_fails(body: bytes, kind: ErrorKind) -> None:
    events = run(MessagesDecoder(), [body])
    assert error_in(events).kind is kind
    if len(body) < 4000:
        same_at_every_cut(MessagesDecoder, body)


def test_an_answer_is_whole_when_its_reason_was_said() -> None:
    decoder = MessagesDecoder()
    decoder.feed(sse(start(), *said("x"), end()[0]))
    assert decoder.ended
    assert decoder.close()[-1] == Finish("stop")


def test_what_comes_broken_behind_the_end_changes_nothing() -> None:
    assert run(MessagesDecoder(), [sse(start(), *said("x"), end()[0]), b"data: {\n\n"])[-1] == Finish("stop")


@pytest.mark.parametrize(
    "begin", [b"data: ", b"{", b'{"a": ['], ids=["an event", "a document", "a document of many values"]
)
def test_nothing_is_read_beyond_a_bound(begin: bytes) -> None:
    decoder = MessagesDecoder()
    out: list[Event] = decoder.feed(begin)
    piece = b"{}," * 100_000
    for _ in range(LIMIT_BYTES // len(piece) + 2):
        out += decoder.feed(piece)
    assert error_in(out).kind is ErrorKind.PROVIDER_DOWN


def test_a_failure_is_told_with_what_the_provider_knows() -> None:
    def told(error: ProviderError) -> ProviderError:
        error.message += " And more."
        return error

    found: dict[str, Any] = failure()
    assert error_in(run(MessagesDecoder(told=told), [sse(found)])).message.endswith("And more.")


@pytest.mark.parametrize(
    "data", [b'"gone"', b"gone", b'{"message": "gone"}', b""], ids=["text", "words", "message", "none"]
)
def test_what_is_called_an_error_ends_the_answer(data: bytes) -> None:
    named = b"event: error\ndata: " + data + b"\n\n"
    events = run(MessagesDecoder(), [sse(start(), *said("x")) + named + sse(*end())])
    assert error_in(events).kind is ErrorKind.PROVIDER_DOWN
