"""The checks of the Qwen stand-in, field by field: each thing that may be wrong, alone."""

import json
import time
import uuid
from typing import Any

import pytest

from providers.sandbox.qwen.checks import SIZES, Chat, new_chat_problem, turn_problem

PLUS, NO_PICTURES = "qwen3.7-plus", "qwen3.7-max"
NOW = 1_772_702_645
DROP = object()


def merged(fields: dict[str, Any], wrong: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**fields, **wrong}.items() if value is not DROP}


def new_chat(**wrong: Any) -> Any:
    fields = {"chatId": "", "models": [PLUS], "timestamp": NOW * 1000, "chat_type": "t2t", "chat_mode": "normal"}
    return new_chat_problem(merged(fields, wrong))


def turn(
    *,
    message: dict[str, Any] | None = None,
    features: dict[str, Any] | None = None,
    chat: Chat | None = None,
    user: str = "ada",
    **wrong: Any,
) -> Any:
    model, kind = wrong.get("model", PLUS), (message or {}).get("chat_type", "t2t")
    config = {"thinking_enabled": False, "output_schema": "phase", "thinking_mode": "Fast"}
    said = {
        "fid": str(uuid.uuid4()),
        "parentId": None,
        "childrenIds": [str(uuid.uuid4())],
        "role": "user",
        "content": "Hi",
        "user_action": "chat",
        "files": [],
        "timestamp": NOW,
        "models": [model],
        "chat_type": kind,
        "sub_chat_type": kind,
        "extra": {"meta": {"subChatType": kind}},
        "feature_config": merged(config, features or {}),
    }
    body = {"stream": True, "version": "2.1", "chat_id": "c", "parent_id": None, "chat_mode": "normal"}
    body |= {"model": model, "timestamp": NOW, "messages": [merged(said, message or {})]}
    return turn_problem(merged(body, wrong), "c", {"c": chat or Chat("ada")}, user)


def problems(found: Any) -> list[str]:
    assert found["success"] is False
    assert found["data"]["code"] == "RequestValidationError", found
    read: list[str] = json.loads(found["data"]["details"])
    return read


def test_right_requests_have_no_problem() -> None:
    assert new_chat() is None
    assert new_chat(chat_mode="guest", chat_type="t2i") is None
    assert new_chat(chatId=DROP, title="New Chat") is None
    assert turn() is None
    assert turn(chat_mode="guest", timestamp=NOW * 1000) is None
    assert turn(message={"chat_type": "t2i"}, size="16:9") is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"chat_mode": "party"}, "chat_mode"),
        ({"chat_type": "karaoke"}, "chat_type"),
        ({"chat_type": "t2i", "models": [NO_PICTURES]}, "chat_type"),
        ({"timestamp": NOW}, "timestamp"),
        ({"timestamp": True}, "timestamp"),
        ({"timestamp": str(NOW * 1000)}, "timestamp"),
        ({"chatId": "x"}, "chatId"),
        ({"chatId": DROP}, "chatId"),
        ({"models": [PLUS, PLUS]}, "Field 'models': Field required"),
        ({"models": PLUS}, "Field 'models': Field required"),
    ],
)
def test_a_new_chat_is_refused_for_each_wrong_field(wrong: dict[str, Any], field: str) -> None:
    assert problems(new_chat(**wrong)) == [field]


def test_all_that_is_wrong_is_named_and_a_body_has_to_be_one() -> None:
    assert problems(new_chat(chat_mode="x", timestamp=0)) == ["chat_mode", "timestamp"]
    odd: list[object] = [None, [], "x", 7]
    for body in odd:
        assert problems(new_chat_problem(body)) == ["body"]
        assert problems(turn_problem(body, "c", {}, "ada")) == ["body"]
    assert new_chat(models=["gpt-4"])["data"]["code"] == "Bad_Request"


@pytest.mark.parametrize(
    ("wrong", "code", "words"),
    [
        ({"chat_id": "other"}, "RequestValidationError", "chat_id"),
        ({"chatId": "other"}, "RequestValidationError", "chat_id"),
        ({"user": "eve"}, "CHAT_NOT_FOUND", "chat c is not exist"),
        ({"chat": Chat("ada", busy=True)}, "Bad_Request", "in progress"),
        ({"messages": []}, "RequestValidationError", "messages"),
        ({"messages": ["Hi"]}, "RequestValidationError", "messages"),
        ({"messages": [{"role": "user"}] * 2}, "Bad_Request", "too many messages"),
        ({"message": {"role": "system"}}, "Bad_Request", "role"),
        ({"model": "gpt-4"}, "Bad_Request", "model gpt-4 not found"),
        ({"parent_id": "x"}, "RequestValidationError", "parent_id"),
        ({"parentId": "x"}, "RequestValidationError", "parent_id"),
        ({"message": {"parent_id": "x"}}, "RequestValidationError", "parent_id"),
        ({"chat": Chat("ada", chat_type="search")}, "Bad_Request", "chat_type"),
    ],
)
def test_a_turn_is_refused_with_the_sites_code(wrong: dict[str, Any], code: str, words: str) -> None:
    found = turn(**wrong)["data"]
    assert found["code"] == code
    assert words in found["details"]


def test_a_chat_that_nobody_made_is_not_there() -> None:
    body = {"chat_id": "c", "messages": [{}]}
    found = turn_problem(body, "c", {}, "ada")
    assert found is not None
    assert found["data"]["code"] == "CHAT_NOT_FOUND"
    assert problems(turn_problem({"chat_id": ""}, "", {}, "ada")) == ["Field 'chat_id': Field required"]


def test_a_later_turn_hangs_on_an_answer_of_the_chat() -> None:
    chat = Chat("ada", responses={"r1", "r2"})
    assert turn(chat=chat, parent_id="r1", message={"parentId": "r1", "parent_id": "r1"}) is None
    unknown = turn(chat=chat, parent_id="r3", message={"parentId": "r3", "parent_id": "r3"})
    assert unknown["data"]["code"] == "PARENT_NOT_FOUND"
    assert turn(chat=chat) is None, "a new branch"
    assert turn(parent_id="", message={"parentId": None}) is None, "nothing in either spelling"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"stream": False}, "stream"),
        ({"version": "2.0"}, "version"),
        ({"chat_mode": "party"}, "chat_mode"),
        ({"timestamp": 0}, "timestamp"),
        ({"timestamp": 1_600_000_000}, "timestamp"),
        ({"timestamp": 4_000_000_000}, "timestamp"),
        ({"message": {"chat_type": "t2i"}}, "size"),
        ({"message": {"chat_type": "t2i"}, "size": "2:1"}, "size"),
        ({"message": {"chat_type": "t2i"}, "model": NO_PICTURES, "size": SIZES[0]}, "messages.chat_type"),
        ({"message": {"sub_chat_type": "t2i"}}, "messages.sub_chat_type"),
        ({"message": {"extra": {"meta": {"subChatType": "t2i"}}}}, "messages.sub_chat_type"),
        ({"message": {"extra": {"meta": None}}}, "messages.sub_chat_type"),
        ({"message": {"extra": None}}, "messages.sub_chat_type"),
        ({"message": {"content": ""}}, "messages.content"),
        ({"message": {"content": [{"text": "Hi"}]}}, "messages.content"),
        ({"message": {"models": []}}, "messages.models"),
        ({"message": {"fid": "x"}}, "messages.fid"),
        ({"message": {"fid": str(uuid.UUID(int=10)).upper()}}, "messages.fid"),
        ({"message": {"id": "x"}}, "messages.fid"),
        ({"message": {"childrenIds": []}}, "messages.childrenIds"),
        ({"message": {"childrenIds": ["x"]}}, "messages.childrenIds"),
        ({"message": {"childrenIds": None}}, "messages.childrenIds"),
        ({"message": {"user_action": "shout"}}, "messages.user_action"),
        ({"message": {"files": [{}]}}, "messages.files.type"),
        ({"message": {"timestamp": DROP}}, "messages.timestamp"),
        ({"message": {"feature_config": None}}, "feature_config"),
        ({"features": {"output_schema": "text"}}, "feature_config.output_schema"),
        ({"features": {"thinking_enabled": DROP}}, "feature_config.thinking_enabled"),
        ({"features": {"auto_thinking": "yes"}}, "feature_config.thinking_enabled"),
        ({"features": {"thinking_mode": "Thinking"}}, "feature_config.thinking_mode"),
        ({"features": {"thinking_format": "text"}}, "feature_config.thinking_format"),
        ({"features": {"auto_search": 1}}, "feature_config.auto_search"),
        ({"features": {"thinking_budget": 0}}, "feature_config.thinking_budget"),
        ({"features": {"thinking_budget": True}}, "feature_config.thinking_budget"),
        ({"features": {"thinking_budget": 1.5}}, "feature_config.thinking_budget"),
    ],
)
def test_a_turn_is_refused_for_each_wrong_field(wrong: dict[str, Any], field: str) -> None:
    assert problems(turn(**wrong)) == [field]


@pytest.mark.parametrize(
    ("enabled", "auto", "modes"),
    [
        (True, True, {"Auto", None}),
        (True, False, {"Thinking", None}),
        (False, True, {"Fast", "Disabled", "off", None}),
        (False, False, {"Fast", "Disabled", "off", None}),
    ],
)
def test_the_names_of_the_mode_go_with_its_switches(enabled: bool, auto: bool, modes: set[str | None]) -> None:
    for mode in ("Auto", "Thinking", "Fast", "Disabled", "off", None):
        features = {"thinking_enabled": enabled, "auto_thinking": auto, "thinking_mode": mode}
        assert (turn(features=features) is None) == (mode in modes), mode


def test_the_clock_of_today_is_a_time_of_our_days() -> None:
    assert turn(timestamp=int(time.time())) is None
