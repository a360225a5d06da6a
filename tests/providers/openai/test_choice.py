"""Calls in answers of the OpenAI form: the places they stand at and the reason they end with.

How fragments become calls: test_tools.py.
"""

import json

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Finish
from providers.openai.choice import ReadingOptions
from providers.openai.form import Form, TagForm
from tests.providers.openai.streams import STOP, chunk, decode, delta, sse, words


@pytest.mark.parametrize(
    ("reasons", "meant"),
    [
        (["stop"], "tool_calls"),
        (["tool_calls", "stop"], "tool_calls"),
        (["length", "stop"], "length"),
        (["stop", "length"], "length"),
        (["content_filter", "tool_calls"], "content_filter"),
    ],
)
def test_the_reason_agrees_with_what_was_sent(reasons: list[str], meant: str) -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    frames = [chunk(delta({}, reason=reason)) for reason in reasons]
    assert decode([sse(chunk(delta({"tool_calls": [call]})), *frames)]).end == Finish(meant)  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["tool_calls", "function_call"])
def test_a_call_that_never_came_is_not_spoken_of(reason: str) -> None:
    assert decode([sse(words("a", reason))]).end == Finish("stop")
    assert decode([sse(chunk(delta({}, reason=reason)))]).failure.kind is ErrorKind.PROVIDER_DOWN


def test_function_call_becomes_a_tool_call_unless_it_was_asked_for() -> None:
    body = sse(
        chunk(delta({"function_call": {"name": "f", "arguments": "{"}})),
        chunk(delta({"function_call": {"arguments": "}"}}, reason="function_call")),
    )
    answer = decode([body])
    assert (answer.calls, answer.end) == ([(0, 0, None, "f", "{}")], Finish("tool_calls"))
    legacy = decode([body], reading=ReadingOptions(legacy=True))
    assert (legacy.calls, legacy.end) == ([], Finish("function_call"))
    assert [fields for _, _, fields in legacy.extra] == [
        {"function_call": {"name": "f", "arguments": "{"}},
        {"function_call": {"arguments": "}"}},
    ]


def test_a_call_among_the_parts_is_a_call() -> None:
    part = {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}
    answer = decode([sse(chunk(delta({"content": [{"type": "text", "text": "a"}, part]}, reason="tool_use")))])
    assert (answer.calls, answer.text) == ([(0, 0, "a", "f", '{"x": 1}')], {0: "a"})


def test_calls_in_a_choice_of_their_own_belong_to_the_only_candidate() -> None:
    call = {"id": "a", "function": {"name": "f", "arguments": "{}"}}
    body = {
        "choices": [
            {"index": 0, "message": {"content": "a"}, "finish_reason": "tool_calls"},
            {"index": 1, "message": {"tool_calls": [call]}, "finish_reason": "tool_calls"},
        ]
    }
    answer = decode([json.dumps(body).encode()], stream=False)
    assert (answer.text, answer.calls, answer.end) == ({0: "a"}, [(0, 0, "a", "f", "{}")], Finish("tool_calls"))


THOUGHTS = [
    {"thinking": "Hm"},
    {"thinking": {"content": "Hm", "signature": "s"}},
    {"reasoning_text": "Hm"},
    {"thinking_blocks": [{"type": "thinking", "thinking": "Hm", "signature": None}]},
]


@pytest.mark.parametrize("thought", THOUGHTS, ids=["text", "object", "copilot", "blocks"])
def test_thinking_under_names_of_single_vendors_is_thinking(thought: dict[str, object]) -> None:
    answer = decode([sse(chunk(delta(thought)), words("a"), STOP)])
    assert (answer.reasoning, answer.text) == ({0: "Hm"}, {0: "a"})
    whole = json.dumps(chunk({"index": 0, "message": {"content": "a", **thought}, "finish_reason": "stop"}))
    assert decode([whole.encode()], stream=False).reasoning == {0: "Hm"}


@pytest.mark.parametrize("name", ["thinking", "reasoning_text"])
def test_thinking_is_not_told_under_two_names(name: str) -> None:
    answer = decode([sse(chunk(delta({name: "Hm", "reasoning_content": "Hm"})), words("a"), STOP)])
    assert (answer.reasoning, answer.extra) == ({0: "Hm"}, [])


@pytest.mark.parametrize(
    "thought", [*THOUGHTS, {"reasoning_opaque": "x"}, {"reasoning_content": "Hm", "signature": "x"}]
)
def test_thinking_alone_is_no_answer_that_an_end_mark_makes_whole(thought: dict[str, object]) -> None:
    assert decode([sse(chunk(delta(thought)))]).failure.kind is ErrorKind.PROVIDER_DOWN


@pytest.mark.parametrize(
    ("form", "text", "whole"),
    [
        ("explicit", "<think>Hm, so", False),
        ("explicit", "<think>Hm</think>\n", False),
        ("explicit", "<think>Hm</think>so", True),
        ("explicit", "so", True),
        ("explicit", "<thi", True),
        ("implicit", "so", True),
        ("implicit", "Hm</think>", False),
    ],
)
def test_thinking_in_tags_alone_is_none_either(form: TagForm, text: str, whole: bool) -> None:
    end = decode([sse(words(text))], Form(think_tags=form)).end
    assert isinstance(end, Finish) is whole


EMPTY = [[{}], [{"index": 0, "id": "", "type": "function", "function": {"name": "", "arguments": ""}}], [{"index": 0}]]


@pytest.mark.parametrize("calls", EMPTY, ids=["object", "fields", "index"])
def test_an_empty_call_beside_words_is_none(calls: list[dict[str, object]]) -> None:
    answer = decode([sse(chunk(delta({"content": "a", "tool_calls": calls})), STOP)])
    assert (answer.text, answer.calls, answer.end) == ({0: "a"}, [], Finish("stop"))
    assert decode([sse(chunk(delta({"tool_calls": calls})))]).failure.kind is ErrorKind.PROVIDER_DOWN


def test_a_reason_may_stand_in_the_delta() -> None:
    assert decode([sse(words("a"), chunk(delta({"finish_reason": "length"})), done=False)]).end == Finish("length")
    assert decode([sse(chunk(delta({"content": "a", "finish_reason": None})), STOP)]).end == Finish("stop")
