import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from providers.chat import ChatRequest, Message
from providers.contract import Call, SessionMaterial
from providers.errors import ErrorKind, ProviderError
from providers.qwen import Qwen, QwenOptions
from providers.registry import provider_class
from tests.providers.qwen_accounts import ACCESS, NEW_STYLE, OLD_STYLE, answer, chat, moment, qwen, run, session

ROOT = Path(__file__).parents[2]
RECORDED = (
    Path(os.environ.get("GLASSGATE_RECORDINGS", ROOT.parent / "shared" / "recordings"))
    / "qwen/t2t-thinking-2026-03.requests.json"
)
CHAT_ID = "00000000-0000-4000-8000-0000000000c1"
CREATED = {"success": True, "request_id": "r", "data": {"id": CHAT_ID}}


def asked(request: ChatRequest, provider: Qwen | None = None, material: SessionMaterial = NEW_STYLE) -> Call:
    """The completion of a chat, after its new chat was made."""
    provider = provider or qwen()
    account = session(material)
    prepared, _ = run(provider.prepare(request, account, moment()), answer(CREATED))
    return provider.build(request, account, prepared, moment())


def body_of(call: Call) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(call.body)
    return body


def features(request: ChatRequest, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = body_of(asked(request, qwen(**options)))["messages"][0]["feature_config"]
    return found


def test_the_registry_knows_the_adapter() -> None:
    assert provider_class("qwen") is Qwen


def test_calls_go_to_the_site_and_its_sign_in_host_only() -> None:
    assert qwen().origins() == {"https://chat.qwen.ai:443", "https://auth.qwen.ai:443"}


@pytest.mark.parametrize(
    "options",
    [
        {"auth_url": "http://auth.qwen.ai"},
        {"base_url": "ftp://x"},
        {"thinking": "maybe"},
        {"image_size": "2:1"},
        {"thinking_budget": 0},
        {"citations": "footnotes"},
        {"unknown": 1},
    ],
    ids=lambda options: next(iter(options)),
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        QwenOptions(**options)


# -- the new chat ------------------------------------------------------------------------------------------------------
def test_a_new_chat_is_made_first() -> None:
    prepared, [call] = run(qwen().prepare(chat("qwen3.7-plus"), session(), moment()), answer(CREATED))
    assert (call.method, call.url) == ("POST", "https://chat.qwen.ai/api/v2/chats/new")
    assert json.loads(call.body) == {
        "chatId": "",
        "models": ["qwen3.7-plus"],
        "project_id": "",
        "timestamp": 1_772_616_278_123,
        "chat_type": "t2t",
        "chat_mode": "normal",
    }
    assert getattr(prepared, "chat_id", None) == CHAT_ID


@pytest.mark.parametrize(
    "data", [{"id": "c"}, {"chat_id": "c"}, {"chat": {"chat_id": "c"}}, {"chat": {"id": "c"}}], ids=str
)
def test_the_id_of_a_chat_is_found_in_every_form(data: Any) -> None:
    prepared, _ = run(qwen().prepare(chat(), session(), moment()), answer({"success": True, "data": data}))
    assert getattr(prepared, "chat_id", None) == "c"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer({"success": False, "data": {"code": "Unauthorized"}}), ErrorKind.SESSION_EXPIRED),
        (answer({"success": False, "data": {"code": "RateLimited", "num": 2}}), ErrorKind.QUOTA),
        (answer({"ret": ["FAIL_SYS_USER_VALIDATE"]}), ErrorKind.CHALLENGE),
        (answer(b"<html>aliyun_waf_aa", content_type="text/html"), ErrorKind.CHALLENGE),
        (answer({"success": True, "data": {}}), ErrorKind.PROVIDER_DOWN),
        (answer({"id": "x"}, status=500), ErrorKind.PROVIDER_DOWN),
    ],
    ids=["unauthorized", "quota", "waf", "waf-page", "no-id", "500"],
)
def test_a_chat_that_cannot_be_made(reply: Any, kind: ErrorKind) -> None:
    with pytest.raises(ProviderError) as caught:
        run(qwen().prepare(chat(), session(), moment()), reply)
    assert caught.value.kind is kind


def test_a_session_that_must_be_renewed_first_makes_no_call() -> None:
    only_refresh = session(SessionMaterial(cookies={"refresh_token": "r"}))
    with pytest.raises(ProviderError) as caught:
        run(qwen().prepare(chat(), only_refresh, moment()))
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED


def test_a_guest_is_found_out_where_that_is_asked_for() -> None:
    steps = qwen(check_guest=True).prepare(chat(), session(), moment())
    with pytest.raises(ProviderError) as caught:
        run(steps, answer(CREATED), answer({"id": "g", "role": "guest"}))
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED


@pytest.mark.parametrize("text", ["", "  \n"])
@pytest.mark.parametrize("model", ["qwen-max", "qwen-max-image"])
def test_a_chat_without_words_is_refused_before_a_call(model: str, text: str) -> None:
    with pytest.raises(ProviderError) as caught:
        run(qwen().prepare(chat(model, text), session(), moment()))
    assert (caught.value.kind, caught.value.param) == (ErrorKind.BAD_REQUEST, "messages")


def test_a_model_that_is_not_listed() -> None:
    with pytest.raises(ProviderError) as caught:
        run(qwen().prepare(chat("gpt-4"), session(), moment()))
    assert caught.value.kind is ErrorKind.MODEL_UNAVAILABLE


# -- the completion ----------------------------------------------------------------------------------------------------
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
                "timestamp": 1_772_616_278,
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
        "timestamp": 1_772_616_278,
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
    assert headers["timezone"] == "Wed Mar 04 2026 17:24:38 GMT+0800"
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
    material = SessionMaterial(
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
    _, [call] = run(qwen().identify(session(), moment(epoch_ms, timezone)), answer({"id": "user-1"}))
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
    _, [new_chat] = run(qwen().prepare(request, session(), moment()), answer(CREATED))
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
    assert qwen().answers_late(chat("qwen-max-image"))
    assert not qwen().answers_late(chat("qwen-max-thinking"))


# -- answers -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "content_type", "is_answer"),
    [
        (200, "text/event-stream; charset=utf-8", True),
        (200, "Text/Event-Stream", True),
        (200, "application/json", False),
        (200, "text/html", False),
        (200, "", False),
        (403, "text/event-stream", False),
    ],
)
def test_only_an_event_stream_is_an_answer(status: int, content_type: str, is_answer: bool) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert qwen().is_answer(status, headers, chat()) is is_answer


def test_the_decoder_knows_where_files_of_the_chat_lie() -> None:
    prepared, _ = run(qwen().prepare(chat(), session(), moment()), answer(CREATED))
    extra = {"tool_result": [{"file_path": "a/b.png"}]}
    frame = {"choices": [{"delta": {"phase": "image_gen_tool", "role": "function", "extra": extra}}]}
    [event] = qwen().decoder(chat(), prepared).feed(b"data: " + json.dumps(frame).encode() + b"\n\n")
    assert getattr(event, "url", None) == f"https://chat.qwen.ai/api/v2/chat/{CHAT_ID}/a/b.png"


@pytest.mark.parametrize(
    ("details", "code", "mended"),
    [
        ("The chat is in progress!", "Bad_Request", True),
        ("internal error", "Bad_Request", True),
        ("", "CHAT_NOT_FOUND", True),
        ("", "Internal_Server_Error", False),
        ("", "Unauthorized", False),
        ("nonsense", "Bad_Request", False),
    ],
)
def test_another_new_chat_mends_what_was_wrong_with_this_one(details: str, code: str, mended: bool) -> None:
    provider = qwen()
    body = json.dumps({"success": False, "data": {"code": code, "details": details}}).encode()
    steps = provider.remedy(provider.classify(200, {}, body), session(), moment())
    assert (steps is not None) is mended
    if steps is not None:
        assert run(steps) == (None, [])
