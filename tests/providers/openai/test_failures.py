"""Answers of the OpenAI form that fail: errors inside of a 200, and frames glued, cut and broken."""

import json
from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Finish
from providers.official.codes import ZAI
from providers.openai.form import Form
from tests.providers.openai.streams import STOP, chunk, decode, delta, sse, words

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
    "groq": (
        chunk(delta({}), x_groq={"id": "req_1", "error": "Rate limit reached"}),
        ErrorKind.PROVIDER_DOWN,
    ),
    "groq-with-an-end": (
        chunk(delta({}, reason="stop"), x_groq={"id": "req_1", "error": "over capacity"}),
        ErrorKind.PROVIDER_DOWN,
    ),
    "type-alone": ({"type": "error"}, ErrorKind.PROVIDER_DOWN),
    "with-choices": (
        chunk(delta({"content": "!"}, reason="error"), error={"code": 502, "message": "gone"}),
        ErrorKind.PROVIDER_DOWN,
    ),
}


NAMED: dict[str, tuple[Any, ErrorKind]] = {
    "named": (b'event: error\ndata: {"message": "gone"}\n\n', ErrorKind.PROVIDER_DOWN),
    "named-text": (b'event: error\ndata: "maximum context length is 4"\n\n', ErrorKind.TOO_LONG),
    "named-words": (b"event: error\ndata: upstream timed out\n\n", ErrorKind.PROVIDER_DOWN),
    "named-of-no-known-form": (b'event: error\ndata: {"status": 503}\n\n', ErrorKind.PROVIDER_DOWN),
    "named-without-data": (b"event: error\n\n", ErrorKind.PROVIDER_DOWN),
    "field": (b'error: {"code": 402, "message": "pay"}\n\n', ErrorKind.QUOTA),
}


@pytest.mark.parametrize(("frame", "kind"), (ERRORS | NAMED).values(), ids=(ERRORS | NAMED).keys())
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


# -- frames glued, cut and broken -----------------------------------------------------------------------------------
