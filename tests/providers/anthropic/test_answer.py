"""What the events of a message mean."""

import json
from typing import Any

import pytest

from providers.anthropic.answer import CALLS_LIMIT, CITATIONS_LIMIT
from providers.anthropic.decoder import MessagesDecoder
from providers.contract.errors import ErrorKind
from providers.contract.events import (
    Citation,
    Event,
    Failure,
    Finish,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
)
from tests.providers.anthropic.streams import closed, delta, end, message, opened, said, sse, start
from tests.support.decoding import run, same_at_every_cut

THOUGHT = [opened({"type": "thinking", "thinking": "", "signature": ""}), delta("thinking_delta", thinking="Hm."),
           delta("signature_delta", signature="sig"), closed()]  # fmt: skip


def read(*events: dict[str, Any]) -> list[Event]:
    return same_at_every_cut(MessagesDecoder, sse(start(), *events))


def calls(events: list[Event]) -> list[ToolCallDelta]:
    return [event for event in events if isinstance(event, ToolCallDelta)]


def call(index: int, name: str, *pieces: str, given: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    block = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": given or {}}
    deltas = [delta("input_json_delta", index, partial_json=piece) for piece in pieces]
    return [opened(block, index), *deltas, closed(index)]


def test_thinking_is_reasoning_and_its_signature_is_nobodys() -> None:
    assert read(*THOUGHT, *said("x", index=1), *end())[1:3] == [Reasoning("Hm."), Text("x")]


def test_calls_are_numbered_among_themselves() -> None:
    events = read(*said("I look."), *call(1, "look", "", '{"at":', '"door"}'), *call(2, "wait"), *end("tool_use"))
    assert calls(events) == [
        ToolCallDelta(0, "toolu_1", "look", ""),
        ToolCallDelta(0, None, None, '{"at":'),
        ToolCallDelta(0, None, None, '"door"}'),
        ToolCallDelta(1, "toolu_2", "wait", ""),
        ToolCallDelta(1, None, None, "{}"),
    ]
    assert events[-1] == Finish("tool_calls")


def test_arguments_that_stand_in_the_beginning_of_a_call_count_where_no_others_come() -> None:
    assert calls(read(*call(0, "f", given={"a": 1}), *end("tool_use")))[-1].arguments == '{"a":1}'
    assert [one.arguments for one in calls(read(*call(0, "f", "{}", given={"a": 1}), *end("tool_use")))] == ["", "{}"]


def test_calls_at_the_same_time_are_kept_apart() -> None:
    first, second = (opened({"type": "tool_use", "id": f"t{n}", "name": "f", "input": {}}, n) for n in (0, 1))
    pieces = [
        delta("input_json_delta", n, partial_json=piece) for n, piece in ((1, "{1"), (0, "{0"), (1, "}"), (0, "}"))
    ]
    events = read(first, second, *pieces, closed(0), closed(1), *end("tool_use"))
    assert [(one.index, one.arguments) for one in calls(events)[2:]] == [(1, "{1"), (0, "{0"), (1, "}"), (0, "}")]


@pytest.mark.parametrize(
    ("reason", "events", "ours"),
    [
        ("end_turn", said("x"), "stop"),
        ("end_turn", call(0, "f"), "tool_calls"),
        ("tool_use", said("x"), "stop"),
        ("max_tokens", call(0, "f"), "length"),
        ("pause_turn", said("x"), "length"),
        ("refusal", said("x"), "content_filter"),
        ("model_context_window_exceeded", said("x"), "length"),
        ("of_the_future", said("x"), "stop"),
    ],
)
def test_reasons(reason: str, events: list[dict[str, Any]], ours: str) -> None:
    assert read(*events, *end(reason))[-1] == Finish(ours)  # type: ignore[arg-type]


def test_the_sequence_that_stopped_it_is_told() -> None:
    assert read(*said("x"), *end("stop_sequence", stop_sequence="END"))[-1] == Finish("stop", stop_sequence="END")


def test_a_window_that_was_full_before_the_first_word_is_a_conversation_too_long() -> None:
    last = read(*end("model_context_window_exceeded"))[-1]
    assert isinstance(last, Failure)
    assert last.error.kind is ErrorKind.TOO_LONG


def test_a_refusal_says_why() -> None:
    events = read(*said("x"), *end("refusal", stop_details={"type": "refusal", "explanation": "Not this."}))
    assert Passthrough("delta", {"refusal": "Not this."}) in events


def test_sources_stand_at_the_text_they_are_for() -> None:
    source = {"type": "web_search_result_location", "url": "https://a.example/", "title": "A", "cited_text": "so"}
    cited = [opened({"type": "text", "text": ""}, 1), delta("citations_delta", 1, citation=source),
             delta("text_delta", 1, text="so"), delta("citations_delta", 1, citation=source), closed(1)]  # fmt: skip
    events = read(*said("It is "), *cited, *end())
    assert [event for event in events if isinstance(event, Citation)] == [
        Citation("https://a.example/", "A", None, 6, 8)
    ]


def test_a_whole_message_says_the_same() -> None:
    source = {"type": "web_search_result_location", "url": "https://a.example/", "title": "A"}
    body = message(
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "text", "text": "Yes.", "citations": [source, {"type": "char_location", "document_index": 0}]},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
        reason="tool_use",
    )
    assert run(MessagesDecoder(), [json.dumps(body).encode()]) == [
        Reasoning("Hm."),
        Text("Yes."),
        Citation("https://a.example/", "A", None, 0, 4),
        ToolCallDelta(0, "toolu_1", "f", ""),
        ToolCallDelta(0, None, None, '{"a":1}'),
        ToolCallDelta(1, "toolu_2", "g", ""),
        ToolCallDelta(1, None, None, "{}"),
        Usage(7, 6, 13, None, 2),
        Finish("tool_calls"),
    ]


def test_what_the_server_does_itself_is_no_call_of_the_clients() -> None:
    searched = [opened({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
                delta("input_json_delta", partial_json='{"query": "x"}'), closed(),
                opened({"type": "web_search_tool_result", "content": []}, 1), closed(1)]  # fmt: skip
    decoder = MessagesDecoder()
    events = run(decoder, [sse(start(), *searched, *said("x", index=2), *end())])
    assert not calls(events)
    assert not decoder.unknown


def test_what_is_not_known_is_counted_and_passed_over() -> None:
    decoder = MessagesDecoder()
    odd = [{"type": "of_the_future"}, opened({"type": "hologram"}), delta("light_delta"), closed()]
    assert run(decoder, [sse(start(), *odd, *said("x"), *end("tired"))])[-1] == Finish("stop")
    assert set(decoder.unknown) == {
        "event: of_the_future", "content block: hologram", "delta: light_delta", "stop_reason: tired",
    }  # fmt: skip
    run(decoder := MessagesDecoder(), [sse(start(), *({"type": f"k{number}"} for number in range(500)), *end())])
    assert len(decoder.unknown) <= 65


def test_tools_are_called_by_the_names_that_the_client_gave_them() -> None:
    events = run(MessagesDecoder({"a_b": "a.b"}.__getitem__), [sse(start(), *call(0, "a_b"), *end("tool_use"))])
    assert calls(events)[0].name == "a.b"


def test_calls_and_sources_are_bounded() -> None:
    many = [event for number in range(CALLS_LIMIT + 5) for event in call(number, "f")]
    events = run(MessagesDecoder(), [sse(start(), *many, *end("tool_use"))])
    assert {one.index for one in calls(events)} == set(range(CALLS_LIMIT))
    sources = [delta("citations_delta", citation={"url": f"https://a.example/{n}"}) for n in range(CITATIONS_LIMIT + 5)]
    events = run(MessagesDecoder(), [sse(start(), opened({"type": "text", "text": ""}), *sources, closed(), *end())])
    assert sum(isinstance(event, Citation) for event in events) == CITATIONS_LIMIT


@pytest.mark.parametrize(
    "event",
    [opened({}), {"type": "content_block_start"}, {"type": "content_block_delta", "index": "x", "delta": []},
     {"type": "content_block_delta", "index": 7, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
     {"type": "content_block_stop", "index": 9}, {"type": "message_delta"}, {"type": "message_start", "message": 3},
     {"type": "message_delta", "delta": {"stop_reason": 4}, "usage": []}],
)  # fmt: skip
def test_odd_values_are_no_ones_end(event: dict[str, Any]) -> None:
    assert read(event, *said("x"), *end())[-1] == Finish("stop")


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [(["{}", '{"a":1}'], '{"a":1}'), (["", "{}", ""], "{}"), ([{"a": 1}], '{"a":1}'), (['{"a":1}'], '{"a":1}')],
    ids=["object before", "empty", "as an object", "plain"],
)
def test_arguments_in_pieces_of_other_kinds(pieces: list[Any], arguments: str) -> None:
    told = [delta("input_json_delta", partial_json=piece) for piece in pieces]
    block = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    found = calls(read(opened(block), *told, closed(), *end("tool_use")))
    assert "".join(one.arguments for one in found) == arguments


def test_arguments_of_a_whole_call_may_be_a_text_with_their_object() -> None:
    body = message({"type": "tool_use", "id": "t", "name": "f", "input": '{"a": 1}'}, reason="tool_use")
    assert calls(run(MessagesDecoder(), [json.dumps(body).encode()]))[-1].arguments == '{"a":1}'


@pytest.mark.parametrize("reason", ["tool_use", "end_turn", "stop_sequence"])
def test_a_call_that_is_cut_is_no_whole_one(reason: str) -> None:
    failed = read(*call(0, "f", '{"a": "x'), *end(reason))[-1]
    assert isinstance(failed, Failure)
    assert failed.error.kind is ErrorKind.INCOMPLETE
    assert read(*call(0, "f", '{"a": "x'), *end("max_tokens"))[-1] == Finish("length")


def test_an_id_is_told_of_one_call_alone() -> None:
    block = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    found = calls(read(opened(block), closed(), opened(block, 1), closed(1), *end("tool_use")))
    assert [one.id for one in found if one.name] == ["toolu_1", None]


def test_a_call_that_is_spoken_of_and_never_came_is_no_answer() -> None:
    assert isinstance(read(*end("tool_use"))[-1], Failure)
    assert read(*said("a"), *end("tool_use"))[-1] == Finish("stop")


def test_words_in_deltas_of_a_kind_that_is_not_known_are_words() -> None:
    assert Text("a") in read(opened({"type": "text", "text": ""}), delta("text", text="a"), closed(), *end())


@pytest.mark.parametrize(
    ("said_reason", "meant"),
    [("length", "length"), ("MAX_TOKENS", "length"), ("content_filter", "content_filter"),
     ("sensitive", "content_filter"), ("stop", "stop"), ("of_the_future", "stop")],
)  # fmt: skip
def test_reasons_of_other_forms_mean_what_they_do_there(said_reason: str, meant: str) -> None:
    assert read(*said("a"), *end(said_reason))[-1] == Finish(meant)  # type: ignore[arg-type]


@pytest.mark.parametrize("said_reason", ["error", "network_error", "abort", "timeout"])
def test_a_reason_that_means_a_failure_is_one(said_reason: str) -> None:
    failed = read(*said("a"), *end(said_reason))[-1]
    assert isinstance(failed, Failure)
    assert failed.error.kind is ErrorKind.PROVIDER_DOWN
    body = json.dumps(message({"type": "text", "text": "a"}, reason=said_reason)).encode()
    assert isinstance(run(MessagesDecoder(), [body])[-1], Failure)
