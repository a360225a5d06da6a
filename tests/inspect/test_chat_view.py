"""A chat as a person reads it, whatever was kept of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.inspect.annotation import Annotation
from addons.inspect.chat_view import HELD, answer_lines, chat_text, error_of

NAMES = [
    "choices",
    "delta",
    "message",
    "content",
    "index",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "annotations",
    "url_citation",
    "error",
    "code",
    "messages",
    "role",
    "text",
    "type",
    "image_url",
    "prompt",
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, JSON, st.booleans())
def test_a_chat_of_any_form_is_readable(asked: object, answered: object, stream: bool) -> None:
    body = json.dumps(answered)
    delivered = f"data: {body}\n\n" if stream else body
    assert chat_text(Annotation("req_1", client_request=json.dumps(asked), delivered=delivered)).startswith("req_1")


def test_lines_are_left_to_the_window_to_fold() -> None:
    words = "    " + "word " * 60 + "end"
    request = json.dumps({"messages": [{"role": "user", "content": words}]})
    assert words in chat_text(Annotation("req_1", client_request=request)).splitlines()


def lines(**fields: Any) -> list[str]:
    """The view's lines without its rules."""
    return [line.rstrip(" ─") for line in chat_text(Annotation("req_1", **fields)).splitlines()]


def asked(**fields: Any) -> str:
    return json.dumps(fields, ensure_ascii=False)


def test_the_head_tells_who_was_asked_and_how_it_went() -> None:
    whole = lines(
        provider="zai",
        account="me",
        model="m",
        outcome="ok",
        attempt=2,
        first_token_ms=0,
        total_ms=9,
        prompt_tokens=3,
        completion_tokens=4,
        error="odd",
        client_request="{}",
    )
    assert whole[:3] == [
        "req_1   m → zai/me   ok",
        "attempt 2   first word 0 ms   total 9 ms   tokens 3+4",
        "error: odd",
    ]
    assert lines(part="local", client_request="{}") == ["req_1   ? → nobody   local"]


def test_every_part_of_a_request_is_shown() -> None:
    request = asked(
        model="m",
        stream=True,
        stop=["a"],
        prompt=["one"],
        messages=[
            {"role": "assistant", "reasoning_content": "hm", "content": "", "tool_calls": [{}, 5]},
            {"role": "tool", "tool_call_id": "c1", "content": "found"},
            {"content": [{"type": "text", "text": "Look"}, "there", {"type": "audio"}, {"image_url": 1}]},
            {"role": "user", "content": [{"type": "image_url", "image_url": "data:" + "x" * 200}]},
            {"role": "user", "content": {"odd": 1}},
            7,
        ],
    )
    found = "\n".join(lines(client_request=request))
    for words in (
        'parameters: stop=["a"]',
        '── prompt\n["one"]',
        "── assistant, thinking\nhm",
        "── assistant calls ?",
        "── tool c1\nfound",
        "── ?\nLook\nthere\n[audio]\n[part]",
        f"[picture: data:{'x' * 115}… (205 characters)]",
        '── user\n{"odd": 1}',
        "── ?\n7",
    ):
        assert words in found
    assert "stream" not in found


@pytest.mark.parametrize(
    ("body", "said"), [("{", "is no JSON:"), ("[1]", "is no object:"), ("", "is no JSON:"), ("5" * 5000, "is no")]
)
def test_what_is_no_chat_is_shown_as_it_is(body: str, said: str) -> None:
    found = chat_text(Annotation("req_1", client_request=body))
    assert f"the client's request {said}" in found
    assert len(found) < 4200


def stream(*deltas: dict[str, Any], index: Any = 0, **choice: Any) -> str:
    pieces = [{"choices": [{"index": index, "delta": delta, **choice}]} for delta in deltas]
    return "".join(f"data: {json.dumps(piece)}\n\n" for piece in pieces) + "data: [DONE]\n\n"


def test_an_answer_is_put_together_again() -> None:
    delivered = stream(
        {"reasoning_content": "h"},
        {"reasoning_content": "m"},
        {"content": "Hel"},
        {"content": "lo"},
        {"tool_calls": [{"index": 1, "function": {"name": "find", "arguments": '{"q'}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": '":1}'}}]},
        {"annotations": [{"url_citation": {"title": "T", "url": "u"}}]},
    ) + stream({"content": "other"}, index=1, finish_reason="length")
    assert [line.rstrip(" ─") for line in answer_lines(delivered)] == [
        "── assistant, thinking",
        "hm",
        "",
        "── assistant calls find",
        '{"q":1}',
        "",
        "── assistant",
        "Hello",
        "",
        "  source: T u",
        "── assistant, candidate 1",
        "other",
        "",
        "  finish reason: length",
    ]


@pytest.mark.parametrize(
    "whole",
    [
        {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]},
        {"choices": [{"text": "Hi", "finish_reason": "stop"}]},
    ],
)
def test_a_whole_answer_is_read_too(whole: dict[str, Any]) -> None:
    assert [line.rstrip(" ─") for line in answer_lines(json.dumps(whole))][1:] == ["Hi", "", "  finish reason: stop"]


@pytest.mark.parametrize("running", [True, False])
def test_while_it_runs_the_end_of_each_text_is_held(running: bool) -> None:
    """A secret that comes piece by piece may have begun there."""
    secret = "k" * HELD
    delivered = stream({"content": f"word {secret}", "reasoning_content": secret})
    found = chat_text(
        Annotation("req_1", client_request="{}", delivered=delivered, outcome="running" if running else "ok")
    )
    assert (secret in found) is not running
    assert "word" in found
    assert ("thinking" in found) is not running


def test_a_choice_with_an_odd_index_is_passed_over() -> None:
    assert list(answer_lines(stream({"content": "x"}, index="0"))) == []
    assert list(answer_lines(stream({"content": "x"}, index=None))) != []


def test_the_error_at_the_end_of_what_was_sent() -> None:
    one, two = ({"error": {"code": code, "message": "m"}} for code in ("a", "b"))
    told = f"data: {json.dumps(one)}\n\ndata: {json.dumps({'error': 'x'})}\n\ndata: {json.dumps(two)}\n\n"
    assert error_of(told) == "b: m"
    assert error_of(stream({"content": "x"})) == ""
