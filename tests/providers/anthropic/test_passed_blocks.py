"""Blocks of an answer that is passed on: counted from 0, the arguments of calls in pieces, and cut ones known."""

import json
from typing import Any

import pytest

from providers.anthropic.passing import PassedOn, WholePassedOn
from providers.contract.errors import ErrorKind
from providers.contract.events import Failure, Finish, Verbatim
from tests.providers.anthropic.streams import closed, delta, end, opened, said, sse, start
from tests.support.decoding import run, same_at_every_cut

TEXT = {"type": "text", "text": ""}


def tool(index: int = 0, name: str = "f", given: Any = None) -> dict[str, Any]:
    return opened({"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": given or {}}, index)


def piece(partial: Any, index: int = 0) -> dict[str, Any]:
    return delta("input_json_delta", index, partial_json=partial)


def passed(*events: dict[str, Any]) -> list[dict[str, Any]]:
    """The events that a client gets."""
    found = same_at_every_cut(lambda: PassedOn(lambda error: error), sse(start(), *events))
    assert isinstance(found[-1], Finish)
    shown = b"".join(event.data for event in found if isinstance(event, Verbatim))
    return [json.loads(block.partition(b"data: ")[2]) for block in shown.split(b"\n\n") if block][1:]


def whole(*events: dict[str, Any]) -> list[Any]:
    """The blocks of the message that is made of a stream."""
    found = run(WholePassedOn(lambda error: error), [sse(start(), *events)])
    assert isinstance(found[-1], Finish)
    content: list[Any] = json.loads(b"".join(event.data for event in found if isinstance(event, Verbatim)))["content"]
    return content


def inputs(events: list[dict[str, Any]]) -> list[str]:
    """The arguments of the calls, by their blocks."""
    found: dict[int, str] = {}
    for event in events:
        if event["type"] == "content_block_start" and event["content_block"]["type"] == "tool_use":
            found[event["index"]] = ""
        elif event["type"] == "content_block_delta" and "partial_json" in event["delta"]:
            found[event["index"]] += event["delta"]["partial_json"]
    return list(found.values())


@pytest.mark.parametrize(
    ("events", "arguments"),
    [
        ([tool(), piece('{"a":'), piece("1}"), closed()], '{"a":1}'),
        ([tool(), piece(""), piece('{"a":1}'), closed()], '{"a":1}'),
        ([tool(), piece("{}"), closed()], "{}"),
        ([tool(), piece("{}")], "{}"),
        ([tool(), piece("{}"), piece('{"a":1}'), closed()], '{"a":1}'),
        ([tool(), closed()], "{}"),
        ([tool()], "{}"),
        ([tool(given={"a": 1}), closed()], '{"a":1}'),
        ([tool(given={"a": 1}), piece('{"a":2}'), closed()], '{"a":2}'),
        ([tool(), piece({"a": 1}), closed()], '{"a":1}'),
    ],
    ids=["pieces", "empty piece", "empty object", "not closed", "object before", "nothing", "nothing, not closed",
         "in the beginning", "told again", "as an object"],
)  # fmt: skip
def test_arguments_are_told_in_pieces(events: list[dict[str, Any]], arguments: str) -> None:
    assert inputs(passed(*events, *end("tool_use"))) == [arguments]
    assert whole(*events, *end("tool_use"))[0]["input"] == json.loads(arguments)


@pytest.mark.parametrize("reason", ["tool_use", "end_turn"])
@pytest.mark.parametrize("closes", [True, False])
def test_a_call_that_is_cut_is_no_whole_one(reason: str, closes: bool) -> None:
    events = [tool(), piece('{"a": "x'), *([closed()] if closes else [])]
    found = run(PassedOn(lambda error: error), [sse(start(), *events, *end(reason))])
    assert isinstance(found[-1], Failure)
    assert found[-1].error.kind is ErrorKind.INCOMPLETE
    assert b"message_delta" not in b"".join(event.data for event in found if isinstance(event, Verbatim))


def test_a_limit_may_cut_a_call() -> None:
    assert inputs(passed(tool(), piece('{"a": "x'), closed(), *end("max_tokens"))) == ['{"a": "x']


@pytest.mark.parametrize(
    "indexes",
    [(0, 1, 2), (0, 0, 0), (1, 2, 3), (0, 2, 5), (None, None, None), ("0", "1", "2")],
    ids=["right", "all 0", "from 1", "gaps", "none", "words"],
)
def test_blocks_are_counted_from_0(indexes: tuple[Any, Any, Any]) -> None:
    first, second, third = indexes
    events = passed(
        *said("a", index=first),
        tool(second), piece('{"b":', second), piece("1}", second), closed(second),
        tool(third, "g"), piece('{"c":2}', third), closed(third),
        *end("tool_use"),
    )  # fmt: skip
    assert [event["index"] for event in events if "index" in event] == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2]
    assert inputs(events) == ['{"b":1}', '{"c":2}']


def test_blocks_that_are_open_at_once_keep_their_pieces() -> None:
    events = passed(
        tool(1), tool(2, "g"), piece('{"b":', 1), piece('{"c":', 2), piece("1}", 1), piece("2}", 2), closed(1),
        closed(2), *end("tool_use"),
    )  # fmt: skip
    assert inputs(events) == ['{"b":1}', '{"c":2}']


def test_many_blocks_that_nobody_closes_are_not_all_kept() -> None:
    events = [event for n in range(300) for event in (tool(n, f"f{n}"), piece("{", n))]
    found = run(PassedOn(lambda error: error), [sse(start(), *events, *end("tool_use"))])
    assert isinstance(found[-1], Failure)


@pytest.mark.parametrize("index", [0, 3, None])
def test_a_block_that_never_began_begins_with_its_first_words(index: int | None) -> None:
    pieces = [delta("thinking_delta", index, thinking="Hm"), closed(index)]  # type: ignore[arg-type]
    words = [delta("text_delta", index, text="a"), delta("text_delta", index, text="b"), closed(index)]  # type: ignore[arg-type]
    events = passed(*pieces, *words, *end())
    assert [event["type"] for event in events if event["type"].startswith("content_block_st")] == [
        "content_block_start", "content_block_stop", "content_block_start", "content_block_stop",
    ]  # fmt: skip
    assert [event["index"] for event in events if "index" in event] == [0, 0, 0, 1, 1, 1, 1]
    assert whole(*words, *end()) == [{"type": "text", "text": "ab"}]
