"""Turns to the messages of a chat: order, roles, what becomes of each kind of block."""

from collections.abc import Sequence
from typing import Any

import pytest

from addons.dialects.body import all_at_once
from addons.dialects.messages.problems import Problems
from addons.dialects.messages.turns import read_messages
from providers.contract.chat import ImagePart, Message, TextPart, ToolCall


def messages(*turns: tuple[str, Any], system: Any = None) -> tuple[Message, ...]:
    raw = {"system": system, "messages": [{"role": role, "content": content} for role, content in turns]}
    return all_at_once(read_messages(raw, Problems()))


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}


def use(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": arguments}


def result(name: str, content: Any = None, **more: Any) -> dict[str, Any]:
    told = {"type": "tool_result", "tool_use_id": f"toolu_{name}", **more}
    return told if content is None else {**told, "content": content}


def short(found: Sequence[Message]) -> list[str]:
    return [f"{message.role}: {message.text()}" for message in found]


def test_system_is_first_and_without_the_line_of_attribution() -> None:
    line = text("x-anthropic-billing-header: cc_version=2.1.332.e64; cc_entrypoint=sdk-cli;")
    found = messages(("user", "hi"), system=[line, text("You are."), text("Do.")])
    assert short(found) == ["system: You are.\n\nDo.", "user: hi"]
    assert short(messages(("user", "hi"), system=[line])) == ["user: hi"]
    assert short(messages(("user", "hi"), system="Be.")) == ["system: Be.", "user: hi"]


def test_what_the_system_says_later_stands_in_its_place_also_at_the_end() -> None:
    found = messages(("user", [text("a"), text("b")]), ("system", "# Environment"), ("user", "c"), ("system", "d"))
    assert short(found) == ["user: a\n\nb", "system: # Environment", "user: c", "system: d"]


def test_results_stand_behind_their_calls_before_the_words_of_the_same_turn() -> None:
    found = messages(
        ("user", "hi"),
        ("assistant", [text("I look."), use("a", x=1), use("b")]),
        ("user", [text("and"), result("a", "one"), result("b", [text("two"), text("three")], is_error=True)]),
    )
    assert short(found) == ["user: hi", "assistant: I look.", "tool: one", "tool: two\nthree", "user: and"]
    assert found[1].tool_calls == (ToolCall("toolu_a", "a", '{"x":1}'), ToolCall("toolu_b", "b", "{}"))
    assert [(one.tool_call_id, one.failed) for one in found[2:4]] == [("toolu_a", False), ("toolu_b", True)]


def test_turns_of_one_role_that_follow_each_other_are_one() -> None:
    found = messages(
        ("assistant", [use("a")]),
        ("assistant", [use("b")]),
        ("user", "first"),
        ("user", [result("a", "one")]),
        ("user", [result("b", "two")]),
    )
    assert short(found) == ["assistant: ", "tool: one", "tool: two", "user: first"]
    assert [call.name for call in found[0].tool_calls] == ["a", "b"]


def test_nothing_comes_between_calls_and_results() -> None:
    found = messages(("assistant", [use("a")]), ("system", "be brief"), ("user", [result("a", "one"), text("go on")]))
    assert short(found) == ["assistant: ", "tool: one", "system: be brief", "user: go on"]
    assert short(messages(("assistant", [use("a")]), ("system", "x"))) == ["assistant: ", "system: x"]
    assert short(messages(("assistant", [use("a")]), ("system", "x"), ("assistant", "b"))) == [
        "assistant: ",
        "system: x",
        "assistant: b",
    ]


@pytest.mark.parametrize("nothing", [None, "", []])
def test_a_result_may_have_nothing_in_it(nothing: Any) -> None:
    assert short(messages(("user", [result("a", nothing)]))) == ["tool: "]


def test_pictures_stay_in_the_result_they_came_in() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    (found,) = messages(("user", [result("a", [text("seen"), picture])]))
    assert found.content == (TextPart("seen"), ImagePart("data:image/png;base64,AAAA"))


def test_references_to_tools_are_words() -> None:
    (found,) = messages(("user", [result("a", [{"type": "tool_reference", "tool_name": "WebSearch"}])]))
    assert found.text() == "The tool WebSearch is loaded and can be called now."


def test_thinking_is_kept_as_text_and_its_signature_is_not() -> None:
    thought = [{"type": "thinking", "thinking": "Hm.", "signature": "sig"}, {"type": "redacted_thinking", "data": "x"}]
    (found,) = messages(("assistant", [*thought, use("a")]))
    assert (found.content, found.extra) == (None, {"reasoning_content": "Hm."})
    assert messages(("assistant", thought)) == (), "without words or calls it is nothing"
    assert messages(("assistant", "a"))[0].extra == {}


def test_texts_of_an_answer_are_one_without_the_sources_that_were_written_behind_it() -> None:
    told = "cat\n\nSources:\n- [A](https://a)\n- [B](https://b)"
    assert messages(("assistant", [text("The "), text(told)]))[0].content == "The cat"
    assert messages(("assistant", "cat\n\nSources:\nmine"))[0].content == "cat\n\nSources:\nmine"


def test_tools_of_anthropics_servers_are_told_as_words() -> None:
    found = messages(
        (
            "assistant",
            [
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "cats"}},
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "s",
                    "content": [{"type": "web_search_result", "title": "Cats", "url": "https://c", "encrypted": "…"}],
                },
                text("Cats are."),
            ],
        )
    )
    assert found[0].content == '\n(web_search was asked: {"query":"cats"})\n\nCats https://c\nCats are.'
