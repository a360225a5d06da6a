"""Why an answer ended, in whatever words and shapes an API says it."""

from typing import Any

import pytest

from providers.contract.errors import ErrorKind
from providers.contract.events import Failure, Finish
from providers.openai.decoder import OpenAIDecoder
from providers.openai.form import Form
from tests.providers.openai.streams import chunk, decode, delta, joined, sse, words


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
