"""A chat with Qwen: made first, then asked once."""

import json
from typing import Any

import pytest

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials
from tests.providers.qwen.accounts import (
    CHAT_ID,
    CREATED,
    answer,
    chat,
    moment,
    qwen,
    run,
    session,
)
from tests.support.calls import seen
from tests.support.turns import turn_of


def test_a_new_chat_is_made_first() -> None:
    turn = turn_of(qwen(), chat("qwen3.7-plus"), session())
    _, [call] = run(turn.prepare(moment()), answer(CREATED))
    assert (call.method, call.url) == ("POST", "https://chat.qwen.ai/api/v2/chats/new")
    assert json.loads(call.body) == {
        "chatId": "",
        "models": ["qwen3.7-plus"],
        "project_id": "",
        "timestamp": 1_772_702_645_123,
        "chat_type": "t2t",
        "chat_mode": "normal",
    }
    assert seen(turn.call(moment())).url.endswith(f"?chat_id={CHAT_ID}")


@pytest.mark.parametrize(
    "data", [{"id": "c"}, {"chat_id": "c"}, {"chat": {"chat_id": "c"}}, {"chat": {"id": "c"}}], ids=str
)
def test_the_id_of_a_chat_is_found_in_every_form(data: Any) -> None:
    turn = turn_of(qwen(), chat(), session())
    run(turn.prepare(moment()), answer({"success": True, "data": data}))
    assert seen(turn.call(moment())).url.endswith("?chat_id=c")


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
        run(turn_of(qwen(), chat(), session()).prepare(moment()), reply)
    assert caught.value.kind is kind


def test_a_session_that_must_be_renewed_first_makes_no_call() -> None:
    only_refresh = session(Credentials(cookies={"refresh_token": "r"}))
    with pytest.raises(ProviderError) as caught:
        run(turn_of(qwen(), chat(), only_refresh).prepare(moment()))
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED


def test_a_guest_is_found_out_where_that_is_asked_for() -> None:
    steps = turn_of(qwen(check_guest=True), chat(), session()).prepare(moment())
    with pytest.raises(ProviderError) as caught:
        run(steps, answer(CREATED), answer({"id": "g", "role": "guest"}))
    assert caught.value.kind is ErrorKind.SESSION_EXPIRED


@pytest.mark.parametrize("text", ["", "  \n"])
@pytest.mark.parametrize("model", ["qwen-max", "qwen-max-image"])
def test_a_chat_without_words_is_refused_before_a_call(model: str, text: str) -> None:
    with pytest.raises(ProviderError) as caught:
        run(turn_of(qwen(), chat(model, text), session()).prepare(moment()))
    assert (caught.value.kind, caught.value.param) == (ErrorKind.BAD_REQUEST, "messages")


def test_a_model_that_is_not_listed() -> None:
    with pytest.raises(ProviderError) as caught:
        run(turn_of(qwen(), chat("gpt-4"), session()).prepare(moment()))
    assert caught.value.kind is ErrorKind.MODEL_UNAVAILABLE


@pytest.mark.parametrize(
    ("status", "content_type", "is_answer"),
    [
        (200, "text/event-stream; charset=utf-8", True),
        (200, "Text/Event-Stream", True),
        (200, "application/json", True),  # whole, or a refusal: the decoder tells
        (200, "text/html", False),
        (200, "", False),
        (403, "text/event-stream", False),
    ],
)
def test_a_stream_or_json_is_an_answer(status: int, content_type: str, is_answer: bool) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert turn_of(qwen(), chat()).accepts(status, headers) is is_answer


def test_the_decoder_knows_where_files_of_the_chat_lie() -> None:
    turn = turn_of(qwen(), chat(), session())
    run(turn.prepare(moment()), answer(CREATED))
    extra = {"tool_result": [{"file_path": "a/b.png"}]}
    frame = {"choices": [{"delta": {"phase": "image_gen_tool", "role": "function", "extra": extra}}]}
    [event] = turn.decoder().feed(b"data: " + json.dumps(frame).encode() + b"\n\n")
    assert getattr(event, "url", None) == f"https://chat.qwen.ai/api/v2/chat/{CHAT_ID}/a/b.png"


@pytest.mark.parametrize(
    ("details", "code", "mended"),
    [
        ("The chat is in progress!", "Bad_Request", True),
        ("internal error", "Bad_Request", True),
        ("", "CHAT_NOT_FOUND", True),
        ("", "Internal_Server_Error", False),
        ("", "Unauthorized", False),
    ],
)
def test_another_new_chat_mends_what_was_wrong_with_this_one(details: str, code: str, mended: bool) -> None:
    provider = qwen()
    body = json.dumps({"success": False, "data": {"code": code, "details": details}}).encode()
    turn = turn_of(provider, chat(), session())
    steps = turn.recover(turn.classify(200, {}, body), moment())
    assert (steps is not None) is mended
    if steps is not None:
        assert run(steps) == (None, [])
