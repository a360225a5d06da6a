"""Streams: the order of their events, and each breakage that is known of other translators."""

import json
from typing import Any

import httpx
import openai
import openai.types.responses as sdk
import pytest
from openai._models import validate_type

from addons.dialects.responses.numbered import opening
from addons.errors import GatewayError
from providers.contract.events import (
    Citation,
    Event,
    Finish,
    Image,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
    Verbatim,
    Withdrawn,
)
from tests.dialects.responses.reading import DIALECT, META, STEM, answer_of, events_in, kinds, parsed, stream_of, told

CUSTOM: Any = {"type": "custom", "name": "patch"}
SPACE: Any = {"type": "namespace", "name": "ns", "description": "d", "tools": [{"type": "function", "name": "f"}]}
WORDS = ["output_item.added", "content_part.added", "output_text.delta"]
WORDS_END = ["output_text.done", "content_part.done", "output_item.done"]
THOUGHTS = ["output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta"]
THOUGHTS_END = ["reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"]
BEGIN = ["created", "in_progress"]
CALL = ["output_item.added", "function_call_arguments.delta"]
CALL_END = ["function_call_arguments.done", "output_item.done"]
ALL: list[Event] = [
    Reasoning("I \ud83d"),
    Reasoning("\ude00 think"),
    Text('He"l'),
    Text("lo"),
    Citation("https://a", "A", "[1]", 0, 2),
    ToolCallDelta(4, "call_a", "weather", ""),
    ToolCallDelta(4, None, None, '{"city":'),
    ToolCallDelta(9, "call_b", "patch", '{"input":"x'),
    ToolCallDelta(4, None, None, '"Paris"}'),
    ToolCallDelta(9, None, None, 'y"}'),
    ToolCallDelta(10, None, "ns__f", ""),
    Usage(5, 7, 12, reasoning_tokens=2),
    Finish("tool_calls"),
]


def test_the_order_of_events() -> None:
    found = told(
        [Reasoning("a"), Text("b"), Text("c"), ToolCallDelta(0, "c1", "f", "{}"), Usage(1, 2, 3), Finish("tool_calls")]
    )
    assert kinds(found) == [
        *BEGIN, *THOUGHTS, *THOUGHTS_END, *WORDS, "output_text.delta", *WORDS_END, *CALL, *CALL_END, "completed",
    ]  # fmt: skip


def test_every_event_is_what_the_sdk_says_it_is() -> None:
    for event in told(ALL, tools=[CUSTOM, SPACE]):
        validate_type(type_=sdk.ResponseStreamEvent, value=event)  # type: ignore[arg-type]


def test_the_last_event_has_all_items_as_they_were_told() -> None:
    """LiteLLM #22102, llm-rosetta#56: no id, object or model, an empty output."""
    found = told(ALL, tools=[CUSTOM, SPACE])
    done = [event["item"] for event in found if event["type"].endswith("output_item.done")]
    answer = found[-1]["response"]
    assert (answer["id"], answer["object"], answer["model"], answer["status"]) == (
        META.id,
        "response",
        "m",
        "completed",
    )
    assert answer["output"] == done
    thought, message, weather, patch, other = done
    assert thought["summary"] == [{"type": "summary_text", "text": "I 😀 think"}]
    assert message["content"][0]["text"] == 'He"llo'
    assert message["content"][0]["annotations"] == [
        {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 0, "end_index": 2}
    ]
    assert (weather["name"], weather["arguments"], weather["call_id"]) == ("weather", '{"city":"Paris"}', "call_a")
    assert (patch["type"], patch["name"], patch["input"]) == ("custom_tool_call", "patch", "xy")
    assert (other["namespace"], other["name"], other["arguments"]) == ("ns", "f", "{}")
    assert answer == answer_of(ALL, stream=False, tools=[CUSTOM, SPACE])


def test_ids_are_of_their_kind_and_stay_the_same() -> None:
    found = told(ALL, tools=[CUSTOM, SPACE])
    opened = {event["output_index"]: event["item"]["id"] for event in found if event["type"].endswith("item.added")}
    closed = {event["output_index"]: event["item"]["id"] for event in found if event["type"].endswith("item.done")}
    assert opened == closed
    assert [id.partition("_")[0] for id in opened.values()] == ["rs", "msg", "fc", "ctc", "fc"]
    assert list(opened) == [0, 1, 2, 3, 4]
    assert all(event["item_id"] == opened[event["output_index"]] for event in found if "item_id" in event)
    assert len({item["call_id"] for item in found[-1]["response"]["output"] if "call_id" in item}) == 3


def test_deltas_are_what_the_done_events_say() -> None:
    """ogx#5309: no output_text.done."""
    found = told(ALL, tools=[CUSTOM])
    for delta, done, field in (
        ("response.output_text.delta", "response.output_text.done", "text"),
        ("response.reasoning_summary_text.delta", "response.reasoning_summary_text.done", "text"),
        ("response.custom_tool_call_input.delta", "response.custom_tool_call_input.done", "input"),
    ):
        said = "".join(event["delta"] for event in found if event["type"] == delta)
        assert [event[field] for event in found if event["type"] == done] == [said]
        assert said


def test_a_call_without_words_has_no_message() -> None:
    """LiteLLM #37852: a message that was closed and never opened."""
    found = told([Text(""), ToolCallDelta(0, "c", "f", "{}"), Finish("tool_calls")])
    assert kinds(found) == [*BEGIN, *CALL, *CALL_END, "completed"]


def test_words_before_a_call_are_kept() -> None:
    """CPA ecc9aa72b, new-api PR #2892."""
    output = told([Text("I call."), ToolCallDelta(0, "c", "f", "{}"), Finish("tool_calls")])[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call"]
    assert output[0]["content"][0]["text"] == "I call."


def test_words_behind_a_call_and_thoughts_behind_words_are_items_of_their_own() -> None:
    events = [Text("a"), Reasoning("b"), Text("c"), ToolCallDelta(0, "c", "f", "{}"), Text("d"), Finish("tool_calls")]
    found = told(events)
    output = found[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "reasoning", "message", "function_call", "message"]
    assert all("content_index" not in event or event["content_index"] == 0 for event in found)


def test_nothing_at_all_is_an_empty_message() -> None:
    found = told([Finish("stop")])
    assert kinds(found) == [*BEGIN, "output_item.added", "content_part.added", *WORDS_END, "completed"]


@pytest.mark.parametrize(("reason", "why"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_a_call_that_was_cut_off_is_not_told_as_done(reason: Any, why: str) -> None:
    """CPA 78f0c4079: a half call was run."""
    events: list[Event] = [
        Text("w"),
        ToolCallDelta(0, "a", "f", '{"x":1}'),
        ToolCallDelta(1, "b", "f", '{"x":'),
        ToolCallDelta(2, "c", "patch", '{"input":"half'),
        Finish(reason),
    ]
    found = told(events, tools=[CUSTOM])
    answer = found[-1]["response"]
    assert (found[-1]["type"], answer["status"]) == ("response.incomplete", "incomplete")
    assert answer["incomplete_details"] == {"reason": why}
    done = [
        event["item"]["call_id"]
        for event in found
        if event["type"] == "response.output_item.done" and "call_id" in event["item"]
    ]
    assert done == ["a"]
    assert [item["status"] for item in answer["output"]] == ["completed", "completed", "incomplete", "incomplete"]
    assert "[DONE]" not in str(found)


def test_a_message_that_was_cut_off_is_told_whole_and_incomplete() -> None:
    found = told([Text("so far"), Finish("length")])
    done = next(event for event in found if event["type"] == "response.output_item.done")
    assert (done["item"]["status"], done["item"]["content"][0]["text"]) == ("incomplete", "so far")


def test_a_refusal_is_a_part_of_its_own() -> None:
    events: list[Event] = [
        Text("Well."),
        *(Passthrough("delta", {"refusal": said}) for said in ("I ", "won't")),
        Finish("stop"),
    ]
    found = told(events)
    assert kinds(found)[5:] == [
        "output_text.done", "content_part.done", "content_part.added", "refusal.delta", "refusal.delta", "refusal.done",
        "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    text, refusal = found[-1]["response"]["output"][0]["content"]
    assert (text["text"], refusal) == ("Well.", {"type": "refusal", "refusal": "I won't"})
    assert [event["content_index"] for event in found if event["type"] == "response.refusal.delta"] == [1, 1]


def test_sources_before_the_words_wait_for_them() -> None:
    found = told(
        [
            Citation("https://a", "A"),
            Text("a"),
            Reasoning("r"),
            Text("bc"),
            Citation("https://b", "B", "c", 2, 3),
            Finish("stop"),
        ]
    )
    first, _, second = found[-1]["response"]["output"]
    assert [note["url"] for note in first["content"][0]["annotations"]] == ["https://a"]
    (note,) = second["content"][0]["annotations"]
    assert (note["url"], note["start_index"], note["end_index"]) == ("https://b", 1, 2)


def test_a_picture_at_hand_is_an_item_and_a_link_is_words() -> None:
    found = told([Text("See"), Image("data:image/png;base64,AAAA"), Image("https://a/b.png", "a [b]"), Finish("stop")])
    words, picture, link = found[-1]["response"]["output"]
    assert (picture["type"], picture["result"], picture["status"]) == ("image_generation_call", "AAAA", "completed")
    assert link["content"][0]["text"].strip() == "![a (b)](https://a/b.png)"
    assert words["content"][0]["text"] == "See"


def test_other_candidates_are_left_out() -> None:
    found = told(
        [Text("a"), Text("b", choice=1), Reasoning("c", choice=1), ToolCallDelta(0, "x", "f", "{}", 1), Finish("stop")]
    )
    assert [item["type"] for item in found[-1]["response"]["output"]] == ["message"]


def test_what_was_withdrawn_of_a_whole_answer_is_gone() -> None:
    events = [
        Text("old"),
        Citation("https://a", "A"),
        ToolCallDelta(0, "c", "f", "{}"),
        Withdrawn(),
        Text("new"),
        Finish("stop"),
    ]
    call, message = answer_of(events)["output"]
    assert (call["type"], call["status"]) == ("function_call", "completed")
    assert message["content"][0] == {"type": "output_text", "text": "new", "annotations": [], "logprobs": []}


# -- failures ----------------------------------------------------------------------------------------------------------
BROKEN = GatewayError(502, "[zai/demo] it broke off.", code="upstream_eof")


@pytest.mark.parametrize(
    "begun", [[], [Text("so far")], [ToolCallDelta(0, "c", "f", '{"half')]], ids=["nothing", "words", "a call"]
)
def test_a_failure_is_the_last_event(begun: list[Event]) -> None:
    stream = stream_of()
    found = events_in(stream.encode(begun) + stream.error(BROKEN))
    assert kinds(found)[:2] == BEGIN
    assert found[-1]["type"] == "response.failed"
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    answer = found[-1]["response"]
    validate_type(type_=sdk.Response, value=answer)
    assert (answer["status"], answer["error"]) == ("failed", {"code": "server_error", "message": BROKEN.message})
    assert all(item["status"] == "incomplete" for item in answer["output"])
    assert stream.kept() is None


# -- a provider's own words --------------------------------------------------------------------------------------------
def own(kind: str, number: int, **response: Any) -> bytes:
    said = json.dumps(
        {"type": kind, "sequence_number": number, "response": {"id": "resp_x", "object": "response", **response}}
    )
    return f"event: {kind}\ndata: {said}\n\n".encode()


def test_what_a_provider_says_in_this_form_goes_on_as_it_is() -> None:
    stream = stream_of()
    first, last = own("response.created", 0), own("response.completed", 1, status="completed", output=[])
    assert stream.encode([Verbatim(first)]) == first
    assert stream.encode([Verbatim(last), Usage(1, 2, 3), Finish("stop")]) == last
    kept = json.loads(stream.kept() or b"")
    assert (kept["response"]["id"], kept["response"]["status"]) == ("resp_x", "completed")


def test_a_failure_of_it_follows_what_it_said() -> None:
    stream = stream_of()
    said = own("response.created", 0, status="in_progress") + own("response.in_progress", 1)
    stream.encode([Verbatim(said)])
    (failed,) = events_in(stream.error(BROKEN))
    assert (failed["sequence_number"], failed["response"]["id"], failed["response"]["status"]) == (
        2,
        "resp_x",
        "failed",
    )


def test_a_whole_answer_of_it_too() -> None:
    document = b'{"id": "resp_x",  "object": "response", "output": []}'
    encoder = DIALECT.encoder(parsed(), META)
    assert encoder.encode([Verbatim(document), Usage(1, 2, 3), Finish("stop")]) == document
    assert json.loads(encoder.kept() or b"")["response"] == json.loads(document)  # type: ignore[attr-defined]


# -- the SDK -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("cut", [1, 7, 1_000_000])
def test_the_sdks_helper_puts_it_together_however_it_is_cut(cut: int) -> None:
    stream = stream_of(tools=[CUSTOM, SPACE])
    raw = stream.keepalive.join(stream.encode([event]) for event in ALL)
    pieces = [raw[at : at + cut] for at in range(0, len(raw), cut)]
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, headers={"content-type": "text/event-stream"}, content=iter(pieces))
    )
    with (
        openai.OpenAI(
            base_url="http://gateway/v1",
            api_key="key",
            http_client=httpx.Client(transport=transport),  # type: ignore[arg-type]
            _strict_response_validation=True,
        ) as client,
        client.responses.stream(model="m", input="hi") as helper,
    ):
        helper.until_done()
        final = helper.get_final_response()
    assert final.output_text == 'He"llo'
    assert [item.type for item in final.output] == [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
        "function_call",
    ]


def test_a_frame_is_a_name_and_its_data() -> None:
    assert opening("a.b") == b'event: a.b\ndata: {"type":"a.b",'
    assert STEM in META.id
