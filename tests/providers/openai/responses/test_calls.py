"""Calls of a response: where their arguments may stand, and what ends in the middle of them."""

from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Finish
from providers.openai.responses.decoder import ResponseDecoder
from tests.providers.openai.responses.streams import begun, call, custom, ended, message, response, sse
from tests.providers.openai.streams import Answer, joined

ARGUMENTS = '{"a": 1}'
WHOLE = call("f", ARGUMENTS)
BEGUN = begun(call("f", ""))


def answer(body: bytes) -> Answer:
    decoder = ResponseDecoder({})
    return joined([*decoder.feed(body), *decoder.close()])


def piece(said: str) -> dict[str, Any]:
    return {"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "fc_call_1", "delta": said}


def said_whole(said: str) -> dict[str, Any]:
    return {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": said}


def done(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": 0, "item": item}


@pytest.mark.parametrize(
    "told",
    [
        [BEGUN, piece('{"a"'), piece(": 1}"), said_whole(ARGUMENTS), done(WHOLE), ended(WHOLE)],
        [BEGUN, said_whole(ARGUMENTS), ended(WHOLE)],
        [BEGUN, said_whole(ARGUMENTS), ended()],
        [BEGUN, done(WHOLE), ended()],
        [BEGUN, ended(WHOLE)],
        [begun(WHOLE), ended(WHOLE)],
        [begun(WHOLE), ended()],
        [begun(WHOLE), piece(ARGUMENTS), done(WHOLE), ended(WHOLE)],
        [done(WHOLE), ended()],
        [ended(WHOLE)],
        [BEGUN, done({**WHOLE, "arguments": {"a": 1}}), ended()],
        [begun({**WHOLE, "call_id": "", "arguments": ""}), done(WHOLE), ended(WHOLE)],
        [BEGUN, done({**WHOLE, "id": "fc_other"}), ended({**WHOLE, "id": "fc_third"})],
    ],
    ids=[
        "as usual", "arguments.done", "arguments.done, empty end", "item.done", "end", "beginning", "beginning alone",
        "beginning and pieces", "item alone", "end alone", "an object", "late call_id", "ids change",
    ],
)  # fmt: skip
def test_arguments_are_told_once_wherever_they_stand(told: list[dict[str, Any]]) -> None:
    found = answer(sse(told))
    assert [(name, arguments.replace(" ", "")) for _, _, _, name, arguments in found.calls] == [("f", '{"a":1}')]
    assert found.end == Finish("tool_calls")


def test_a_call_without_arguments_has_an_empty_object() -> None:
    assert [each[4] for each in answer(sse([BEGUN, done(call("f", "")), ended(call("f", ""))])).calls] == ["{}"]


def test_the_input_of_a_custom_tool_is_no_json() -> None:
    found = answer(sse([done(custom("patch", "{")), ended(custom("patch", "{"))]))
    assert found.end == Finish("tool_calls")
    assert found.calls[0][4] == ""


@pytest.mark.parametrize(
    "told",
    [
        [BEGUN, piece('{"a": "x'), ended()],
        [BEGUN, piece('{"a": "x'), done(call("f", '{"a": "x')), ended(call("f", '{"a": "x'))],
        [ended(call("f", '{"a": "x'))],
    ],
    ids=["pieces", "items", "end alone"],
)
def test_a_call_that_is_cut_is_no_whole_one(told: list[dict[str, Any]]) -> None:
    assert answer(sse(told)).failure.kind is ErrorKind.INCOMPLETE


def test_a_limit_may_cut_a_call() -> None:
    limit = {"type": "response.incomplete", "response": response(status="incomplete")}
    found = answer(sse([BEGUN, piece('{"a": "x'), limit]))
    assert (found.end, found.calls[0][4]) == (Finish("length"), '{"a": "x')


def test_what_belongs_to_no_call_is_left_out() -> None:
    found = answer(sse([piece('{"a"'), said_whole("{}"), ended(message("Hello"))]))
    assert (found.calls, found.text, found.end) == ([], {0: "Hello"}, Finish("stop"))
