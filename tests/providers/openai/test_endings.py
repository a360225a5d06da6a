"""How an answer of the OpenAI form ends: end marks, finish reasons, and what ends early, late or not at all."""

import json
from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Failure, Finish, Passthrough, Text, Usage
from providers.openai.decoder import OpenAIDecoder
from providers.openai.form import Form
from tests.providers.openai.streams import FIXTURES, STOP, USAGE, chunk, decode, delta, joined, sse, words

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
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("sensitive", "content_filter"),
        ("model_context_window_exceeded", "length"),
        ("MAX_TOKENS", "length"),
        ("end_turn", "stop"),
        ("something_new", "stop"),
    ],
)
def test_finish_reasons_are_put_into_openai_words(said: str, meant: str) -> None:
    decoder = OpenAIDecoder(Form())
    answer = joined(decoder.feed(sse(words("a"), chunk(delta({}, reason=said)))))
    assert answer.end == Finish(meant)  # type: ignore[arg-type]
    assert bool(decoder.unknown) == (said == "something_new")


@pytest.mark.parametrize("said", ["network_error", "insufficient_system_resource", "error", "abort"])
def test_finish_reasons_that_mean_a_fault_are_failures(said: str) -> None:
    answer = decode([sse(words("a"), chunk(delta({"content": "b"}, reason=said)))])
    assert answer.text == {0: "ab"}
    assert answer.failure.kind is ErrorKind.PROVIDER_DOWN
    assert answer.failure.site_code == said


def test_finish_reasons_can_be_given_a_meaning() -> None:
    form = Form(finish_reasons={"repetition": "length", "banned": "content_filtered", "network_error": "stop"})
    assert decode([sse(words("a", "repetition"))], form).end == Finish("length")
    assert decode([sse(words("a", "network_error"))], form).end == Finish("stop")
    assert decode([sse(words("a", "banned"))], Form(finish_reasons={"banned": "quota"})).failure.kind is ErrorKind.QUOTA


MEANINGS = {
    "stop": "STOP FINISH_REASON_STOP FinishReason.STOP COMPLETE end-turn endTurn eos something_new",
    "length": "MaxTokens max-tokens MAX_TOKENS FINISH_REASON_MAX_TOKENS max_completion_tokens"
    " token_limit too_long truncated context_length_exceeded context_limit output_limit iteration_limit max_turns"
    " max_tool_calls LIMIT budget_exceeded cut_off overflow partial repetition incomplete stop;length",
    "content_filter": "PROHIBITED_CONTENT RECITATION BLOCKLIST SPII IMAGE_SAFETY ERROR_TOXIC contentFilter"
    " content-filter blocked guardrail_intervened content_filter:PROHIBITED_CONTENT MODEL_ARMOR hate violence sexual"
    " banned illegal restricted dangerous_content self_harm",
    "error": "ERROR ERROR_LIMIT MALFORMED_FUNCTION_CALL function_call_filter:MALFORMED_FUNCTION_CALL cancelled Timeout"
    " timed_out failed interrupted USER_CANCEL aborted UNEXPECTED_TOOL_CALL server_overloaded OTHER TIME_LIMIT"
    " IMAGE_OTHER throttled shutdown abnormal exceeded bad_request not_ok no_answer context_canceled user_stop"
    " context_deadline_exceeded STOP:cancelled",
}


@pytest.mark.parametrize(("meant", "said"), [(m, said) for m, words in MEANINGS.items() for said in words.split()])
def test_reasons_are_understood_in_any_spelling(meant: str, said: str) -> None:
    answer = decode([sse(words("a"), chunk(delta({}, reason=said)))])
    assert ("error" if isinstance(answer.end, Failure) else answer.end) == (
        meant if meant == "error" else Finish(meant)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"type": "abort", "message": "boom"}, "boom"),
        ({"reason": "cancelled"}, "cancelled"),
        ({"code": 3, "why": "it failed"}, "failed"),
        ({"type": "stop", "stop": "</s>"}, Finish("stop")),
        ({"type": "max-tokens"}, Finish("length")),
        (["length"], Finish("length")),
        (["stop", "length"], Finish("length")),
        ({"finish_reason": {"type": "error"}}, "error"),
        ({"type": {"name": "content_filter"}}, Finish("content_filter")),
        ({"error": "out of luck"}, "finish_reason error"),
        ({"type": "finish", "reason": "timeout"}, "timeout"),
        ({"type": "completed", "reason": "content_filter"}, Finish("content_filter")),
        ({"type": "incomplete", "reason": "max_output_tokens"}, Finish("length")),
        ({"type": "tool_use", "name": "cancel_order"}, Finish("stop")),
        ({"type": "stop", "matched": {"type": "error"}}, Finish("stop")),
        ({"length": True}, Finish("length")),
        ({"code": 0}, None),
        ({"type": "null"}, None),
        ([], None),
        ("null", None),
        ("NONE", None),
        (0, None),
        (True, Finish("stop")),
    ],
)
def test_reasons_are_understood_in_any_shape(said: Any, meant: Any) -> None:
    answer = decode([sse(words("a"), chunk(delta({}, reason=said)), done=False)])
    if isinstance(meant, str):
        assert meant in answer.failure.message
    elif meant is None:
        assert answer.failure.kind is ErrorKind.INCOMPLETE
    else:
        assert answer.end == meant


def test_a_reason_under_another_name_is_found() -> None:
    frame = {"index": 0, "delta": {"content": "a"}, "finishReason": "MAX_TOKENS"}
    assert decode([sse(chunk(frame), done=False)]).end == Finish("length")


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


def test_a_whole_answer_has_ended_when_its_json_is_there() -> None:
    body = (FIXTURES / "synthetic-whole.json").read_bytes().rstrip()
    decoder = OpenAIDecoder(Form(), stream=False)
    for at in range(0, len(body) - 1, 40):
        decoder.feed(body[at : min(at + 40, len(body) - 1)])
        assert not decoder.ended
    decoder.feed(body[-1:])
    assert decoder.ended
    assert isinstance(decoder.close()[-1], Finish)


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
