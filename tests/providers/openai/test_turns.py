"""What is an answer, and how it reaches the client."""

import json

import pytest

from addons.dialects.base import AnswerMeta
from addons.dialects.chat_completions.stream import ChatStream
from addons.dialects.chat_completions.whole import ChatWhole
from providers.contract.errors import ErrorKind
from providers.contract.events import Finish, Passthrough, Text, Usage
from tests.providers.openai.accounts import chat, provider
from tests.providers.openai.streams import FIXTURES, chunk, delta, joined, sse, words
from tests.support.turns import turn_of


@pytest.mark.parametrize(
    ("status", "content_type", "readable"),
    [
        (200, "text/event-stream; charset=utf-8", True),
        (200, "application/json", True),
        (200, "application/problem+json", True),
        (200, "TEXT/EVENT-STREAM", True),
        (200, "", True),
        (200, "text/html", True),
        (201, "application/json", True),
        (202, "text/event-stream", True),
        (200, "image/png", False),
        (200, "application/grpc", False),
        (204, "", False),
        (429, "text/event-stream", False),
        (302, "application/json", False),
    ],
)
def test_what_can_be_read_is_told_from_what_cannot(status: int, content_type: str, readable: bool) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert turn_of(provider(preset="openai"), chat()).accepts(status, headers) is readable


def test_the_decoder_knows_what_the_client_asked() -> None:
    site = provider(preset="openai")
    body = sse(chunk(delta({"function_call": {"name": "f", "arguments": "{}"}}, reason="function_call")))
    legacy = turn_of(site, chat(stream=True, extra={"functions": [{"name": "f"}]})).decoder()
    assert joined(legacy.feed(body)).end == Finish("function_call")
    assert joined(turn_of(site, chat(stream=True)).decoder().feed(body)).end == Finish("tool_calls")
    two = turn_of(site, chat(n=2)).decoder()
    assert joined([*two.feed(sse(words("a", "stop"), done=False)), *two.close()]).failure.kind is ErrorKind.INCOMPLETE


def test_answers_that_come_late_are_said_to() -> None:
    assert turn_of(provider(preset="k2think"), chat(stream=True)).buffers
    assert not turn_of(provider(preset="openai"), chat(stream=True)).buffers
    assert turn_of(provider(preset="openai"), chat(stream=False)).buffers


META = AnswerMeta(id="chatcmpl-9", created=2, model="m")


def test_a_whole_answer_reaches_the_client_with_all_it_held() -> None:
    raw = (FIXTURES / "synthetic-whole.json").read_bytes()
    decoder = turn_of(provider(preset="openai"), chat()).decoder()
    encoder = ChatWhole(META)
    body = encoder.encode([*decoder.feed(raw), *decoder.close()])
    given, found = json.loads(raw), json.loads(body)
    given["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = '{"a": 1}'
    assert found == {**given, "created": 2}


def test_a_stream_reaches_the_client_with_all_it_held() -> None:
    raw = (FIXTURES / "synthetic-openai.sse").read_bytes()
    decoder = turn_of(provider(preset="openai"), chat(stream=True)).decoder()
    encoder = ChatStream(META, include_usage=True)
    out = encoder.encode([*decoder.feed(raw), *decoder.close()])
    frames = [json.loads(line) for line in out.removesuffix(b"data: [DONE]\n\n").split(b"data: ") if line]
    assert "".join(f["choices"][0]["delta"].get("content") or "" for f in frames if f["choices"]) == "Grüße 🌍!"
    assert frames[-1]["usage"]["completion_tokens_details"] == {"reasoning_tokens": 2}
    assert frames[-1]["system_fingerprint"] == "fp_1"


def test_words_are_told_as_they_come() -> None:
    decoder = turn_of(provider(preset="openai"), chat(stream=True)).decoder()
    assert decoder.feed(sse(words("a"), done=False)) == [Passthrough("chunk", {"id": "chatcmpl-1"}), Text("a")]
    end = sse(chunk(delta({}, reason="stop"), usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}))
    events = decoder.feed(end)
    assert [type(event) for event in events] == [Usage, Finish]
    assert decoder.close() == []
