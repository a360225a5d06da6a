"""What fills the context of a model that an agent asks."""

import json
from typing import Any

import pytest

from addons.dialects.registry import parsed_as
from addons.inspect.annotation import Annotation
from addons.inspect.chat_view import chat_text
from addons.inspect.context_view import context_lines, filling_of
from addons.inspect.sessions import chat_of


def tool(name: str, size: int) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": "x" * size, "parameters": {}}}


CALL = {"id": "c1", "type": "function", "function": {"name": "read", "arguments": '{"path":"a"}'}}
AGENT: dict[str, Any] = {
    "model": "m",
    "tools": [tool("read", 100), tool("write", 2000)],
    "messages": [
        {"role": "system", "content": "s" * 3000},
        {"role": "user", "content": "u" * 50},
        {"role": "assistant", "content": "ü" * 10, "reasoning_content": "r" * 5, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "t" * 400},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "n" * 7},
                PICTURE := {"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lG"}},
            ],
        },
    ],
}


def noted(body: Any, **more: Any) -> Annotation:
    text = body if isinstance(body, str) else json.dumps(body)
    return Annotation("req_1", dialect="chat_completions", client_request=text, **more)


def test_each_part_is_counted_in_bytes() -> None:
    chat = chat_of(parsed_as("chat_completions", json.dumps(AGENT).encode())[1].request)
    assert chat
    found = filling_of(chat)
    assert (found.system, found.history_messages, found.pictures) == (3000, 2, 1)
    assert found.history == 50 + 20 + 5 + len('read{"path":"a"}')
    assert found.newest == 400 + 7 + len("data:image/gif;base64,R0lG")
    assert found.newest_kinds == ("tool result", "user")
    assert [name for name, _ in found.tools] == ["write", "read"]
    assert found.tools[0][1] == len(json.dumps(tool("write", 2000)))
    assert found.whole == found.system + found.history + found.newest + sum(size for _, size in found.tools)


def test_it_stands_in_the_view_with_tokens_cached_and_not() -> None:
    annotation = noted(
        AGENT,
        prompt_tokens=1000,
        completion_tokens=20,
        cached_tokens=750,
        cost="0.0123",
        session="3fa2c1",
        retry=2,
        model="m",
    )
    text = chat_text(annotation)
    assert "── context ──" in text
    lines = list(context_lines(annotation))
    assert lines[0].split() == ["system", "3.0", "kB", "52%"]
    assert lines[1] == "tools           2.3 kB   39%  2: write 2.1 kB, read 187 B"
    assert lines[2].split()[:2] == ["history", "91"]
    assert lines[2].endswith("2 messages")
    assert lines[3].endswith("tool result, user")
    assert "pictures     1 among these" in lines
    assert "tokens       1000 in, 750 of them cached (75%), 250 not, 20 out" in lines
    assert "cost         $0.0123" in lines
    assert lines[-1] == "session      3fa2c1, asked again (2)"


@pytest.mark.parametrize(
    "body",
    [
        {"model": "m", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "Hi"}]},
        "",
        "no JSON",
        "[]",
        '{"model": "m", "messages": [{"role": "user", "content": "cut',
    ],
)
def test_a_plain_question_and_what_cannot_be_read_have_none(body: Any) -> None:
    assert list(context_lines(noted(body))) == []
    assert "── context" not in chat_text(noted(body))


def test_a_plain_question_of_a_session_has() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    assert [line.split()[0] for line in context_lines(noted(body, session="3fa2c1"))] == [
        *("system", "tools", "history", "newest", "session")
    ]


def test_many_tools_and_odd_ones_are_named_in_short() -> None:
    odd = [{"type": "custom"}, {"function": 5, "name": "named\x1b[2J"}, {}]
    body = {"model": "m", "tools": [*(tool(f"t{n}", n) for n in range(20)), *odd], "messages": []}
    body["messages"] = [{"role": "user", "content": "Hi"}]
    text = "\n".join(context_lines(noted(body)))
    assert "23: t19 " in text
    assert text.count(", ") == 8
    assert "15 more" in text
    assert "\x1b" not in text


def test_without_counts_no_tokens_are_told() -> None:
    assert "tokens" not in "\n".join(context_lines(noted(AGENT)))
    assert "tokens       9 in" in list(context_lines(noted(AGENT, prompt_tokens=9)))


def test_a_request_of_another_form_is_counted_as_the_chat_that_asks_the_same() -> None:
    body = {
        "model": "m",
        "max_tokens": 10,
        "system": "s" * 100,
        "tools": [{"name": "Bash", "input_schema": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": "u" * 50},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "r" * 300}]},
        ],
    }
    note = Annotation("req_1", dialect="messages", client_request=json.dumps(body), session="3fa2c1")
    lines = list(context_lines(note))
    assert lines[0].split()[1:3] == ["100", "B"]
    assert "1: Bash " in lines[1]
    assert lines[2].endswith("2 messages")
    assert lines[3].split()[2:4] == ["300", "B"]
    assert lines[3].endswith("tool result")
