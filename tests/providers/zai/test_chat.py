"""A chat with Z.AI: what is asked of the site, and what is mended."""

import json
from typing import Any

import pytest

from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.requests import ChatRequest
from providers.contract.steps import Answer
from tests.providers.zai.accounts import MOMENT, answered, chat, made, provider, reply, session
from tests.support.turns import turn_of


@pytest.mark.parametrize(
    ("model", "fields", "thinking", "search", "effort"),
    [
        ("GLM-4.6", {}, False, False, None),
        ("GLM-4.6-Thinking", {}, True, False, None),
        ("GLM-4.6-Search", {}, False, True, None),
        ("GLM-4.6-Thinking-Search", {}, True, True, None),
        ("GLM-4.6", {"reasoning_effort": "high"}, True, False, None),
        ("GLM-4.6", {"reasoning_effort": "none"}, False, False, None),
        ("GLM-4.6", {"search": True}, False, True, None),
        ("GLM-5.2", {"reasoning_effort": "max"}, True, False, "max"),
        ("GLM-5.3-Thinking", {}, True, False, "high"),
        ("GLM-5.2-Search", {"reasoning_effort": "max"}, True, True, "max"),
        ("GLM-5.1", {"reasoning_effort": "max"}, True, False, None),
        ("GLM-5.3", {}, True, False, "high"),
        ("GLM-5.3-Flash-Search", {"reasoning_effort": "none"}, True, True, "high"),
    ],
)
def test_switches(model: str, fields: Any, thinking: bool, search: bool, effort: str | None) -> None:
    features = json.loads(made(chat(model, **fields))[1].body)["features"]
    assert (features["enable_thinking"], features["web_search"]) == (thinking, False)
    assert features["auto_web_search"] is search
    assert features.get("reasoning_effort") == effort


def test_history_and_system_prompt_are_one_user_message() -> None:
    messages = (
        Message("system", "Be brief."),
        Message("user", "One"),
        Message("assistant", "1"),
        Message("user", "Two"),
    )
    body = json.loads(made(ChatRequest("GLM-4.6", messages))[1].body)
    assert [m["role"] for m in body["messages"]] == ["user"]
    content = body["messages"][0]["content"]
    assert content.index("Be brief.") < content.index("One") < content.index("1") < content.index("Two")


def test_sampling_goes_into_params() -> None:
    body = json.loads(made(chat(temperature=0.5, max_tokens=9, stop=("x",)))[1].body)
    assert body["params"] == {"temperature": 0.5, "max_tokens": 9, "stop": ["x"]}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply({"detail": "Not authenticated"}, 401), ErrorKind.SESSION_EXPIRED),
        (reply(b"<html>", 405), ErrorKind.OUTDATED_CLIENT),
        (reply({"no": "id"}), ErrorKind.PROVIDER_DOWN),
        (reply(b"", 503), ErrorKind.PROVIDER_DOWN),
    ],
)
def test_a_refused_chat_creation_is_told(answer: Answer, kind: ErrorKind) -> None:
    with pytest.raises(ProviderError) as caught:
        answered(turn_of(provider(), chat(), session()).prepare(MOMENT), answer)
    assert caught.value.kind is kind


def test_another_name_of_a_model_that_always_thinks_thinks_too() -> None:
    zai = provider(model_ids={"mine": "x-preview-l"})
    body = json.loads(made(chat("mine", reasoning_effort="none"), zai)[1].body)
    assert (body["model"], body["features"]["enable_thinking"]) == ("x-preview-l", True)


def test_a_refused_signature_is_made_anew_once_without_asking() -> None:
    body = b'{"detail":"403: Signature validation failed: \xe7\xad\xbe\xe5\x90\x8d"}'
    error = turn_of(provider(), chat()).classify(400, {"content-type": "application/json"}, body)
    steps = turn_of(provider(), chat(), session()).recover(error, MOMENT)
    assert steps is not None
    assert answered(steps)[0] == []


@pytest.mark.parametrize("kind", [ErrorKind.CHALLENGE, ErrorKind.SESSION_EXPIRED, ErrorKind.RATE_LIMITED])
def test_nothing_else_is_mended(kind: ErrorKind) -> None:
    assert turn_of(provider(), chat(), session()).recover(ProviderError(kind, "x"), MOMENT) is None
