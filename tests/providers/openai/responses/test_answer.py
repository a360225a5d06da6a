"""The items of a response as events of a chat: each told once, wherever it was told first."""

import json

import pytest

from providers.contract.events import Citation, Event, Finish
from providers.openai.responses.decoder import ResponseDecoder
from tests.providers.openai.responses.streams import (
    begun,
    call,
    custom,
    ended,
    events,
    message,
    refusal,
    response,
    sse,
    stream,
    thinking,
)
from tests.providers.openai.streams import Answer, joined

SOURCE = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 5}
ITEMS = (thinking("First.", "Second."), message("Hello", [SOURCE]), call("f", '{"a": 1}'), call("g", "{}", "call_2"))


def answer(body: bytes) -> Answer:
    decoder = ResponseDecoder({})
    found: list[Event] = [*decoder.feed(body), *decoder.close()]
    return joined(found)


def unknown(body: bytes) -> dict[str, int]:
    decoder = ResponseDecoder({})
    decoder.feed(body)
    decoder.close()
    return dict(decoder.unknown)


def test_nothing_of_a_usual_answer_is_unknown() -> None:
    assert unknown(stream(*ITEMS)) == unknown(json.dumps(response(*ITEMS)).encode()) == {}


def test_thinking_is_told_once_in_short_or_as_it_was() -> None:
    item = thinking("Short.", content="At length.")
    assert answer(stream(item)).reasoning == {0: "Short."}
    assert answer(json.dumps(response(item)).encode()).reasoning == {0: "At length."}
    assert answer(stream(thinking(content="At length."))).reasoning == {0: "At length."}


def test_a_refusal_is_passed_on_by_its_name() -> None:
    for body in (stream(refusal("I will not")), json.dumps(response(refusal("I will not"))).encode()):
        found = answer(body)
        assert "".join(fields["refusal"] for _, _, fields in found.extra) == "I will not"
        assert (found.text, found.end) == ({}, Finish("stop"))


def test_a_call_of_a_custom_tool_keeps_its_kind() -> None:
    found = answer(stream(custom("patch", "*** Begin")))
    assert found.calls[0][2:4] == ("call_1", "patch")
    assert found.end == Finish("tool_calls")


@pytest.mark.parametrize("kinds", [(".done",), ("output_item.done",), ()], ids=["done", "items", "last event alone"])
def test_what_no_piece_told_is_told_by_what_is_whole(kinds: tuple[str, ...]) -> None:
    kept = (*kinds, "response.completed")
    told = [event for event in events(*ITEMS) if event["type"].endswith(kept) or event["type"] == "response.created"]
    found = answer(sse(told))
    assert (found.text, found.reasoning) == ({0: "Hello"}, {0: "First.\n\nSecond."})
    assert [each[2:] for each in found.calls] == [("call_1", "f", '{"a": 1}'), ("call_2", "g", "{}")]
    assert len(found.citations) == 1


def test_places_of_sources_are_those_of_the_whole_text() -> None:
    body = stream(message("Before. "), message("Hello", [SOURCE]))
    assert answer(body).citations == [Citation("https://a.example", "A", None, 8, 13)]


def test_what_is_not_known_is_counted() -> None:
    later: list[dict[str, object]] = [{"type": "response.of_the_future"}]
    later.append({"type": "response.output_item.done", "item": {"type": "dream"}})
    found = unknown(sse(later) + b'data: {"no": "type"}\n\ndata: 3\n\n')
    kinds = ["event response.of_the_future", "item dream", "event without a type", "event that is no object"]
    assert found == dict.fromkeys(kinds, 1)
    many = sse([{"type": f"kind {n}"} for n in range(1000)])
    assert len(unknown(many)) == 65


def test_items_that_the_last_event_alone_tells_are_told() -> None:
    item, said, asked = thinking("Hm."), message("Hello"), call("f", '{"a": 1}')
    first = [event for event in events(item) if event["type"] != "response.completed"]
    found = answer(sse([*first, ended(item, said, asked)]))
    assert (found.reasoning, found.text) == ({0: "Hm."}, {0: "Hello"})
    assert [each[2:] for each in found.calls] == [("call_1", "f", '{"a": 1}')]
    assert found.end == Finish("tool_calls")


@pytest.mark.parametrize(
    ("whole", "text"),
    [(["Hello", " there"], "Hello there"), (["Hello"], "Hello"), (["Hullo", "there"], "Hello"), ([], "Hello")],
    ids=["more", "the same", "another", "nothing"],
)
def test_text_of_the_last_event_is_told_where_it_goes_on_from_what_was_said(whole: list[str], text: str) -> None:
    first = [event for event in events(message("Hello")) if event["type"] != "response.completed"]
    assert answer(sse([*first, ended(*map(message, whole))])).text == {0: text}


def test_items_that_all_stand_at_one_index_are_told_apart() -> None:
    told = [*events(call("f", '{"a": 1}')), *events(call("g", '{"b": 2}', "call_2")), *events(message("a"))]
    body = [event for event in told if event["type"] not in ("response.completed", "response.created")]
    found = answer(sse([*body, ended(call("f", '{"a": 1}'), call("g", '{"b": 2}', "call_2"), message("a"))]))
    assert [each[2:] for each in found.calls] == [("call_1", "f", '{"a": 1}'), ("call_2", "g", '{"b": 2}')]
    assert found.text == {0: "a"}


def test_a_part_that_is_told_at_its_end_alone_is_told() -> None:
    part = {"type": "output_text", "text": "Hello", "annotations": []}
    event = {"type": "response.content_part.done", "output_index": 0, "content_index": 0, "part": part}
    assert answer(sse([event, ended(message("Hello"))])).text == {0: "Hello"}
    assert answer(sse([event, ended()])).text == {0: "Hello"}


def test_an_event_without_a_place_belongs_to_the_item_that_began_last() -> None:
    said = {"type": "response.output_text.delta", "item_id": "msg_of_a_relay", "content_index": 0, "delta": "Hello"}
    done = {"type": "response.output_item.done", "output_index": 0, "item": message("Hello")}
    assert answer(sse([begun(message("")), said, done, ended(message("Hello"))])).text == {0: "Hello"}
