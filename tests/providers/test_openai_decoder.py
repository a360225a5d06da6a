import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.errors import ErrorKind
from providers.events import Citation, Extra, Failure, Finish, Text, Usage
from providers.openai_choice import Reading
from providers.openai_codes import ZAI
from providers.openai_decoder import OpenAIDecoder
from providers.openai_form import Form
from providers.openai_presets import PRESETS
from tests.providers.openai_streams import FIXTURES, Answer, chunk, decode, delta, joined, sse, words

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
STOP = chunk(delta({}, reason="stop"))


def form_of(name: str) -> Form:
    presets = {"zai": "zai", "k2think": "k2think", "openrouter": "openrouter", "moonshot": "moonshot"}
    return PRESETS[next((preset for part, preset in presets.items() if part in name), "openai")].form


# -- every stream, at every cut -------------------------------------------------------------------------------------
EXPECTED: dict[str, dict[str, Any]] = {
    "synthetic-openai.sse": {"text": {0: "Grüße 🌍!"}, "end": Finish("stop")},
    "synthetic-tools.sse": {
        "calls": [(0, 0, "call_a", "weather", '{"city": "Köln"}'), (0, 1, "call_b", "time", "{}")],
        "end": Finish("tool_calls"),
    },
    "synthetic-zai.sse": {
        "text": {0: "你好"},
        "reasoning": {0: "Let me see."},
        "citations": [Citation("https://a.example/x", "A")],
        "end": Finish("content_filter"),
    },
    "synthetic-openrouter.sse": {
        "text": {0: "Yes"},
        "reasoning": {0: "Hm"},
        "citations": [Citation("https://b.example", "B", None, 0, 3)],
        "end": Finish("stop"),
    },
    "synthetic-two-candidates.sse": {
        "text": {0: "aA", 1: "bB"},
        "end": Finish("stop", ((1, "length"),)),
    },
    "synthetic-moonshot-no-done.sse": {"text": {0: "Hi"}, "end": Finish("stop")},
    "synthetic-k2think.sse": {"text": {0: "4"}, "reasoning": {0: "Two and two."}, "end": Finish("stop")},
    "synthetic-whole.json": {
        "text": {0: "Grüße"},
        "reasoning": {0: "so"},
        "calls": [(0, 0, "t1", "f", '{"a": 1}'), (0, 1, "t2", "f", "{}")],
        "citations": [Citation("https://c.example", "C", None, 1, 2)],
        "end": Finish("tool_calls"),
    },
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_stream_says_what_it_holds(name: str) -> None:
    answer = decode([(FIXTURES / name).read_bytes()], form_of(name))
    assert {field: getattr(answer, field) for field in EXPECTED[name]} == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("stream", [True, False], ids=["for-a-stream", "for-a-whole-answer"])
def test_a_stream_says_the_same_at_every_cut(name: str, stream: bool) -> None:
    body, form = (FIXTURES / name).read_bytes(), form_of(name)
    whole = decode([body], form, stream=stream)
    assert decode([bytes([byte]) for byte in body], form, stream=stream) == whole
    for at in range(len(body)):
        assert decode([body[:at], body[at:]], form, stream=stream) == whole, at


@pytest.mark.parametrize("name", [name for name in EXPECTED if name.endswith(".sse")])
def test_every_truncated_stream_ends_in_one_terminal(name: str) -> None:
    body, form = (FIXTURES / name).read_bytes(), form_of(name)
    for at in range(len(body)):
        answer = decode([body[:at]], form)
        if isinstance(answer.end, Finish):
            assert b'"finish_reason": "' in body[:at]
        else:
            assert answer.failure.kind in (ErrorKind.INCOMPLETE, ErrorKind.PROVIDER_DOWN)


def test_usage_and_the_fields_beside_it_are_passed_on() -> None:
    answer = decode([(FIXTURES / "synthetic-openai.sse").read_bytes()])
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.cached_tokens, answer.usage.reasoning_tokens) == (9, 3, 2)
    assert answer.usage.raw is not None
    assert answer.usage.raw["completion_tokens_details"] == {"reasoning_tokens": 2}
    assert answer.id == "chatcmpl-1"
    assert answer.extra == [
        ("chunk", 0, {"system_fingerprint": "fp_1", "service_tier": "default", "obfuscation": "xK"}),
        ("delta", 0, {"refusal": None}),
        ("chunk", 0, {"obfuscation": "a"}),
        ("chunk", 0, {"obfuscation": "bcd"}),
    ]


def test_the_fields_of_other_vendors_keep_their_names_and_places() -> None:
    answer = decode([(FIXTURES / "synthetic-openrouter.sse").read_bytes()], form_of("openrouter"))
    details = [{"type": "reasoning.text", "text": "Hm", "index": 0}]
    assert answer.extra == [
        ("chunk", 0, {"provider": "P"}),
        ("delta", 0, {"reasoning_details": details}),
        ("choice", 0, {"native_finish_reason": "end_turn"}),
    ]


def test_a_whole_answer_keeps_its_other_fields() -> None:
    answer = decode([(FIXTURES / "synthetic-whole.json").read_bytes()], stream=False)
    fields = {(scope, name): value for scope, _, found in answer.extra for name, value in found.items()}
    assert fields == {
        ("delta", "refusal"): None,
        ("delta", "audio"): {"id": "x"},
        ("choice", "logprobs"): {"content": []},
        ("chunk", "system_fingerprint"): "fp",
    }
    assert answer.usage is not None
    assert answer.usage.total_tokens == 13


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
    assert decoder.feed(sse(words("a"), STOP, done=False)) == [Extra("chunk", {"id": "chatcmpl-1"}), Text("a")]
    assert decoder.feed(sse(chunk(usage=USAGE), done=False)) == []
    assert decoder.feed(b"data: [DONE]\n\n") == [Usage(9, 4, 13, raw=USAGE), Finish("stop")]


def test_a_missing_candidate_without_an_end_mark_is_no_whole_answer() -> None:
    body = sse(words("a"), STOP, done=False)
    assert decode([body], candidates=2).failure.kind is ErrorKind.INCOMPLETE
    assert decode([body + b"data: [DONE]\n\n"], candidates=2).end == Finish("stop")


@pytest.mark.parametrize(
    ("frames", "total"),
    [
        ([chunk(delta({"content": "a"}), usage={"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10})], 10),
        ([chunk(usage={"prompt_tokens": 1, "total_tokens": 1}), chunk(usage=USAGE), chunk(usage=None)], 13),
        ([chunk(usage=USAGE), chunk(usage={})], 13),
        ([chunk(delta({}, usage=USAGE))], 13),
        ([{"object": "x", "choices": None, "usage": USAGE}], 13),
        ([{"usage": USAGE}], 13),
        ([chunk(x_groq={"id": "r", "usage": USAGE})], 13),
        ([chunk(usage={"input_tokens": 9, "output_tokens": 4})], 13),
    ],
    ids=["with-words", "last-wins", "empty-is-none", "in-choice", "choices-null", "alone", "groq", "other-names"],
)
def test_usage_is_found_wherever_it_stands(frames: list[Any], total: int) -> None:
    usage = decode([sse(words("a"), *frames, STOP)]).usage
    assert usage is not None
    assert usage.total_tokens == total


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        ([USAGE, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}], (9, 4, 13)),
        ([{"prompt_tokens": 9.0, "completion_tokens": 4.0, "total_tokens": 13.0}], (9, 4, 13)),
        ([{"prompt_tokens": 9}, {"completion_tokens": 4}], (9, 4, 13)),
        ([{"prompt_tokens": "9", "completion_tokens": "4"}], (9, 4, 13)),
        ([USAGE, {"prompt_tokens": -1, "completion_tokens": None}], (9, 4, 13)),
        ([{"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}, USAGE], (9, 4, 13)),
        ([{"prompt_tokens": "9.0", "completion_tokens": " 4 "}], (9, 4, 13)),
        ([{"prompt_tokens": 9, "total_tokens": 13}], (9, 4, 13)),
        ([{"completion_tokens": 4, "total_tokens": 13}], (9, 4, 13)),
        ([{"prompt_tokens": 10**40, "completion_tokens": 4}], (0, 4, 4)),
        ([{"prompt_tokens": 1e300, "completion_tokens": 4}], (0, 4, 4)),
        ([{"prompt_tokens": "9" * 400, "completion_tokens": True}, USAGE], (9, 4, 13)),
    ],
    ids=lambda value: None,
)
def test_the_best_figures_win(told: list[Any], counts: tuple[int, int, int]) -> None:
    usage = decode([sse(words("a"), STOP, *(chunk(usage=one) for one in told))]).usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == counts
    assert all(type(value) is not float for value in (usage.raw or {}).values())


def test_the_best_details_win() -> None:
    told = [{**USAGE, "completion_tokens_details": {"reasoning_tokens": count, "x": 1}} for count in ("2", 0)]
    usage = decode([sse(words("a"), STOP, *(chunk(usage=one) for one in told))]).usage
    assert usage is not None
    assert usage.raw is not None
    assert (usage.reasoning_tokens, usage.raw["completion_tokens_details"]) == (2, {"reasoning_tokens": 2, "x": 1})


def test_usage_in_a_delta_counts() -> None:
    usage = decode([sse(words("a"), chunk(delta({"usage": USAGE}, reason="stop")))]).usage
    assert usage is not None
    assert usage.total_tokens == 13


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


# -- errors inside a 200 --------------------------------------------------------------------------------------------
ERRORS: dict[str, tuple[Any, ErrorKind]] = {
    "object": ({"error": {"message": "Rate limit", "code": "rate_limit_exceeded"}}, ErrorKind.RATE_LIMITED),
    "string": ({"error": "model not found: x"}, ErrorKind.MODEL_UNAVAILABLE),
    "code-and-message": ({"code": "1302", "message": "too many"}, ErrorKind.RATE_LIMITED),
    "anthropic": (
        {"type": "error", "error": {"type": "1113", "message": "no balance"}, "request_id": "r"},
        ErrorKind.QUOTA,
    ),
    "detail": ({"detail": "Model not found"}, ErrorKind.MODEL_UNAVAILABLE),
    "http-status-as-code": ({"error": {"code": 402, "message": "pay"}}, ErrorKind.QUOTA),
    "vllm": ({"object": "error", "message": "maximum context length is 4", "code": 400}, ErrorKind.TOO_LONG),
    "list": ([{"error": {"code": 503, "message": "busy"}}], ErrorKind.PROVIDER_DOWN),
    "minimax": ({"choices": None, "base_resp": {"status_code": 1008, "status_msg": "no money"}}, ErrorKind.QUOTA),
    "minimax-in-an-answer": (
        chunk(delta({"content": ""}), base_resp={"status_code": 1027, "status_msg": "x"}),
        ErrorKind.CONTENT_FILTERED,
    ),
    "data-wrapped": (
        {"code": 0, "data": {"error": {"code": "rate_limit_exceeded", "message": "x"}}},
        ErrorKind.RATE_LIMITED,
    ),
    "message-as-object": ({"error": {"message": {"detail": "maximum context length is 4"}}}, ErrorKind.TOO_LONG),
    "message-as-list": ({"message": [{"msg": "maximum context length is 4"}]}, ErrorKind.TOO_LONG),
    "error-as-list": ({"error": [{"message": "x", "code": "insufficient_quota"}]}, ErrorKind.QUOTA),
    "code-alone": ({"code": 1301}, ErrorKind.CONTENT_FILTERED),
    "in-a-choice": (chunk(delta({}, error={"code": 429, "message": "x"})), ErrorKind.RATE_LIMITED),
    "in-a-choice-with-its-reason": (
        chunk(delta({}, reason="error", error={"code": 402, "message": "x"})),
        ErrorKind.QUOTA,
    ),
    "in-a-delta": (chunk(delta({"error": {"code": 429, "message": "x"}})), ErrorKind.RATE_LIMITED),
    "error-as-bool": ({"error": True, "message": "Rate limit reached", "code": 429}, ErrorKind.RATE_LIMITED),
    "with-choices": (
        chunk(delta({"content": "!"}, reason="error"), error={"code": 502, "message": "gone"}),
        ErrorKind.PROVIDER_DOWN,
    ),
}


@pytest.mark.parametrize(("frame", "kind"), ERRORS.values(), ids=ERRORS.keys())
@pytest.mark.parametrize("before", [[], [words("a")]], ids=["first", "after-words"])
def test_an_error_in_a_stream_is_the_end_of_it(frame: Any, kind: ErrorKind, before: list[Any]) -> None:
    answer = decode([sse(*before, frame, words("late"), STOP)], Form(error_codes=ZAI))
    assert answer.failure.kind is kind
    assert "late" not in answer.text.get(0, "")


@pytest.mark.parametrize(("body", "kind"), ERRORS.values(), ids=ERRORS.keys())
def test_an_error_as_the_whole_body_is_a_failure(body: Any, kind: ErrorKind) -> None:
    raw = json.dumps(body).encode()
    for stream in (True, False):
        assert decode([raw], Form(error_codes=ZAI), stream=stream).failure.kind is kind


def test_a_bare_error_line_in_a_stream_is_read() -> None:
    body = sse(words("a"), '{"error": {"code": "1302", "message": "slow"}}\n\n', done=False)
    assert decode([body], Form(error_codes=ZAI)).failure.site_code == "1302"


def test_null_errors_are_none() -> None:
    assert decode([sse(chunk(delta({"content": "a"}), error=None), STOP)]).end == Finish("stop")


@pytest.mark.parametrize(
    "body",
    [b"<html><title>Sign in</title></html>", b"\n <!DOCTYPE html><p>hi", b'{"hello": 1}', b'"text"', b"[]", b"[1]"],
)
def test_a_body_that_is_no_answer_is_the_providers_fault(body: bytes) -> None:
    assert decode([body]).failure.kind in (ErrorKind.PROVIDER_DOWN, ErrorKind.INCOMPLETE)


def test_a_good_base_resp_is_no_error() -> None:
    frame = chunk(delta({"content": "a"}, reason="stop"), base_resp={"status_code": 0, "status_msg": ""})
    assert decode([sse(frame)]).end == Finish("stop")


@pytest.mark.parametrize(
    "said", [{"code": 200, "msg": "ok"}, {"status": 200, "message": "ok"}, {"code": "0", "msg": "x"}, {"code": 0}]
)
def test_a_code_that_means_well_is_no_error(said: Any) -> None:
    assert decode([sse(words("a"), said, words("b"), STOP)]).text == {0: "ab"}


@pytest.mark.parametrize("name", ["data", "result", "response", "output"])
def test_an_answer_in_an_envelope_is_read(name: str) -> None:
    message = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    body = json.dumps({"code": 0, "msg": "ok", name: {"choices": [message], "usage": USAGE}}).encode()
    answer = decode([body], stream=False)
    assert (answer.text, answer.end, answer.usage and answer.usage.total_tokens) == ({0: "a"}, Finish("stop"), 13)


# -- frames glued, cut and broken -----------------------------------------------------------------------------------
A, B = json.dumps(words("a")), json.dumps(words("b", "stop"))
CLEAR = {
    "data-in-one-line": f"data: {A}data: {B}\n\ndata: [DONE]\n\n",
    "objects-side-by-side": f"data: {A}{B}\n\n",
    "end-mark-behind": f"data: {A}\n\ndata: {B}[DONE]\n\n",
    "end-mark-behind-with-data": f"data: {A}\n\ndata: {B}data: [DONE]\n\n",
    "three-lines-one-event": f"data: {A}\ndata: {B}\ndata: [DONE]\n\n",
    "cut-by-a-blank-line": f"data: {A[:60]}\n\ndata: {A[60:]}\n\ndata: {B}\n\n",
    "cut-twice": f"data: {A[:9]}\n\ndata: {A[9:70]}\n\ndata: {A[70:]}\n\ndata: {B}\n\n",
    "keepalive-words": f"data: ping\n\ndata: {A}\n\ndata: null\n\ndata: {{}}\n\ndata: {B}\n\n",
    "broken-usage-after-the-reason": f'data: {A}\n\ndata: {B}\n\ndata: {{"usage": {{"prom\n\ndata: [DONE]\n\n',
    "broken-last-words-of-the-connection": f'data: {A}\n\ndata: {B}\n\ndata: {{"usage": {{"prom',
}


@pytest.mark.parametrize("body", CLEAR.values(), ids=CLEAR.keys())
def test_frames_whose_meaning_is_clear_are_read(body: str) -> None:
    answer = decode([body.encode()])
    assert (answer.text, answer.end) == ({0: "ab"}, Finish("stop"))


LOST = {
    "truncated-and-glued": f"data: {A}\n\ndata: {A[:60]}data: {B}\n\ndata: [DONE]\n\n",
    "truncated-and-glued-bare": f"data: {A}\n\ndata: {A[:60]}{B}\n\ndata: [DONE]\n\n",
    "truncated-then-whole": f"data: {A}\n\ndata: {A[:60]}\n\ndata: {B}\n\ndata: [DONE]\n\n",
    "truncated-then-end-mark": f"data: {A}\n\ndata: {A[:60]}\n\ndata: [DONE]\n\n",
    "junk-behind": f"data: {A}\n\ndata: {A}garbage\n\ndata: {B}\n\n",
    "words-instead": f"data: {A}\n\ndata: Internal Server Error\n\n",
    "never-ending-pieces": f"data: {A}\n\n" + 'data: {"choices":[\n\n' * 9 + f"data: {B}\n\n",
}


@pytest.mark.parametrize("body", LOST.values(), ids=LOST.keys())
def test_frames_with_lost_words_are_a_failure_and_never_a_hole(body: str) -> None:
    answer = decode([body.encode()])
    assert answer.failure.kind is ErrorKind.PROVIDER_DOWN
    assert answer.text[0].startswith("a")
    assert "b" not in answer.text[0]


def test_a_truncated_last_frame_is_an_incomplete_answer() -> None:
    assert decode([f"data: {A}\n\ndata: {B[:70]}".encode()]).failure.kind is ErrorKind.INCOMPLETE


# -- whole answers and mixed forms ----------------------------------------------------------------------------------
def test_a_truncated_whole_answer_is_incomplete() -> None:
    body = (FIXTURES / "synthetic-whole.json").read_bytes()
    for at in range(1, len(body) - 1):
        if body[:at].strip():
            assert decode([body[:at]], stream=False).failure.kind is ErrorKind.INCOMPLETE, at


def test_a_whole_answer_without_a_reason_still_ends() -> None:
    body = json.dumps({"choices": [{"message": {"content": "a"}}]}).encode()
    assert decode([b"\n\n  \n" + body], stream=False).end == Finish("stop")


def test_objects_line_by_line_are_a_stream() -> None:
    answer = decode([f"{A}\n{B}\n".encode()])
    assert (answer.text, answer.end) == ({0: "ab"}, Finish("stop"))


def test_a_stream_for_a_whole_answer_is_put_together() -> None:
    body = sse(
        chunk(delta({"content": "a", "function_call": {"name": "f", "arguments": '{"x"'}}, logprobs={"content": [1]})),
        chunk(delta({"refusal": "I ", "function_call": {"arguments": ":1}"}}, logprobs={"content": [2]})),
        chunk(delta({"refusal": "won't", "reasoning_details": [{"index": 0, "type": "t", "text": "p"}]})),
        chunk(delta({"reasoning_details": [{"index": 0, "type": "t", "text": "q"}]})),
        STOP,
    )
    answer = decode([body], stream=False, reading=Reading(legacy=True))
    assert answer.extra == [
        (
            "delta",
            0,
            {
                "function_call": {"name": "f", "arguments": '{"x":1}'},
                "refusal": "I won't",
                "reasoning_details": [{"index": 0, "type": "t", "text": "pq"}],
            },
        ),
        ("choice", 0, {"logprobs": {"content": [1, 2]}}),
    ]


def test_a_last_chunk_that_repeats_the_answer_adds_nothing() -> None:
    again = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    assert decode([sse(words("a"), chunk(again))]).text == {0: "a"}


# -- what a delta may hold ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "reasoning", "extra"),
    [
        ({"reasoning_content": "r"}, "r", []),
        ({"reasoning": "r"}, "r", []),
        ({"reasoning": "r", "reasoning_content": "r"}, "r", []),
        ({"reasoning": "s", "reasoning_content": "r"}, "r", [{"reasoning": "s"}]),
        (
            {"reasoning_details": [{"type": "reasoning.summary", "summary": "r"}]},
            "r",
            [{"reasoning_details": [{"type": "reasoning.summary", "summary": "r"}]}],
        ),
        ({"reasoning": {"effort": "low"}}, None, [{"reasoning": {"effort": "low"}}]),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "r"}]}]}, "r", []),
        ({"content": [{"type": "thinking", "thinking": 3}]}, None, []),
    ],
    ids=["deepseek", "vllm", "both-alike", "both-different", "details-alone", "object", "mistral", "nonsense"],
)
def test_reasoning_is_found_under_each_name(fields: Any, reasoning: str | None, extra: list[Any]) -> None:
    answer = decode([sse(chunk(delta(fields)), words("a"), STOP)])
    assert answer.reasoning.get(0) == reasoning
    assert [found for _, _, found in answer.extra] == extra
    assert answer.text == {0: "a"}


def test_parts_of_content_are_read() -> None:
    parts = [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
        {"type": "reference", "reference_ids": [1]},
        "b",
    ]
    answer = decode([sse(chunk(delta({"content": parts})), STOP)])
    assert answer.text == {0: "ab"}
    assert [image.url for image in answer.images] == ["data:image/png;base64,AA"]
    assert answer.extra == [
        ("delta", 0, {"content_parts": [parts[2]]}),
    ]


def test_unknown_fields_travel_on_and_empty_ones_do_so_once() -> None:
    fields = {"content": "a", "images": [{"type": "image_url"}], "audio": None, "refusal": "", "tool_calls": []}
    again = chunk(delta({"content": "a", "audio": None, "refusal": ""}))
    answer = decode([sse(chunk(delta(fields, stop_reason=None, matched_stop=7), timings={"n": 1}), again, STOP)])
    assert answer.extra == [
        ("chunk", 0, {"timings": {"n": 1}}),
        ("delta", 0, {"images": [{"type": "image_url"}], "audio": None, "refusal": ""}),
        ("choice", 0, {"matched_stop": 7}),
    ]


@pytest.mark.parametrize(
    ("value", "times"),
    [
        pytest.param({"n": [1, "x"]}, 1, id="small"),
        pytest.param("x" * 5000, 2, id="long text"),
        pytest.param([0] * 300, 2, id="many entries"),
        pytest.param({"x" * 5000: 1}, 2, id="long name"),
        pytest.param([[[[["x" * 5000]]]]], 2, id="deep"),
    ],
)
def test_a_field_that_is_too_large_to_be_remembered_is_told_again(value: Any, times: int) -> None:
    answer = decode([sse(chunk(delta({"content": "a"}), timings=value), chunk(delta({}), timings=value), STOP)])
    assert answer.extra == [("chunk", 0, {"timings": value})] * times


def test_annotations_that_are_no_links_keep_their_form() -> None:
    odd = {"type": "file_citation", "file_id": "f"}
    link = {"type": "url_citation", "url": "https://a.example", "title": "A"}
    answer = decode([sse(chunk(delta({"annotations": [odd, link]})), words("a"), STOP)])
    assert answer.citations == [Citation("https://a.example", "A")]
    assert answer.extra == [("delta", 0, {"annotations": [odd]})]


def test_function_call_becomes_a_tool_call_unless_it_was_asked_for() -> None:
    body = sse(
        chunk(delta({"function_call": {"name": "f", "arguments": "{"}})),
        chunk(delta({"function_call": {"arguments": "}"}}, reason="function_call")),
    )
    answer = decode([body])
    assert (answer.calls, answer.end) == ([(0, 0, None, "f", "{}")], Finish("tool_calls"))
    legacy = decode([body], reading=Reading(legacy=True))
    assert (legacy.calls, legacy.end) == ([], Finish("function_call"))
    assert [fields for _, _, fields in legacy.extra] == [
        {"function_call": {"name": "f", "arguments": "{"}},
        {"function_call": {"arguments": "}"}},
    ]


SHAPES: dict[str, Any] = {
    "list of texts": ["a", "b"],
    "output_text": [{"type": "output_text", "text": "ab"}],
    "object": {"type": "text", "text": "ab"},
    "object without a type": {"text": "ab"},
    "text in an object": [{"type": "text", "text": {"value": "ab", "annotations": []}}],
    "parts": {"parts": [{"text": "a"}, {"text": "b"}]},
    "mixed": ["a", {"type": "text", "text": "b"}],
    "list inside of a text": [{"type": "text", "text": ["a", "b"]}],
    "another name": [{"type": "text", "value": "ab"}],
    "markdown": [{"type": "markdown", "markdown": "ab"}],
    "lists in lists": [[[[["a"]]]], [["b"]]],
    "nulls between": [None, "a", None, "b"],
}


@pytest.mark.parametrize("content", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("place", ["delta", "message"])
def test_content_of_any_shape_is_read(content: Any, place: str) -> None:
    choice = {"index": 0, place: {"role": "assistant", "content": content}, "finish_reason": "stop"}
    assert decode([sse(chunk(choice))]).text == {0: "ab"}
    assert decode([json.dumps(chunk(choice)).encode()], stream=False).text == {0: "ab"}


@pytest.mark.parametrize(
    ("content", "text"),
    [({"answer": 5, "text": "x"}, '{"answer": 5, "text": "x"}'), ({"a": [1]}, '{"a": [1]}'), (5, "5"), (True, "true")],
)
def test_content_that_is_json_itself_becomes_its_text(content: Any, text: str) -> None:
    choice = {"index": 0, "message": {"content": content}, "finish_reason": "stop"}
    assert decode([json.dumps(chunk(choice)).encode()], stream=False).text == {0: text}


def test_a_call_among_the_parts_is_a_call() -> None:
    part = {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}
    answer = decode([sse(chunk(delta({"content": [{"type": "text", "text": "a"}, part]}, reason="tool_use")))])
    assert (answer.calls, answer.text) == ([(0, 0, "a", "f", '{"x": 1}')], {0: "a"})


def said(content: str, reason: str | None = None, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **more}
    return chunk({"index": 0, "message": message, "finish_reason": reason})


MESSAGES = {
    "pieces": [said("Hel"), said("lo"), said("", "stop")],
    "snapshots": [said("Hel"), said("Hello"), said("Hello", "stop")],
    "equal pieces": [said("He"), said("l"), said("l"), said("o", "stop")],
    "the same piece again": [said("He"), said("l"), said("l"), said("o", "stop")],
    "snapshots in parts": [said([{"type": "text", "text": "Hel"}]), said(["Hello"], "stop")],  # type: ignore[arg-type]
    "beside empty deltas": [
        chunk({"index": 0, "delta": {"role": "assistant", "content": ""}, "message": {"content": "Hel"}}),
        chunk({"index": 0, "delta": {}, "message": {"content": "Hello"}, "finish_reason": "stop"}),
    ],
    "beside deltas": [
        chunk({"index": 0, "delta": {"content": ""}, "message": {"content": ""}}),
        chunk({"index": 0, "delta": {"content": "Hel"}, "message": {"content": "Hel"}}),
        chunk({"index": 0, "delta": {"content": "lo"}, "message": {"content": "Hello"}}),
        chunk({"index": 0, "delta": {}, "message": {"content": "Hello"}, "finish_reason": "stop"}),
    ],
    "text in a delta": [chunk(delta({"text": "Hel"})), chunk(delta({"text": "lo"}, reason="stop"))],
    "choices that are texts": [{"choices": ["Hel"]}, {"choices": ["lo"]}, STOP],
    "text for a delta": [
        chunk({"index": 0, "delta": "Hel"}),
        chunk({"index": 0, "delta": "lo", "finish_reason": "stop"}),
    ],
    "choices as an object": [{"choices": {"delta": {"content": "Hello"}, "finish_reason": "stop"}}],
    "index as text": [chunk(delta({"content": "Hel"}, "0")), chunk(delta({"content": "lo"}, "0", "stop"))],  # type: ignore[arg-type]
    "index one": [chunk(delta({"content": "Hel"}, 1)), chunk(delta({"content": "lo"}, 1, "stop"))],
}


@pytest.mark.parametrize("frames", MESSAGES.values(), ids=MESSAGES.keys())
def test_frames_of_other_forms_are_read(frames: list[Any]) -> None:
    answer = decode([sse(*frames)])
    assert (answer.text, answer.end) == ({0: "Hello"}, Finish("stop"))


def test_what_deltas_did_not_hold_is_taken_from_the_message_behind_them() -> None:
    call = {"id": "a", "function": {"name": "f", "arguments": "{}"}}
    last = {"index": 0, "message": {"content": "a", "tool_calls": [call]}, "finish_reason": "tool_calls"}
    answer = decode([sse(words("a"), chunk(last))])
    assert (answer.text, answer.calls) == ({0: "a"}, [(0, 0, "a", "f", "{}")])
    thought = chunk(delta({"reasoning_content": "r"}))
    assert decode([sse(thought, said("a", "stop"))]).text == {0: "a"}


def test_calls_of_messages_that_grow_or_come_in_pieces_are_one() -> None:
    parts = ('{"a"', '{"a":1}')
    grown = [{"id": "c", "function": {"name": "f", "arguments": arguments}} for arguments in parts]
    frames = [said("x", tool_calls=[grown[0]]), said("x", "tool_calls", tool_calls=[grown[1]])]
    assert decode([sse(*frames)]).calls == [(0, 0, "c", "f", '{"a":1}')]
    frames = [
        said("", tool_calls=[grown[0]]),
        said("", "tool_calls", tool_calls=[{"index": 0, "function": {"arguments": ":1}"}}]),
    ]
    assert decode([sse(*frames)]).calls == [(0, 0, "c", "f", '{"a":1}')]


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


# -- reasoning inside the text --------------------------------------------------------------------------------------
TAGGED = Form(think_tags="implicit")


def test_text_cut_off_by_length_before_any_tag_is_reasoning() -> None:
    answer = decode([sse(words("so far"), chunk(delta({}, reason="length")))], TAGGED)
    assert (answer.reasoning, answer.text) == ({0: "so far"}, {})


def test_text_is_an_answer_where_the_api_tells_reasoning_apart() -> None:
    decoder = OpenAIDecoder(TAGGED)
    decoder.feed(sse(chunk(delta({"reasoning_content": "r"})), done=False))
    assert decoder.feed(sse(words("</think> is a tag"), done=False)) == [Text("</think> is a tag")]


def test_undecided_text_is_not_told_by_a_failure() -> None:
    answer = decode([sse(words("who knows"), done=False)], TAGGED)
    assert answer.failure.kind is ErrorKind.INCOMPLETE
    assert (answer.text, answer.reasoning) == ({}, {})


# -- never raising, never growing -----------------------------------------------------------------------------------
def test_an_endless_event_is_a_failure_at_every_cut() -> None:
    body = sse(words("a"), done=False) + b"data: " + b"x" * 600 + b"\n\n"
    for at in range(0, len(body), 7):
        answer = decode([body[:at], body[at:]], limit_bytes=500)
        assert (answer.text, answer.failure.kind) == ({0: "a"}, ErrorKind.PROVIDER_DOWN)


@pytest.mark.parametrize("stream", [True, False])
def test_an_endless_body_is_a_failure(stream: bool) -> None:
    decoder = OpenAIDecoder(Form(), stream=stream, limit_bytes=500)
    events = [event for _ in range(200) for event in decoder.feed(b'{"a": "' if not decoder else b"xxxxx{")]
    assert isinstance((events + decoder.close())[-1], Failure)


def test_gathered_answers_are_bounded() -> None:
    decoder = OpenAIDecoder(TAGGED, limit_bytes=2000)
    events = [event for _ in range(100) for event in decoder.feed(sse(words("more "), done=False))]
    assert isinstance(events[-1], Failure)


def test_the_names_of_unknown_things_are_bounded() -> None:
    decoder = OpenAIDecoder(Form())
    for number in range(1000):
        decoder.feed(sse({"type": f"kind {number}"}, done=False))
    assert len(decoder.unknown) <= 65
    assert sum(decoder.unknown.values()) == 1000


def test_odd_shapes_are_counted_and_survived() -> None:
    odd: list[Any] = [3, "x", [], [1], {"choices": 5}, {"choices": ["x"]}, {"choices": [{"index": 10**9}]}]
    odd += [{"choices": [{"index": -1, "delta": {"content": "z"}}]}, {"choices": [{"index": "0", "delta": 7}]}]
    odd += [chunk(delta({"tool_calls": {"a": 1}})), chunk(delta({"tool_calls": [1, {"function": "f", "id": 3}]}))]
    odd += [
        chunk({"delta": {"content": 5}, "finish_reason": 7}),
        chunk(web_search=3),
        chunk(web_search=[1, {"link": 2}]),
    ]
    decoder = OpenAIDecoder(Form())
    events = [event for frame in odd for event in decoder.feed(sse(frame, done=False))]
    events += decoder.feed(sse(words("a"), STOP))
    assert joined(events).text == {0: "x5a"}
    assert decoder.unknown


def test_deep_nesting_is_survived() -> None:
    deep = b'{"choices":[{"index":0,"delta":{"x":' + b"[" * 5000 + b"]" * 5000 + b"}}]}"
    less = (
        b'{"choices":[{"index":0,"delta":{"x":'
        + b'{"a":' * 300
        + b"1"
        + b"}" * 300
        + b'}}],"y":'
        + b"[" * 300
        + b"]" * 300
        + b"}"
    )
    for body in (deep, less):
        frame = b"data: " + body + b"\n\n"
        decode([frame, frame, sse(words("a"), STOP)])
        decode([frame, frame, sse(words("a"), STOP)], stream=False)
        decode([body], stream=False)


PIECES = st.sampled_from(
    [
        b"data: ",
        b"data:",
        b"\n\n",
        b"\n",
        b"\r\n\r\n",
        b": c\n\n",
        b"[DONE]",
        b"<html>",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        A.encode(),
        B.encode(),
        A[:70].encode(),
        B[40:].encode(),
        b'{"error": {"message": "no"}}',
        b'{"usage": {"prompt_tokens": 1}}',
        json.dumps(chunk(delta({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}))).encode(),
        b'{"choices": [{"message": {"content": "w"}}]}',
        "é🌍".encode(),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.binary(max_size=6), max_size=14), st.data(), st.booleans(), st.booleans())
def test_any_bytes_end_in_one_terminal_and_the_same_at_every_cut(
    pieces: list[bytes], data: st.DataObject, stream: bool, tagged: bool
) -> None:
    body = b"".join(pieces)
    form = TAGGED if tagged else Form()
    whole: Answer = decode([body], form, stream=stream)
    assert decode([body[at : at + 1] for at in range(len(body))], form, stream=stream) == _same(whole)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5)))
    parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert decode(parts, form, stream=stream) == _same(whole)


NAMES = ["choices", "delta", "message", "index", "content", "role", "finish_reason", "usage", "error", "tool_calls"]
NAMES += ["function", "name", "arguments", "id", "type", "text", "reasoning", "reasoning_content", "reasoning_details"]
NAMES += ["function_call", "annotations", "url_citation", "url", "thinking", "web_search", "x_groq", "code", "refusal"]
JSONS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.floats()
    | st.sampled_from(["", "a", "text", "thinking", "stop"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), JSONS, max_size=5), max_size=4), JSONS, st.booleans())
def test_any_json_in_any_place_is_survived(deltas: list[Any], value: Any, stream: bool) -> None:
    frames = [chunk(delta(fields), chunk_field=value) for fields in deltas] + [{"choices": value}, value]
    decode([sse(*frames)], TAGGED, stream=stream)
    decode([json.dumps({"choices": [{"message": fields} for fields in deltas], "x": value}).encode()], stream=stream)


class _same:
    """Equal to an answer with the same content; failures are compared by what they say."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Answer)
        return bool(_plain(other) == _plain(self.answer))

    __hash__ = None  # type: ignore[assignment]


def _plain(answer: Answer) -> Any:
    end = repr(answer.end.error) if isinstance(answer.end, Failure) else answer.end
    return {**vars(answer), "end": end}


@pytest.mark.parametrize("nested", ['{"error":', '{"choices":[{"index":0,"finish_reason":', '{"data":', '{"detail":'])
def test_depth_is_no_bug(nested: str) -> None:
    closing = "".join({"{": "}", "[": "]"}[char] for char in reversed(nested) if char in "{[")
    for depth in (20, 3000):
        inner = "[" * depth + "1" + "]" * depth
        frames = [nested * depth + "1" + closing * depth, f"{nested}{inner}{closing}"]
        for frame in frames:
            decoder = OpenAIDecoder(Form())
            events = [*decoder.feed(f"data: {frame}\n\n".encode()), *decoder.close()]
            assert isinstance(events[-1], Failure | Finish)
