"""Answers that a provider's content filter ends: each program is told in the form at which it stops, with our words.

Measured with Claude Code 2.1.332, which asks twice after `stop_reason: refusal` and blames Anthropic, and Codex CLI
0.169, which asks six times after `response.incomplete` with content_filter and once after one with max_output_tokens.
"""

import json
from typing import Any

import pytest

from addons.dialects.base import FILTERED, AnswerMeta, Keeping
from addons.dialects.messages.dialect import Messages
from addons.dialects.responses.dialect import Responses
from addons.dialects.routed_head import RoutedHead
from providers.contract.events import Event, Finish, Passthrough, Text, ToolCallDelta
from tests.dialects.responses.reading import events_in
from tests.support.messages import names, put_together, told

CLAUDE_CODE = {"user-agent": "claude-cli/2.1.332 (external, sdk-cli)"}
CODEX = {"originator": "codex_exec", "accept": "text/event-stream"}
END = Finish("content_filter")
META = AnswerMeta("msg_1", 1, "m")


def encoder(dialect: Any, headers: dict[str, str], **fields: Any) -> Any:
    parsed = dialect.parse(json.dumps({"model": "m", **fields}).encode(), RoutedHead("responses", headers=headers))
    return dialect.encoder(parsed, META)


def message(*events: Event, headers: dict[str, str] = CLAUDE_CODE, stream: bool = True) -> tuple[list[str], Any]:
    """The texts of a message and its end."""
    fields: Any = {"max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    raw = encoder(Messages(), headers, **fields).encode([*events, END])
    if not stream:
        value = json.loads(raw)
        return [block.get("text", "") for block in value["content"]], value
    assert names(raw)[-1] == "message_stop"
    return [block.get("text", "") for block in put_together(raw)], told(raw)[-2][1]["delta"]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("events", "texts"),
    [
        ([], [FILTERED]),
        ([Text("Once")], [f"Once\n\n{FILTERED}"]),
        ([Text("Once\n")], [None]),
        ([Passthrough("delta", {"refusal": "I will not."})], ["I will not."]),
        ([ToolCallDelta(0, "call_a", "f", "{}")], ["", None]),
    ],
    ids=["nothing", "words", "a line", "words of its own", "a call"],
)
def test_claude_code_gets_words(events: list[Event], texts: list[Any], stream: bool) -> None:
    found, end = message(*events, stream=stream)
    assert len(found) == len(texts)
    assert all(FILTERED in one if text is None else one == text for one, text in zip(found, texts, strict=True))
    assert end["stop_reason"] in ("end_turn", "tool_use")
    assert "stop_details" not in end


@pytest.mark.parametrize("stream", [True, False])
def test_others_of_the_form_get_its_own_reason(stream: bool) -> None:
    found, end = message(headers={"user-agent": "Anthropic/Python 2.14.0"}, stream=stream)
    assert (found, end["stop_reason"]) == ([], "refusal")


@pytest.mark.parametrize("events", [[], [Text("Once")]], ids=["nothing", "words"])
def test_codex_gets_an_answer_that_has_failed(events: list[Event]) -> None:
    writes = encoder(Responses(), CODEX, input="Hi", stream=True)
    found = events_in(writes.encode([*events, END]))
    assert found[-1]["type"] == "response.failed"
    assert [one["type"] for one in found].count("response.incomplete") == 0
    assert found[-1]["response"]["error"] == {"code": "invalid_prompt", "message": FILTERED}
    assert ("response.output_item.done" in [one["type"] for one in found]) is bool(events)
    assert isinstance(writes, Keeping)
    assert writes.kept() is None


def test_codex_is_told_of_a_limit_in_the_forms_own_way_and_others_of_a_filter_too() -> None:
    cut = events_in(encoder(Responses(), CODEX, input="Hi", stream=True).encode([Text("x"), Finish("length")]))
    assert cut[-1]["type"] == "response.incomplete"
    filtered = events_in(encoder(Responses(), {}, input="Hi", stream=True).encode([END]))
    assert filtered[-1]["response"]["incomplete_details"] == {"reason": "content_filter"}
