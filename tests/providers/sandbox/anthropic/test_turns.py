"""What the Messages stand-in refuses of a conversation's order."""

from typing import Any

import pytest

from providers.sandbox.anthropic.blocks import Refused
from providers.sandbox.anthropic.models import MODELS
from providers.sandbox.anthropic.turns import check_turns
from tests.providers.sandbox.anthropic.asking import USER


def call(name: str = "a") -> dict[str, Any]:
    return {"type": "tool_use", "id": name, "name": "x", "input": {}}


def result(name: str = "a") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": name, "content": "x"}


def said(*blocks: dict[str, Any], role: str = "assistant") -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def results(*blocks: dict[str, Any]) -> dict[str, Any]:
    return said(*blocks, role="user")


WORDS = {"type": "text", "text": "And?"}
THOUGHT = {"type": "thinking", "thinking": "x", "signature": "y"}
SYSTEM = {"role": "system", "content": "Now."}


def refusal(*messages: dict[str, Any], model: str = "claude-sandbox", thinking: str = "") -> str:
    try:
        check_turns({"messages": list(messages)}, MODELS[model], thinking)
    except Refused as e:
        return str(e)
    return ""


WITHOUT = "`tool_use` ids were found without `tool_result` blocks immediately after: a"
WRONG: list[Any] = [
    ((SYSTEM,), 'messages: first message must use the "user" role'),
    ((said(WORDS), USER), 'messages: first message must use the "user" role'),
    ((USER, said(call()), USER), f"messages.2: {WITHOUT}"),
    ((USER, said(call()), results(WORDS, result())), f"messages.2: {WITHOUT}"),
    ((USER, said(call())), f"messages.2: {WITHOUT}"),
    ((USER, said(call(), call("b")), results(result("b"))), f"messages.2: {WITHOUT}"),
    ((USER, said(WORDS), results(result())), "messages.2.content.0: unexpected `tool_use_id` found"),
    ((USER, said(call()), results(result(), result())), "messages.2: each tool_use must have a single result."),
    ((USER, said(WORDS)), "This model does not support assistant message prefill."),
]


@pytest.mark.parametrize(("messages", "words"), WRONG, ids=range(len(WRONG)))
def test_what_is_refused(messages: tuple[dict[str, Any], ...], words: str) -> None:
    assert refusal(*messages).startswith(words)


def test_what_is_taken() -> None:
    assert (
        refusal(USER, USER, said(call()), said(call("b")), results(result()), results(result("b"), WORDS), SYSTEM) == ""
    )


def test_an_older_model_goes_on_with_a_prefill_that_has_no_blank_at_its_end() -> None:
    small = "claude-sandbox-small"
    assert refusal(USER, said(WORDS), model=small) == ""
    assert refusal(USER, {"role": "assistant", "content": "And "}, model=small).endswith("end with trailing whitespace")


def test_where_thinking_is_on_turns_of_calls_begin_with_it() -> None:
    wrong = refusal(USER, said(call()), results(result()), thinking="enabled")
    assert wrong.startswith(
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`."
    )
    assert refusal(USER, said(THOUGHT, call()), results(result()), thinking="enabled") == ""
    assert refusal(USER, said(WORDS), USER, thinking="enabled") == ""
