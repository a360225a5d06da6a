import json
import os
from pathlib import Path
from typing import Any

import pytest

from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials
from tests.providers.qwen.accounts import (
    ACCESS,
    CHAT_ID,
    CREATED,
    NEW_STYLE,
    OLD_STYLE,
    answer,
    asked,
    body_of,
    chat,
    features,
    moment,
    qwen,
    run,
    session,
)
from tests.support.turns import turn_of

ROOT = Path(__file__).parents[3]
RECORDED = (
    Path(os.environ.get("GLASSGATE_RECORDINGS", ROOT.parent / "shared" / "recordings"))
    / "qwen/t2t-thinking-2026-03.requests.json"
)


def test_the_completion_is_the_pages_own() -> None:
    call = asked(chat("qwen3.7-plus", "你好"))
    uuid = "00000000-0000-4000-8000-"
    assert (call.method, call.url) == ("POST", f"https://chat.qwen.ai/api/v2/chat/completions?chat_id={CHAT_ID}")
    assert json.loads(call.body) == {
        "stream": True,
        "version": "2.1",
        "incremental_output": True,
        "chatId": CHAT_ID,
        "chat_id": CHAT_ID,
        "parentId": None,
        "parent_id": None,
        "chat_mode": "normal",
        "model": "qwen3.7-plus",
        "messages": [
            {
                "id": None,
                "fid": uuid + "000000000002",
                "parentId": None,
                "parent_id": None,
                "childrenIds": [uuid + "000000000003"],
                "role": "user",
                "content": "你好",
                "user_action": "chat",
                "files": [],
                "timestamp": 1_772_702_645,
                "models": ["qwen3.7-plus"],
                "model": "",
                "chat_type": "t2t",
                "sub_chat_type": "t2t",
                "feature_config": {
                    "thinking_enabled": True,
                    "output_schema": "phase",
                    "research_mode": "normal",
                    "auto_thinking": True,
                    "thinking_mode": "Auto",
                    "thinking_format": "summary",
                    "auto_search": False,
                },
                "extra": {"meta": {"subChatType": "t2t"}},
            }
        ],
        "timestamp": 1_772_702_645,
    }


@pytest.mark.skipif(not RECORDED.is_file(), reason="no recordings here")
def test_the_completion_has_every_field_of_the_recorded_one() -> None:
    [recorded] = json.loads(RECORDED.read_text(encoding="utf-8"))
    ours = body_of(asked(chat()))
    assert recorded["body"].keys() <= ours.keys()
    [theirs], [message] = recorded["body"]["messages"], ours["messages"]
    assert theirs.keys() <= message.keys()
    assert theirs["feature_config"].keys() <= message["feature_config"].keys()


def test_the_headers_are_the_pages_with_secrets_sealed() -> None:
    headers = dict(asked(chat()).headers)
    assert headers["authorization"] == "Bearer ~sealed~qwen~main~token~"
    assert headers["cookie"].startswith("token=~sealed~qwen~main~token~; refresh_token=~sealed~")
    assert headers["referer"] == f"https://chat.qwen.ai/c/{CHAT_ID}"
    assert headers["origin"] == "https://chat.qwen.ai"
    assert (headers["source"], headers["version"]) == ("web", "0.3.12")
    assert (headers["accept"], headers["content-type"]) == ("application/json", "application/json")
    assert headers["x-accel-buffering"] == "no"
    assert headers["timezone"] == "Thu Mar 05 2026 17:24:05 GMT+0800"
    assert not any(name.startswith("bx-") for name in headers)


def test_the_token_of_the_cookie_is_the_bearer_of_the_old_age() -> None:
    headers = dict(asked(chat(), material=OLD_STYLE).headers)
    assert headers["authorization"] == "Bearer ~sealed~qwen~main~cookie:token~"
    assert headers["cookie"] == "token=~sealed~qwen~main~cookie:token~"


def test_no_secret_stands_in_any_call() -> None:
    for material in (OLD_STYLE, NEW_STYLE):
        said = repr(asked(chat(), material=material))
        assert ACCESS not in said
        assert "refresh-1" not in said


def test_what_the_persons_browser_sent_goes_along_sealed() -> None:
    material = Credentials(
        token=ACCESS, headers={"User-Agent": "Mine", "bx-ua": "231!x", "Cookie": "no", "Host": "no", "odd name": "no"}
    )
    headers = dict(asked(chat(), material=material).headers)
    assert headers["user-agent"] == "~sealed~qwen~main~header:User-Agent~"
    assert headers["bx-ua"] == "~sealed~qwen~main~header:bx-ua~"
    assert not {"host", "odd name"} & headers.keys()
    assert "header:Cookie" not in headers["cookie"]
    assert len(headers) == len(asked(chat(), material=material).headers)


def test_site_data_can_be_overridden() -> None:
    provider = qwen(client_version="0.4.0", user_agent="UA", headers={"Accept-Language": "de", "sec-ch-ua": ""})
    headers = dict(asked(chat(), provider).headers)
    assert (headers["version"], headers["user-agent"], headers["accept-language"]) == ("0.4.0", "UA", "de")
    assert "sec-ch-ua" not in headers


def test_another_base_url_changes_where_calls_go_but_not_who_the_page_is() -> None:
    call = asked(chat(), qwen(base_url="http://127.0.0.1:8901/"))
    assert call.url.startswith("http://127.0.0.1:8901/api/v2/chat/completions?")
    assert dict(call.headers)["origin"] == "https://chat.qwen.ai"


@pytest.mark.parametrize(
    ("timezone", "epoch_ms", "text"),
    [
        ("UTC", 0, "Thu Jan 01 1970 00:00:00 GMT+0000"),
        ("America/New_York", 1_790_000_000_000, "Mon Sep 21 2026 10:13:20 GMT-0400"),
        ("Asia/Kolkata", 1_790_000_000_000, "Mon Sep 21 2026 19:43:20 GMT+0530"),
        ("No/Where", 0, "Thu Jan 01 1970 00:00:00 GMT+0000"),
        ("../etc/passwd", 0, "Thu Jan 01 1970 00:00:00 GMT+0000"),
    ],
)
def test_the_time_is_written_as_a_browser_does(timezone: str, epoch_ms: int, text: str) -> None:
    _, [call] = run(qwen().sign_in.identify(session(), moment(epoch_ms, timezone)), answer({"id": "user-1"}))
    assert dict(call.headers)["timezone"] == text


def test_a_whole_conversation_is_one_message() -> None:
    turns = (
        Message("system", "Be brief."),
        Message("user", "Hi"),
        Message("assistant", "Hello"),
        Message("user", "Why?"),
    )
    [message] = body_of(asked(chat(messages=turns)))["messages"]
    assert message["role"] == "user"
    for turn in turns:
        assert turn.text() in message["content"]
    assert message["content"].endswith("Why?")


def test_half_a_surrogate_pair_does_not_break_the_request() -> None:
    assert body_of(asked(chat(text="a\ud83db")))["messages"][0]["content"] == "a?b"


# -- switches ----------------------------------------------------------------------------------------------------------
AUTO, ON, OFF = (True, True, "Auto"), (True, False, "Thinking"), (False, False, "Fast")


@pytest.mark.parametrize(
    ("model", "effort", "default", "mode"),
    [
        ("qwen-max", None, "auto", AUTO),
        ("qwen-max", None, "on", ON),
        ("qwen-max", None, "off", OFF),
        ("qwen-max", "high", "off", ON),
        ("qwen-max", "low", "auto", ON),
        ("qwen-max", "minimal", "on", OFF),
        ("qwen-max", "none", "auto", OFF),
        ("qwen-max-thinking", "none", "off", ON),
        ("qwen3-coder-plus", "high", "on", OFF),
        ("qwen-max-image", "high", "on", OFF),
    ],
)
def test_thinking_modes(model: str, effort: str | None, default: str, mode: tuple[bool, bool, str]) -> None:
    found = features(chat(model, reasoning_effort=effort), thinking=default)
    assert (found["thinking_enabled"], found["auto_thinking"], found["thinking_mode"]) == mode


@pytest.mark.parametrize("model", ["must", "must-image"])
@pytest.mark.parametrize("effort", [None, "none"])
def test_a_model_that_must_think_is_told_to(model: str, effort: str | None) -> None:
    provider = qwen(thinking="off")
    item = {"id": "must", "info": {"meta": {"think_skip": {"enable": False}, "thinking_format": "full"}}}
    run(provider.list_models(session(), moment()), answer({"data": [item]}))
    found = body_of(asked(chat(model, reasoning_effort=effort), provider))["messages"][0]["feature_config"]
    assert (found["thinking_enabled"], found["auto_thinking"], found["thinking_mode"]) == ON
    assert found["thinking_format"] == "full"


def test_a_model_without_the_automatic_mode_answers_fast() -> None:
    provider = qwen()
    item = {"id": "plain", "info": {"meta": {"auto_thinking": False}}}
    run(provider.list_models(session(), moment()), answer({"data": [item]}))
    found = body_of(asked(chat("plain"), provider))["messages"][0]["feature_config"]
    assert found["thinking_mode"] == "Fast"


def test_a_thinking_budget_is_sent_with_thinking_only() -> None:
    assert features(chat("qwen-max-thinking"), thinking_budget=1000)["thinking_budget"] == 1000
    assert "thinking_budget" not in features(chat(reasoning_effort="none"), thinking_budget=1000)


@pytest.mark.parametrize(
    ("model", "search", "chat_type"),
    [
        ("qwen-max", None, "t2t"),
        ("qwen-max", True, "search"),
        ("qwen-max-search", None, "search"),
        ("qwen-max-search", False, "search"),
        ("qwen-max-thinking-search", None, "search"),
        ("qwen-max-image", True, "t2i"),
    ],
)
def test_search(model: str, search: bool | None, chat_type: str) -> None:
    request = chat(model, search=search)
    body = body_of(asked(request))
    [message] = body["messages"]
    assert message["chat_type"] == message["sub_chat_type"] == message["extra"]["meta"]["subChatType"] == chat_type
    assert message["feature_config"]["auto_search"] is (chat_type == "search")
    _, [new_chat] = run(turn_of(qwen(), request, session()).prepare(moment()), answer(CREATED))
    assert json.loads(new_chat.body)["chat_type"] == chat_type


def test_search_is_a_switch_where_the_site_has_no_such_chat() -> None:
    provider = qwen()
    item = {"id": "m", "info": {"meta": {"chat_type": ["t2t"], "capabilities": {"search": True}}}}
    run(provider.list_models(session(), moment()), answer({"data": [item]}))
    [message] = body_of(asked(chat("m-search"), provider))["messages"]
    assert (message["chat_type"], message["feature_config"]["auto_search"]) == ("t2t", True)


@pytest.mark.parametrize(
    ("given", "size"),
    [
        (None, "4:3"),
        ("auto", "4:3"),
        ("16:9", "16:9"),
        ("1024x1024", "1:1"),
        ("1920x1080", "16:9"),
        ("768X1024", "3:4"),
    ],
)
def test_the_size_of_a_picture(given: str | None, size: str) -> None:
    request = chat("qwen-max-image", extra={} if given is None else {"size": given})
    assert body_of(asked(request, qwen(image_size="4:3")))["size"] == size


@pytest.mark.parametrize("given", ["2:1", "1000x999", "0x0", "huge", 7, "1x", "9" * 5000 + "x1"])
def test_a_size_the_site_does_not_have_is_refused_by_name(given: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        asked(chat("qwen-max-image", extra={"size": given}))
    assert (caught.value.kind, caught.value.param) == (ErrorKind.BAD_REQUEST, "size")


def test_words_take_no_size() -> None:
    assert "size" not in body_of(asked(chat(extra={"size": "16:9"})))


def test_a_picture_is_made_from_the_last_user_turn() -> None:
    turns = (
        Message("system", "S"),
        Message("user", "a dog"),
        Message("assistant", "![image](u)"),
        Message("user", "a cat"),
    )
    [message] = body_of(asked(chat("qwen-max-image", messages=turns)))["messages"]
    assert message["content"] == "a cat"


def test_only_pictures_come_late() -> None:
    assert turn_of(qwen(), chat("qwen-max-image")).buffers
    assert not turn_of(qwen(), chat("qwen-max-thinking")).buffers
