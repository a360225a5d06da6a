"""Requests and answers as people read them, of whatever was kept."""

import json

from hypothesis import given
from hypothesis import strategies as st

from addons.dialects.base import AnswerMeta
from addons.dialects.messages.stream import MessagesStream
from addons.dialects.messages.transcript import MessagesTranscript
from addons.dialects.messages.whole import MessagesWhole
from addons.dialects.transcript import Passage
from addons.errors import GatewayError
from providers.contract.events import Event, Finish, Reasoning, Text, ToolCallDelta

READ = MessagesTranscript()
META = AnswerMeta("msg_1", 1, "m")
SAID: list[Event] = [Reasoning("Hm"), Text("a"), ToolCallDelta(0, "c", "f", '{"x":1}'), Finish("tool_calls")]


def test_a_request_is_parameters_tools_and_what_each_says() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "secret" * 10}}
    body = {
        "model": "m",
        "max_tokens": 5,
        "tools": [{"name": "f"}, {"type": "web_search_1"}],
        "system": [{"type": "text", "text": "Be."}],
        "messages": [
            {"role": "user", "content": "hi"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm", "signature": "s"},
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t", "is_error": True, "content": [picture]},
                    {"type": "text", "text": "and"},
                    {"type": "document", "source": {"type": "url", "url": "https://a/b?key=1"}},
                    {"type": "new"},
                ],
            },
            7,
        ],
    }
    told = list(READ.asked(json.dumps(body)))
    assert told == [
        "parameters: max_tokens=5",
        "",
        "tools (41 characters): f, web_search_1",
        Passage("system", "Be."),
        Passage("user", "hi"),
        Passage("assistant, thinking", "Hm"),
        Passage("assistant", "I look."),
        Passage("assistant calls f", '{"x": 1}'),
        Passage("result of t (failed)", "[image: image/png 60 characters]"),
        Passage("user", "and\n[document:  https://a/b]\n[new]"),
        Passage("?", "7"),
    ]
    assert next(iter(READ.asked("no"))) == "the client's request is no JSON:"
    assert next(iter(READ.asked("[]"))) == "the client's request is no object:"


def test_an_answer_reads_alike_whole_and_in_pieces() -> None:
    passages = [
        Passage("assistant, thinking", "Hm"),
        Passage("assistant", "a"),
        Passage("assistant calls f", '{"x":1}'),
    ]
    stream = MessagesStream(META, thinks=True).encode(SAID).decode()
    assert list(READ.answered(stream)) == [*passages, "  stop reason: tool_use"]
    whole = MessagesWhole(META, thinks=True).encode(SAID).decode()
    told = list(READ.answered(whole))
    assert told[:2] == passages[:2]
    assert told[2:] == [Passage("assistant calls f", '{"x": 1}'), "  stop reason: tool_use"]
    held = list(READ.answered(MessagesStream(META, thinks=True).encode([Text("abc")]).decode(), 2))
    assert held == [Passage("assistant", "a")]


def test_the_error_at_its_end_is_told() -> None:
    error = GatewayError(502, "It broke.", code="upstream_eof")
    assert READ.error_of(MessagesStream(META, thinks=True).error(error).decode()) == "api_error: It broke."
    assert READ.error_of("") == ""


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["messages", "content", "type", "index", "delta", "content_block", "error", "system"]),
            inner,
        )
    ),
    max_leaves=10,
)
KINDS = st.sampled_from(["message", "content_block_start", "content_block_delta", "message_delta", "error", "tool_use"])


@given(VALUES, KINDS)
def test_nothing_that_was_kept_raises(value: object, kind: str) -> None:
    for told in (value, {"type": kind, "messages": value, "tools": value, "index": 0, "delta": value, "error": value}):
        text = json.dumps(told)
        for body in (text, f"data: {text}\n\n"):
            assert [*READ.asked(body), *READ.answered(body), READ.error_of(body)]
        if isinstance(told, dict):
            assert isinstance(READ.frames().words(told), list)
