"""Chats and completions as people read them, of whatever was kept."""

import json

from hypothesis import given
from hypothesis import strategies as st

from addons.dialects.openai.transcript import OpenAITranscript
from addons.dialects.transcript import Passage

READ = OpenAITranscript()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["messages", "choices", "delta", "content", "tool_calls", "function", "error"]), inner
        )
    ),
    max_leaves=10,
)


def sse(*values: object) -> str:
    return "".join(f"data: {json.dumps(value)}\n\n" for value in values) + "data: [DONE]\n\n"


def delta(index: int = 0, reason: str | None = None, **fields: object) -> dict[str, object]:
    return {"choices": [{"index": index, "delta": fields, "finish_reason": reason}]}


def test_a_request_is_its_parameters_and_messages() -> None:
    body = json.dumps(
        {
            "model": "m",
            "stream": True,
            "temperature": 0.5,
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": "u"}]},
                {"role": "assistant", "reasoning_content": "Hm", "tool_calls": [{"function": {"name": "f"}}]},
                {"role": "tool", "tool_call_id": "c", "content": "42"},
                "odd",
            ],
        }
    )
    assert list(READ.asked(body)) == [
        "parameters: temperature=0.5",
        "",
        Passage("user", "See\n[picture: u]"),
        Passage("assistant, thinking", "Hm"),
        Passage("assistant calls f", ""),
        Passage("tool c", "42"),
        Passage("?", "odd"),
    ]
    assert list(READ.asked('{"prompt": "Once"}')) == [Passage("prompt", "Once")]
    assert list(READ.asked("{")) == ["the client's request is no JSON:", "{"]
    assert list(READ.asked("[]")) == ["the client's request is no object:", "[]"]


def test_a_stream_is_put_together() -> None:
    call = {"index": 0, "function": {"name": "f", "arguments": "{"}}
    more = {"index": 0, "function": {"arguments": "}"}}
    source = {"type": "url_citation", "url_citation": {"title": "T", "url": "u"}}
    said = sse(
        delta(reasoning_content="Hm"),
        delta(content="Hel"),
        delta(content="lo", annotations=[source]),
        delta(tool_calls=[call]),
        delta(tool_calls=[more]),
        delta(reason="stop"),
        delta(1, content="Other"),
    )
    assert list(READ.answered(said)) == [
        Passage("assistant, thinking", "Hm"),
        Passage("assistant calls f", "{}"),
        Passage("assistant", "Hello"),
        "  source: T u",
        "  finish reason: stop",
        Passage("assistant, candidate 1", "Other"),
    ]
    assert READ.error_of(said) == ""


def test_a_whole_answer_reads_as_a_stream() -> None:
    whole = {"choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]}
    assert list(READ.answered(json.dumps(whole))) == [Passage("assistant", "Hello"), "  finish reason: stop"]
    assert list(READ.answered('{"choices": [{"text": "Once"}]}')) == [Passage("assistant", "Once")]


def test_letters_at_the_end_are_held_back_while_more_comes() -> None:
    assert list(READ.answered(sse(delta(content="Hello")), 2)) == [Passage("assistant", "Hel")]
    assert list(READ.answered(sse(delta(content="He")), 2)) == []


def test_the_error_at_the_end_is_told() -> None:
    said = (
        f'data: {{"choices":[]}}\n\ndata: {json.dumps({"error": {"code": "upstream_eof", "message": "It broke."}})}\n\n'
    )
    assert READ.error_of(said) == "upstream_eof: It broke."


@given(VALUES, VALUES, st.integers(0, 5))
def test_nothing_that_was_kept_makes_it_fail(asked: object, answered: object, held: int) -> None:
    for body in (json.dumps(asked), sse(asked, answered)):
        assert [*READ.asked(body), *READ.answered(body, held), READ.error_of(body)]
