"""Calls of Z.AI's page: query, headers, bodies."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from providers.zai import data as zai_data
from providers.zai.signature import sign
from tests.providers.zai.accounts import TOKEN, chat, made
from tests.support.decoding import RECORDINGS


def test_no_secret_stands_in_a_call() -> None:
    for call in made(chat()):
        assert TOKEN not in f"{call.url}{call.headers}{call.body!r}"
        assert b"~sealed~" not in call.body
    assert "token=~sealed~zai~main~token~" in made(chat())[1].url


def test_a_completion_is_signed_for_its_own_words() -> None:
    call = made(chat("GLM-4.6", "你好"))[1]
    query = {name: values[0] for name, values in parse_qs(urlsplit(call.url).query, keep_blank_values=True).items()}
    headers, body = dict(call.headers), json.loads(call.body)
    expected = sign(
        zai_data.SIGNATURE_KEY,
        request_id=query["requestId"],
        timestamp_ms=int(query["timestamp"]),
        user_id="user-1",
        prompt="你好",
    )
    assert headers["X-Signature"] == expected
    assert headers["X-FE-Version"] == zai_data.CLIENT_VERSION
    assert headers["Referer"] == "https://chat.z.ai/c/chat-1"
    assert query["timestamp"] == query["signature_timestamp"] == "1773754824064"
    assert body["signature_prompt"] == body["messages"][0]["content"] == "你好"
    assert body["chat_id"] == "chat-1"
    assert body["variables"]["{{CURRENT_DATETIME}}"] == "2026-03-17 14:40:24"


def test_the_body_has_the_recorded_form() -> None:
    file = RECORDINGS / "zai" / "glm-5-chat-2026-03-17.request.json"
    if not file.is_file():
        pytest.skip("the recordings are not at hand")
    seen = json.loads(file.read_text())
    call = made(chat("GLM-5"))[1]
    body = json.loads(call.body)
    assert set(seen["request_body"]) == set(body)
    assert set(seen["request_body"]["features"]) <= set(body["features"])
    assert set(seen["request_body"]["variables"]) == set(body["variables"])
    assert list(seen["query"]) == list(parse_qs(urlsplit(call.url).query, keep_blank_values=True))


def test_the_signed_text_is_trimmed() -> None:
    asked = made(chat("GLM-4.6", " \n你好 \t"))[1]
    body = json.loads(asked.body)
    assert (body["signature_prompt"], body["messages"][0]["content"]) == ("你好", " \n你好 \t")


@pytest.mark.parametrize(
    ("fields", "thinking", "search", "effort"),
    [
        ({}, False, False, None),
        ({"reasoning_effort": "none"}, False, False, None),
        ({"search": True}, False, True, None),
        ({"reasoning_effort": "high"}, True, False, None),
    ],
)
def test_the_pages_switches_are_those_of_the_request(
    fields: dict[str, Any], thinking: bool, search: bool, effort: str | None
) -> None:
    created, asked = (json.loads(call.body) for call in made(chat("GLM-4.6", "hi", **fields)))
    features = asked["features"]
    assert (features["enable_thinking"], features["auto_web_search"]) == (thinking, search)
    assert features["web_search"] is False, "the page's switch is the other one"
    assert features.get("reasoning_effort") == effort
    switches = {"web_search", "auto_web_search", "enable_thinking"}
    assert all(features[name] == value for name, value in zai_data.FEATURES.items() if name not in switches)
    assert (created["chat"]["enable_thinking"], created["chat"]["auto_web_search"]) == (thinking, search)


def test_a_chat_is_made_as_the_page_makes_it() -> None:
    created, asked = (json.loads(call.body) for call in made(chat("GLM-4.6", "hi")))
    [message] = created["chat"]["history"]["messages"].values()
    assert created["chat"]["history"]["currentId"] == message["id"] == asked["current_user_message_id"]
    assert (message["role"], message["content"], message["models"]) == ("user", "hi", created["chat"]["models"])
    assert created["chat"]["models"] == [asked["model"]]
    assert (message["timestamp"], created["chat"]["timestamp"]) == (1_773_754_824, 1_773_754_824_064)
    assert created["chat"]["features"] == [{"type": "tool_selector", "server": "tool_selector_h", "status": "hidden"}]
    assert asked["background_tasks"] == {"title_generation": False, "tags_generation": False}
    assert asked["stream"] is True
    assert asked["current_user_message_parent_id"] is None
