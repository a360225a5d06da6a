"""How an answer of the OpenAI form ends: end marks, finish reasons, and what ends early, late or not at all."""

import json
from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Failure, Finish, Passthrough, Text, Usage
from providers.openai.decoder import OpenAIDecoder
from providers.openai.form import Form
from tests.providers.openai.streams import STOP, USAGE, chunk, decode, delta, sse, words

# -- how a stream ends ----------------------------------------------------------------------------------------------
ENDS: dict[str, tuple[bytes, Finish | ErrorKind]] = {
    "done": (sse(words("a"), STOP), Finish("stop")),
    "reason-without-done": (sse(words("a"), STOP, done=False), Finish("stop")),
    "done-without-reason": (sse(words("a")), Finish("stop")),
    "done-without-reason-after-tools": (
        sse(chunk(delta({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]}))),
        Finish("tool_calls"),
    ),
    "neither": (sse(words("a"), done=False), ErrorKind.INCOMPLETE),
    "last-blank-line-missing": (sse(words("a"), STOP, "data: [DONE]", done=False), Finish("stop")),
    "nothing": (b"", ErrorKind.INCOMPLETE),
    "only-comments": (b": hello\n\n", ErrorKind.INCOMPLETE),
    "only-blank-lines": (b"\n\n \n", ErrorKind.INCOMPLETE),
    "done-alone": (sse(), ErrorKind.PROVIDER_DOWN),
    "usage-and-done-alone": (sse(chunk(usage=USAGE)), ErrorKind.PROVIDER_DOWN),
    "words-after-reason": (sse(words("a", "stop"), words("b")), Finish("stop")),
    "legacy-text-field": (sse(chunk({"text": "a", "finish_reason": "stop"})), Finish("stop")),
    "bom-and-crlf": (b"\xef\xbb\xbf" + sse(words("a"), STOP).replace(b"\n", b"\r\n"), Finish("stop")),
    "cr-only": (sse(words("a"), STOP).replace(b"\n", b"\r"), Finish("stop")),
    "event-names-ids-retry": (
        sse("event: chunk\nid: 1\nretry: 5\n", words("a"), "event: ping\n\n", STOP),
        Finish("stop"),
    ),
    "single-line-ends": (sse(words("a"), STOP).replace(b"\n\n", b"\n"), Finish("stop")),
    "no-blank-after-colon": (sse(words("a"), STOP).replace(b"data: ", b"data:"), Finish("stop")),
}


@pytest.mark.parametrize(("body", "end"), ENDS.values(), ids=ENDS.keys())
def test_a_stream_ends_once_and_rightly(body: bytes, end: Finish | ErrorKind) -> None:
    answer = decode([body])
    found = answer.end.error.kind if isinstance(answer.end, Failure) else answer.end
    assert found == end
    if isinstance(end, Finish) and not answer.calls:
        assert answer.text[0].startswith("a")


def test_finish_waits_for_the_usage_behind_it() -> None:
    decoder = OpenAIDecoder(Form())
    assert decoder.feed(sse(words("a"), STOP, done=False)) == [Passthrough("chunk", {"id": "chatcmpl-1"}), Text("a")]
    assert decoder.feed(sse(chunk(usage=USAGE), done=False)) == []
    assert decoder.feed(b"data: [DONE]\n\n") == [Usage(9, 4, 13, raw=USAGE), Finish("stop")]


def test_a_missing_candidate_without_an_end_mark_is_no_whole_answer() -> None:
    body = sse(words("a"), STOP, done=False)
    assert decode([body], candidates=2).failure.kind is ErrorKind.INCOMPLETE
    assert decode([body + b"data: [DONE]\n\n"], candidates=2).end == Finish("stop")


# -- finish reasons -------------------------------------------------------------------------------------------------


# -- answers that end early, late, or not at all --------------------------------------------------------------------
def test_a_decoder_knows_that_all_was_said() -> None:
    decoder = OpenAIDecoder(Form())
    seen = []
    for frame in (words("a"), chunk(delta({}, reason="null")), STOP, chunk(usage=USAGE), "data: [DONE]\n\n"):
        decoder.feed(sse(frame, done=False))
        seen.append(decoder.ended)
    assert seen == [False, False, True, True, False]
    two = OpenAIDecoder(Form(), candidates=2)
    two.feed(sse(STOP, done=False))
    assert not two.ended


HALF_CALL = {"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"a": "unfin'}}


@pytest.mark.parametrize(
    ("frames", "kind"),
    [
        ([chunk(delta({"role": "assistant", "content": ""}))], ErrorKind.PROVIDER_DOWN),
        ([chunk(delta({"reasoning_content": "hm"}))], ErrorKind.PROVIDER_DOWN),
        ([chunk(delta({"tool_calls": [HALF_CALL]}))], ErrorKind.INCOMPLETE),
        ([chunk(delta({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}))], ErrorKind.INCOMPLETE),
        ([words("a"), chunk(delta({"tool_calls": [HALF_CALL]}))], ErrorKind.INCOMPLETE),
    ],
)
def test_an_end_mark_alone_makes_no_answer(frames: list[Any], kind: ErrorKind) -> None:
    assert decode([sse(*frames)]).failure.kind is kind


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "length"])
def test_a_half_call_is_whole_only_by_the_length(reason: str) -> None:
    answer = decode([sse(chunk(delta({"tool_calls": [HALF_CALL]})), chunk(delta({}, reason=reason)))])
    assert (answer.end == Finish("length")) == (reason == "length")
    if reason != "length":
        assert answer.failure.kind is ErrorKind.INCOMPLETE


def test_an_end_mark_in_quotes_is_one() -> None:
    assert decode([sse(words("a"), done=False) + b'data: "[DONE]"\n\n']).end == Finish("stop")


def test_json_lines_are_told_as_they_come() -> None:
    lines = b"".join(json.dumps(frame).encode() + b"\n" for frame in (words("a"), words("b"), STOP))
    decoder = OpenAIDecoder(Form())
    first = decoder.feed(lines.partition(b"\n")[0] + b"\n")
    assert Text("a") in first
    for at in range(len(lines)):
        assert decode([lines[:at], lines[at:]]).text == {0: "ab"}
    assert decode([lines]).end == Finish("stop")
    assert decode([lines[: lines.index(b'"b"')]]).failure.kind is ErrorKind.INCOMPLETE


def test_text_that_is_no_answer_is_quoted() -> None:
    failure = decode([b"upstream request timeout"]).failure
    assert failure.kind is ErrorKind.PROVIDER_DOWN
    assert "upstream request timeout" in failure.message
