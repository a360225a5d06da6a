"""Answers that are passed on: whole documents, events and bytes as they came, errors and ends found in them."""

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Event, Failure, Finish, Usage, Verbatim
from providers.openai.passed_answers import (
    ANSWER_BYTES,
    EVENT_BYTES,
    OCTETS,
    EventStream,
    PlainBytes,
    Reading,
    WholeDocument,
    media_type,
)


def whole(*pieces: bytes) -> list[Event]:
    decoder = WholeDocument(Reading({}))
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


def streamed(*pieces: bytes) -> list[Event]:
    decoder = EventStream(Reading({}))
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


def failed(events: list[Event]) -> ErrorKind:
    last = events[-1]
    assert isinstance(last, Failure)
    return last.error.kind


def test_a_document_is_passed_on_as_it_came_with_its_counts() -> None:
    body = b'{ "created": 1.50, "data":[{"b64_json":"AA=="}] ,"usage":{"input_tokens":3,"output_tokens":4}}\n'
    for cut in range(len(body)):
        verbatim, usage, finish = whole(body[:cut], body[cut:])
        assert verbatim == Verbatim(body)
        assert isinstance(usage, Usage)
        assert (usage.total_tokens, finish) == (7, Finish("stop"))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"data": [{"b64_json": "AA', ErrorKind.INCOMPLETE),
        (b"", ErrorKind.INCOMPLETE),
        (b"[]", ErrorKind.INCOMPLETE),
        (b'{"error": {"code": "insufficient_quota", "message": "no"}}', ErrorKind.QUOTA),
        (b'{"error": {"code": "content_policy_violation", "message": "no"}}', ErrorKind.CONTENT_FILTERED),
        (b"[" + b"0," * 250_000, ErrorKind.INCOMPLETE),
        (b"{" + b"0," * 250_000, ErrorKind.INCOMPLETE),
    ],
)
def test_what_is_no_document_with_pictures_is_a_failure(body: bytes, kind: ErrorKind) -> None:
    assert failed(whole(body)) is kind


def test_an_answer_has_a_bound() -> None:
    piece = b"a" * (1024 * 1024)
    decoder = WholeDocument(Reading({}))
    fed = [decoder.feed(piece) for _ in range(ANSWER_BYTES // len(piece) + 1)]
    assert failed(fed[-1]) is ErrorKind.PROVIDER_DOWN
    assert not any(fed[:-1])
    assert (decoder.feed(b"a"), decoder.close()) == ([], [])


PARTIAL = (
    b'event: image_generation.partial_image\r\ndata: {"type":"image_generation.partial_image","b64_json":"AA"}\r\n\r\n'
)
DONE = (
    b'event: image_generation.completed\ndata: {"type":"image_generation.completed","b64_json":"AA==",'
    b'"usage":{"input_tokens":1,"output_tokens":2}}\n\n'
)


def test_a_stream_is_passed_on_event_by_event_however_it_is_cut() -> None:
    body = PARTIAL + DONE
    for cut in range(1, len(body)):
        events = streamed(body[:cut], body[cut:])
        assert b"".join(event.data for event in events if isinstance(event, Verbatim)) == body
        assert events[-1] == Finish("stop")
        assert sum(isinstance(event, Usage) for event in events) == 1
        assert not any(isinstance(event, Verbatim) and not event.data.endswith(b"\n") for event in events)


def test_a_comment_is_no_beginning() -> None:
    decoder = EventStream(Reading({}))
    assert decoder.feed(b": wait\n\n") == []
    assert failed(decoder.feed(b'data: {"error": {"message": "busy", "code": "rate_limit_exceeded"}}\n\n'))


@pytest.mark.parametrize(
    ("pieces", "kind"),
    [
        ((PARTIAL,), ErrorKind.INCOMPLETE),
        ((), ErrorKind.INCOMPLETE),
        (
            (PARTIAL, b'event: error\ndata: {"type":"error","error":{"code":"server_error"}}\n\n'),
            ErrorKind.PROVIDER_DOWN,
        ),
        ((b"data: " + b"a" * (EVENT_BYTES + 1),), ErrorKind.PROVIDER_DOWN),
        ((b'{"error": {"code": "insufficient_quota"}}',), ErrorKind.QUOTA),
    ],
)
def test_a_stream_that_breaks_off_fails(pieces: tuple[bytes, ...], kind: ErrorKind) -> None:
    assert failed(streamed(*pieces)) is kind


def test_a_document_instead_of_a_stream_becomes_one_event() -> None:
    assert streamed(b'{"data":\n', b"[]}")[0] == Verbatim(b'data: {"data":\ndata: []}\n\n')


def test_vectors_are_passed_on_unread_with_the_counts_at_their_end() -> None:
    vectors = b'{"data": [' + b"0.25," * 250_000 + b'0], "usage": {"prompt_tokens": 8, "total_tokens": 8}}'
    verbatim, usage, finish = whole(vectors[:1000], vectors[1000:])
    assert verbatim == Verbatim(vectors)
    assert isinstance(usage, Usage)
    assert (usage.prompt_tokens, usage.completion_tokens, finish) == (8, 0, Finish("stop"))


def test_bytes_go_on_as_they_come_under_their_own_name() -> None:
    decoder = PlainBytes(Reading({}, content_type="audio/mpeg"))
    assert decoder.feed(b"") == []
    assert decoder.feed(b"\xff\xfb") == [Verbatim(b"\xff\xfb", "audio/mpeg")]
    assert decoder.close() == [Finish("stop")]
    assert (decoder.feed(b"x"), decoder.close()) == ([], [])
    assert failed(PlainBytes(Reading({})).close()) is ErrorKind.PROVIDER_DOWN


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("audio/mpeg", "audio/mpeg"),
        (" text/plain; charset=utf-8 ", "text/plain; charset=utf-8"),
        ("application/jsonl", "application/jsonl"),
        ("", OCTETS),
        ("text/html", OCTETS),
        ("TEXT/HTML; charset=utf-8", OCTETS),
        ("image/svg+xml", OCTETS),
        ("audio/mpeg\r\nset-cookie: a=b", OCTETS),
        ("audio/mpeg; " + "a=b; " * 100, OCTETS),
        ("no type", OCTETS),
    ],
)
def test_a_content_type_is_told_where_no_browser_runs_what_it_names(said: str, told: str) -> None:
    assert media_type(said) == told


@pytest.mark.parametrize("kind", ["speech.audio.done", "transcript.text.done", "image_edit.completed"])
def test_the_last_event_ends_a_stream(kind: str) -> None:
    event = b'data: {"type": "%s", "usage": {"input_tokens": 3, "output_tokens": 4}}\n\n' % kind.encode()
    assert streamed(event)[-1] == Finish("stop")
    assert failed(streamed(event.replace(kind.encode(), b"speech.audio.delta"))) is ErrorKind.INCOMPLETE


def test_an_end_mark_before_the_end_is_told_to_nobody() -> None:
    partial = b'data: {"type": "image_generation.partial_image", "b64_json": "AA"}\n\n'
    end = b'data: {"type": "image_generation.completed", "b64_json": "AA"}\n\n'
    events = streamed(partial, b"data: [DONE]\n\n", end)
    assert failed(events) is ErrorKind.INCOMPLETE
    assert Verbatim(b"data: [DONE]\n\n") not in events
    assert streamed(partial, end, b"data: [DONE]\n\n")[-1] == Finish("stop")


@pytest.mark.parametrize("data", [b'"gone"', b"gone", b'{"a": 1}'], ids=["text", "words", "object"])
def test_what_is_called_an_error_ends_a_stream(data: bytes) -> None:
    end = b'data: {"type": "image_generation.completed", "b64_json": "AA"}\n\n'
    assert failed(streamed(b"event: error\ndata: " + data + b"\n\n" + end)) is ErrorKind.PROVIDER_DOWN
