"""The chat call, and what its answer may be."""

import json

import pytest

from providers.contract.chat import Message
from providers.contract.requests import ChatRequest
from tests.providers.k2think.accounts import HELLO, MOMENT, V1, V2, provider, session
from tests.support.calls import seen
from tests.support.turns import turn_of


def test_the_request_is_the_proven_one() -> None:
    messages = (Message("developer", "S"), Message("user", "Hi"), Message("assistant", "A"), Message("user", "Q"))
    chat = ChatRequest(V1, messages, temperature=0.5, max_tokens=5)
    call = seen(turn_of(provider(stream=False), chat, session()).call(MOMENT))
    assert (call.method, call.url) == ("POST", "https://www.k2think.ai/api/chat/completions")
    assert dict(call.headers)["accept"] == "application/json"
    assert dict(call.headers)["content-type"] == "application/json"
    assert json.loads(call.body) == {
        "stream": False,
        "model": V2,
        "messages": [
            {"role": "system", "content": "S"},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "A"},
            {"role": "user", "content": "Q"},
        ],
        "temperature": 0.5,
        "max_tokens": 5,
    }


@pytest.mark.parametrize("stream", [False, True])
def test_the_setting_decides_how_the_site_is_asked_not_the_client(stream: bool) -> None:
    site = provider(stream=stream)
    for client_streams in (False, True):
        chat = ChatRequest(V1, HELLO, stream=client_streams)
        call = seen(turn_of(site, chat, session()).call(MOMENT))
        assert json.loads(call.body)["stream"] is stream
        assert dict(call.headers)["accept"].startswith("text/event-stream") is stream
        assert turn_of(site, chat).buffers is not stream


@pytest.mark.parametrize(
    ("status", "content_type", "answer"),
    [
        (200, "application/json", True),
        (200, "text/event-stream; charset=utf-8", True),
        (200, "text/html", False),
        (400, "application/json", False),
    ],
)
def test_json_and_streams_are_answers_whichever_was_asked_for(status: int, content_type: str, answer: bool) -> None:
    for stream in (False, True):
        headers = {"content-type": content_type}
        assert turn_of(provider(stream=stream), ChatRequest(V1, HELLO)).accepts(status, headers) is answer
