"""Responses that go to the client as they came: every byte, the counts beside them, and how they end."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contract.errors import ErrorKind
from providers.contract.events import Event, Failure, Finish, Issued, Usage, Verbatim
from providers.openai.responses.passed import PassedResponse
from tests.providers.openai.responses.streams import (
    call,
    events,
    failed,
    frame,
    kinds,
    message,
    response,
    sse,
    stream,
    thinking,
)

COUNTS = Usage(9, 4, 13, reasoning_tokens=2, cached_tokens=3)
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"query": "x", "of_later": [1.50]}}
WHOLE = stream(thinking("One", "Two"), SEARCH, message("Hello"), call("f", '{"a": 1}'))


def decoded(*pieces: bytes, streamed: bool = True) -> list[Event]:
    decoder = PassedResponse({}, lambda error: error, stream=streamed)
    found = [event for piece in pieces for event in decoder.feed(piece)]
    found += decoder.close()
    assert decoder.feed(b"data: {}\n\n") == decoder.close() == []
    return found


def said(found: list[Event]) -> bytes:
    return b"".join(event.data for event in found if isinstance(event, Verbatim))


def rest(found: list[Event]) -> list[Event]:
    return [event for event in found if not isinstance(event, Verbatim | Issued)]


def failure(found: list[Event]) -> Failure:
    last = found[-1]
    assert isinstance(last, Failure)
    return last


def test_a_stream_is_passed_on_to_the_byte_however_it_was_cut() -> None:
    expected = rest(decoded(WHOLE))
    assert expected == [COUNTS, Finish("tool_calls")]
    for cut in range(len(WHOLE)):
        found = decoded(WHOLE[:cut], WHOLE[cut:])
        assert said(found) == WHOLE
        assert rest(found) == expected


@given(st.lists(st.integers(1, 400), max_size=40))
def test_many_cuts_change_nothing(sizes: list[int]) -> None:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(WHOLE[at : at + size])
        at += size
    assert said(decoded(*pieces, WHOLE[at:])) == WHOLE


@given(st.lists(st.binary(max_size=60)))
def test_no_bytes_make_it_raise(pieces: list[bytes]) -> None:
    for streamed in (True, False):
        found = decoded(*pieces, streamed=streamed)
        assert sum(isinstance(event, Finish | Failure) for event in found) == 1
        assert isinstance(found[-1], Finish | Failure)


def test_nothing_is_told_before_the_first_piece() -> None:
    decoder = PassedResponse({}, lambda error: error, stream=True)
    told = events(message("Hi"))
    opening = sse(told[:4])
    assert told[4]["type"] == "response.output_text.delta"
    assert decoder.feed(b": waiting\n\n" + opening) == []
    piece = frame(told[4])
    assert decoder.feed(piece) == [Verbatim(b": waiting\n\n" + opening + piece)]
    assert decoder.feed(b": still there\n\n") == [Verbatim(b": still there\n\n")]


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        (failed("server_error", "The server had an error"), ErrorKind.PROVIDER_DOWN),
        (failed("rate_limit_exceeded", "Try again in 2s"), ErrorKind.RATE_LIMITED),
        (failed("insufficient_quota", "You exceeded your current quota"), ErrorKind.QUOTA),
        (failed("context_length_exceeded", "Too long"), ErrorKind.TOO_LONG),
        (failed("server_is_overloaded", "At capacity"), ErrorKind.PROVIDER_DOWN),
        ({"type": "response.failed", "response": None}, ErrorKind.PROVIDER_DOWN),
        (
            {"type": "error", "code": "rate_limit_exceeded", "message": "Slow down", "param": None},
            ErrorKind.RATE_LIMITED,
        ),
        ({"type": "error", "error": {"code": "insufficient_quota", "message": "No"}}, ErrorKind.QUOTA),
        ({"type": "error"}, ErrorKind.PROVIDER_DOWN),
        ({"error": {"message": "No such model", "code": "model_not_found"}}, ErrorKind.MODEL_UNAVAILABLE),
        ({"type": "response.cancelled", "response": {}}, ErrorKind.INCOMPLETE),
    ],
    ids=lambda value: str(value.get("type", "bare")) if isinstance(value, dict) else value.value,
)
def test_an_error_in_a_200_is_one_before_the_first_piece_and_told_behind_it(last: Any, kind: ErrorKind) -> None:
    told = events(message("Hello"))
    end = frame(last, named="type" in last)
    early = decoded(sse(told[:4]) + end)
    assert early[:-1] == []
    assert (failure(early).error.kind, failure(early).told) == (kind, False)
    late = decoded(sse(told[:6]) + end + b"data: never read\n\n")
    assert said(late) == sse(told[:6]) + end
    assert (failure(late).error.kind, failure(late).told) == (kind, True)


@pytest.mark.parametrize(
    ("reason", "finish"), [("max_output_tokens", "length"), ("content_filter", "content_filter"), ("new", "length")]
)
def test_an_incomplete_answer_ends_as_the_api_says(reason: str, finish: Any) -> None:
    body = stream(message("Hal"), status="incomplete", incomplete_details={"reason": reason})
    assert (said(decoded(body)), rest(decoded(body))) == (body, [COUNTS, Finish(finish)])


def test_a_stream_that_ends_before_its_last_event_is_cut_off() -> None:
    told = events(message("Hello"))
    found = decoded(sse(told[:6]) + b'event: response.output_text.delta\ndata: {"type": "resp')
    assert said(found) == sse(told[:6])
    assert (failure(found).error.kind, failure(found).told) == (ErrorKind.INCOMPLETE, False)
    assert failure(decoded()).error.kind is ErrorKind.INCOMPLETE
    assert failure(decoded(b": hm\n\ndata: [DONE]\n\n")).error.kind is ErrorKind.INCOMPLETE


def test_the_last_event_counts_without_its_blank_line() -> None:
    assert rest(decoded(WHOLE[:-2])) == [COUNTS, Finish("tool_calls")]
    assert said(decoded(WHOLE[:-2])) == WHOLE


def test_events_without_names_and_with_other_line_ends_are_read_too() -> None:
    told = events(message("Hello"))
    bare = sse(told, named=False)
    assert (said(decoded(bare)), rest(decoded(bare))) == (bare, [COUNTS, Finish("stop")])
    for ends in (b"\r\n", b"\r"):
        body = WHOLE.replace(b"\n", ends)
        for cut in range(0, len(body), 7):
            assert said(decoded(body[:cut], body[cut:])) == WHOLE


def test_events_of_the_future_are_passed_on() -> None:
    later = frame({"type": "response.of_the_future.delta", "delta": "?"}) + b"data: no json\n\n"
    body = later + WHOLE
    assert said(decoded(body)) == body


def test_what_grows_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.shared.verbatim.EVENT_BYTES", 2000)
    assert failure(decoded(*[b"data: " + b"x" * 500] * 5)).error.kind is ErrorKind.PROVIDER_DOWN
    assert failure(decoded(*[b": waiting\n\n" * 20] * 20)).error.kind is ErrorKind.PROVIDER_DOWN
    monkeypatch.setattr("providers.shared.verbatim.ANSWER_BYTES", 2000)
    assert failure(decoded(*[b'{"a": "' + b"x" * 500] * 5)).error.kind is ErrorKind.PROVIDER_DOWN


# -- whole answers ----------------------------------------------------------------------------------------------------
def test_a_whole_answer_is_passed_on_as_it_came() -> None:
    body = json.dumps(response(thinking("Hm"), message("Hello"), of_later=1.50), indent=2).encode()
    for cut in range(0, len(body), 5):
        found = decoded(body[:cut], body[cut:], streamed=False)
        assert (found[0], rest(found)) == (Verbatim(body), [COUNTS, Finish("stop")])
    half = json.dumps(response(status="incomplete", incomplete_details={"reason": "content_filter"})).encode()
    found = decoded(half, streamed=False)
    assert (found[0], rest(found)) == (Verbatim(half), [COUNTS, Finish("content_filter")])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"code": "insufficient_quota", "message": "no"}}, ErrorKind.QUOTA),
        (response(status="failed", error={"code": "server_error", "message": "no"}), ErrorKind.PROVIDER_DOWN),
        (response(status="failed"), ErrorKind.PROVIDER_DOWN),
        (response(status="cancelled"), ErrorKind.INCOMPLETE),
        (response(status="in_progress"), ErrorKind.INCOMPLETE),
        ("{", ErrorKind.INCOMPLETE),
        ("<html><title>Gateway</title>", ErrorKind.PROVIDER_DOWN),
    ],
    ids=["error", "failed", "failed without a word", "cancelled", "running", "cut", "page"],
)
@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "whole"])
def test_a_whole_answer_that_is_none_fails(body: Any, kind: ErrorKind, streamed: bool) -> None:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    found = decoded(b"\n\n", raw, streamed=streamed)
    assert said(found) == b""
    assert (failure(found).error.kind, failure(found).told) == (kind, False)


def test_an_api_that_does_not_stream_is_heard_all_the_same() -> None:
    whole = response(thinking("Hm"), message("Hello"))
    found = decoded(json.dumps(whole).encode())
    assert rest(found) == [COUNTS, Finish("stop")]
    told = [json.loads(line[6:]) for line in said(found).splitlines() if line.startswith(b"data: ")]
    usual = events(thinking("Hm"), message("Hello"))
    assert kinds(told) == kinds(usual)
    assert told[-1]["response"] == whole
    assert [event["sequence_number"] for event in told] == list(range(len(told)))


def test_an_api_that_always_streams_gives_its_last_event() -> None:
    found = decoded(WHOLE[:70], WHOLE[70:], streamed=False)
    assert (
        json.loads(said(found))
        == events(thinking("One", "Two"), SEARCH, message("Hello"), call("f", '{"a": 1}'))[-1]["response"]
    )
    assert rest(found) == [COUNTS, Finish("tool_calls")]
    assert failure(decoded(sse([failed("server_error", "x")]), streamed=False)).error.kind is ErrorKind.PROVIDER_DOWN
    nothing = frame({"type": "response.completed"})
    assert failure(decoded(nothing, streamed=False)).error.kind is ErrorKind.PROVIDER_DOWN


@pytest.mark.parametrize(("said_of_it", "there"), [({"store": True}, True), ({"store": False}, False), ({}, False)])
@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "whole"])
def test_the_id_is_told_by_which_others_go_on(said_of_it: dict[str, Any], there: bool, streamed: bool) -> None:
    whole = response(message("Hi"), **said_of_it)
    body = stream(message("Hi"), **said_of_it) if streamed else json.dumps(whole).encode()
    issued, *items = (event for event in decoded(body, streamed=streamed) if isinstance(event, Issued))
    assert items == ([Issued("item", whole["output"][0]["id"])] if there else [])
    assert (issued.kind, issued.id, issued.there, json.loads(issued.document)) == ("response", "resp_1", there, whole)
    odd = json.dumps({**whole, "id": "a b"}).encode()
    assert not any(isinstance(event, Issued) for event in decoded(odd, streamed=streamed))


# -- what clients cannot read, and what is no answer ------------------------------------------------------------------
def told_in(found: list[Event]) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in said(found).splitlines() if line.startswith(b"data: ")]


def without(told: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [event for event in told if event["type"] not in kinds]


@pytest.mark.parametrize("lacks", [{"output": []}, {"output": None}], ids=str)
def test_an_end_without_items_gets_those_that_were_told(lacks: dict[str, Any]) -> None:
    usual = events(thinking("Hm"), message("Hello"), call("f", '{"a": 1}'))
    last = {**usual[-1], "response": {**usual[-1]["response"], **lacks}}
    body = sse([*usual[:-1], last])
    assert told_in(decoded(body)) == usual
    assert json.loads(said(decoded(body, streamed=False))) == usual[-1]["response"]


def test_an_end_without_items_of_an_answer_without_any_is_as_it_came() -> None:
    body = sse(events())
    assert said(decoded(body)) == body


ITEMS = (thinking("Hm"), message("Hello"), call("f", '{"a": 1}'))


def test_items_that_the_end_alone_tells_are_told_before_it() -> None:
    usual = events(*ITEMS)
    found = told_in(decoded(sse([usual[0], usual[1], usual[-1]])))
    assert kinds(found) == kinds(usual)
    assert [event["item"] for event in found if event["type"] == "response.output_item.done"] == list(ITEMS)


def test_an_item_that_has_begun_is_only_ended() -> None:
    usual = without(events(*ITEMS), "response.output_item.done")
    found = told_in(decoded(sse(usual)))
    assert [event["type"] for event in found] == [
        *(event["type"] for event in usual[:-1]), *["response.output_item.done"] * 3, "response.completed",
    ]  # fmt: skip


def test_items_that_all_stand_at_one_index_are_not_told_again() -> None:
    usual = [{**event, "output_index": 0} if "output_index" in event else event for event in events(*ITEMS)]
    assert told_in(decoded(sse(usual))) == usual


@pytest.mark.parametrize("pieces", [1, 3])
def test_an_end_mark_before_the_end_is_told_to_nobody(pieces: int) -> None:
    stream_, done = sse(events(message("Hello"))[:-1]), b"data: [DONE]\n\n"
    found = decoded(stream_ + done) if pieces == 1 else decoded(stream_, done[:7], done[7:])
    assert (failure(found).error.kind, failure(found).told) == (ErrorKind.INCOMPLETE, False)
    assert said(found) == stream_


@pytest.mark.parametrize("data", [b'"gone"', b"gone", b""], ids=["text", "words", "nothing"])
def test_what_is_called_an_error_and_says_it_to_no_client_is_told_by_ours(data: bytes) -> None:
    begun = sse(events(message("Hello"))[:5])
    found = decoded(begun + b"event: error\ndata: " + data + b"\n\n" + sse(events(message("late"))[-1:]))
    assert failure(found).told is False
    assert said(found) == begun


@pytest.mark.parametrize(
    ("fields", "kind"),
    [({"status": "failed"}, ErrorKind.PROVIDER_DOWN), ({"error": {"message": "x"}}, ErrorKind.PROVIDER_DOWN)],
    ids=["status", "error"],
)
def test_a_completed_response_that_says_that_it_failed_is_told_as_failed(
    fields: dict[str, Any], kind: ErrorKind
) -> None:
    *before, last = events(message("Hello"))
    found = decoded(sse([*before, {**last, "response": {**last["response"], **fields}}]))
    assert (failure(found).error.kind, failure(found).told) == (kind, False)
    assert told_in(found) == before


def test_a_completed_response_with_half_a_call_is_none() -> None:
    found = decoded(stream(call("f", '{"a": "x')))
    assert failure(found).error.kind is ErrorKind.INCOMPLETE
    assert b"response.completed" not in said(found)


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"output": None}, {"output": {}}], ids=str)
def test_a_document_without_items_is_no_response(body: dict[str, Any]) -> None:
    assert failure(decoded(json.dumps(body).encode())).error.kind is ErrorKind.PROVIDER_DOWN
    assert failure(decoded(json.dumps(body).encode(), streamed=False)).error.kind is ErrorKind.PROVIDER_DOWN
