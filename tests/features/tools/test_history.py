"""Calls and results of a conversation as text."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.features.tools.history import REPEATED_CHARS, Folding, folded, holds_calls, is_far_back, with_words
from providers.contract.chat import ImagePart, Message, TextPart, ToolCall

MARK = "k3w9x1ab"
USER = Message("user", "What is the weather?")
CALLED = Message("assistant", None, tool_calls=(ToolCall("c1", "Bash", '{"command": "ls"}'),))
RESULT = Message("tool", "a\nb", tool_call_id="c1")


def fold(*messages: Message, without: Callable[[str], str] = str) -> list[Message]:
    return folded(messages, Folding(MARK, lambda name: {"Bash": "shell_run"}.get(name, name), without))


def call_in(text: str) -> Any:
    """The one call of a text."""
    _, _, rest = text.partition(f"<call-{MARK}>\n")
    return json.loads(rest.partition(f"\n</call-{MARK}>")[0])


def test_a_call_and_its_result_stand_in_the_envelopes_that_the_model_is_told_of() -> None:
    user, called, result = fold(USER, CALLED, RESULT)
    assert user == USER
    assert call_in(called.text()) == {"id": "c1", "name": "shell_run", "arguments": {"command": "ls"}}
    assert not called.tool_calls
    assert result.role == "user"
    assert f'<result-{MARK} id="c1" name="shell_run">\na\nb\n</result-{MARK}>' in result.text()
    assert "same task" in result.text()


def test_results_that_follow_each_other_are_one_message() -> None:
    calls = (ToolCall("1", "f", "{}"), ToolCall("2", "g", "{}"))
    found = fold(
        USER,
        Message("assistant", "Both.", tool_calls=calls),
        Message("tool", "one", tool_call_id="1"),
        Message("tool", "two", tool_call_id="2"),
        Message("user", "and?"),
    )
    assert [message.role for message in found] == ["user", "assistant", "user", "user"]
    assert found[1].text().startswith("Both.\n<call-")
    assert found[2].text().index('id="1" name="f"') < found[2].text().index('id="2" name="g"')
    assert found[3] == Message("user", "and?")


def test_the_older_form_of_calls_folds_too() -> None:
    call = Message("assistant", None, extra={"function_call": {"name": "f", "arguments": '{"a": 1}'}})
    found = fold(USER, call, Message("function", "42", name="f"))
    assert call_in(found[1].text()) == {"name": "f", "arguments": {"a": 1}}
    assert f'<result-{MARK} name="f">\n42\n' in found[2].text()


def test_a_custom_tools_call_has_its_input() -> None:
    call = ToolCall("c", "", "", "custom", {"custom": {"name": "f", "input": "x = 1"}})
    (found,) = fold(Message("assistant", None, tool_calls=(call,)))
    assert call_in(found.text()) == {"id": "c", "name": "f", "arguments": {"input": "x = 1"}}


@pytest.mark.parametrize(("written", "read"), [("", {}), ("{", "{"), ("[1]", [1])])
def test_arguments_of_any_form_are_kept(written: str, read: Any) -> None:
    (found,) = fold(Message("assistant", None, tool_calls=(ToolCall("c", "f", written),)))
    assert call_in(found.text())["arguments"] == read


def test_pictures_of_a_result_stay_where_they_are() -> None:
    picture = ImagePart("data:image/png;base64,AA")
    (found,) = fold(Message("tool", (TextPart("seen:"), picture), tool_call_id="c"))
    assert isinstance(found.content, tuple)
    assert found.content[2:4] == (TextPart("seen:"), picture)
    assert found.content[-1] == TextPart(f"</result-{MARK}>")


def test_slips_of_earlier_answers_are_left_out() -> None:
    def without(said: str) -> str:
        return said.replace("<tool_call>f</tool_call>", "")

    slip = Message("assistant", "Let me see.\n<tool_call>f</tool_call>")
    assert fold(slip, without=without) == [Message("assistant", "Let me see.")]
    assert fold(Message("assistant", "<tool_call>f</tool_call>"), USER, without=without) == [USER]
    assert fold(Message("user", "<tool_call>f</tool_call>"), without=without)[0].text() == "<tool_call>f</tool_call>"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ('Hi\n<call-986rhau3>\n{"name": "get_wea', "Hi"),
        ('<call-986rhau3>\n{"name": "no_tool"}\n</call-986rhau3> there', "there"),
        ("Well <call-986", "Well"),
        ("call <call-me>Ishmael</call-me>", "call <call-me>Ishmael</call-me>"),
    ],
)
def test_calls_with_the_mark_of_an_earlier_request_are_left_out(said: str, left: str) -> None:
    assert fold(Message("assistant", said)) == [Message("assistant", left)]
    assert fold(Message("user", said)) == [Message("user", said)]


@given(st.text(), st.text())
def test_what_a_client_says_closes_no_tag(call_id: str, said: str) -> None:
    """The mark is not known to who writes an id, a name or a result."""
    text = fold(Message("tool", said, name=call_id, tool_call_id=call_id))[0].text()
    opening = text.split("\n")[1]
    assert opening.startswith(f"<result-{MARK}")
    assert opening.endswith(">")
    assert opening.count('"') in (0, 4)
    assert opening.count(">") == 1
    assert text.count(MARK) == 2 + (call_id[:128] + call_id[:128] + said).count(MARK)


@pytest.mark.parametrize(
    ("messages", "found"),
    [
        ([USER], False),
        ([USER, Message("assistant", "hi")], False),
        ([USER, CALLED], True),
        ([RESULT], True),
        ([Message("assistant", None, extra={"function_call": {"name": "f"}})], True),
        ([Message("assistant", "x", extra={"function_call": None})], False),
    ],
)
def test_whether_tools_were_called(messages: list[Message], found: bool) -> None:
    assert holds_calls(messages) is found


# -- where the words stand --------------------------------------------------------------------------------------------
def told(*messages: Message, result: bool = False) -> list[tuple[str, str]]:
    found = with_words(messages, "BLOCK", "GO ON", result_newest=result)
    return [(message.role, message.text()) for message in found]


def test_the_newest_words_of_the_user_stand_unchanged_at_the_end() -> None:
    assert told(Message("system", "s"), USER) == [("system", "s"), ("user", f"BLOCK\n\n{USER.text()}")]
    assert told(USER, Message("assistant", "a"), Message("user", "b"))[-1] == ("user", "BLOCK\n\nb")


def test_they_stand_before_the_user_where_the_system_speaks_last() -> None:
    assert told(USER, Message("system", "s")) == [("user", f"BLOCK\n\n{USER.text()}"), ("system", "s")]


def test_behind_results_the_model_is_told_to_go_on() -> None:
    assert told(USER, Message("user", "RESULTS"), result=True)[-1] == ("user", "BLOCK\n\nRESULTS\nGO ON")


@pytest.mark.parametrize("messages", [[USER, Message("assistant", "Well,")], [], [Message("system", "s")]])
def test_a_conversation_that_ends_otherwise_gets_a_turn_of_the_users(messages: list[Message]) -> None:
    assert told(*messages)[-1] == ("user", "BLOCK\n\nGO ON")


def test_parts_are_kept() -> None:
    picture = ImagePart("data:image/png;base64,AA")
    (found,) = with_words([Message("user", (picture, TextPart("x")))], "BLOCK", "GO ON", result_newest=True)
    assert found.content == (TextPart("BLOCK\n"), picture, TextPart("x"), TextPart("GO ON"))


# -- in a chat that goes on at the site --------------------------------------------------------------------------------
def test_results_are_of_calls_that_the_sites_chat_holds() -> None:
    how = Folding(MARK, str, str, before=(USER, CALLED))
    (found,) = folded([RESULT], how)
    assert f'<result-{MARK} id="c1" name="Bash">' in found.text()


@pytest.mark.parametrize("size", [REPEATED_CHARS // 10, REPEATED_CHARS // 3, REPEATED_CHARS * 3])
def test_what_a_long_chat_was_told_first_is_said_again_once_in_so_many_characters(size: int) -> None:
    before: list[Message] = []
    told = 0
    for _ in range(40):
        before += [Message("user", "x" * (size // 2)), Message("assistant", "y" * (size - size // 2))]
        told += is_far_back(before)
    assert told == min(40, 40 * size // REPEATED_CHARS)


def test_a_short_chat_is_told_once() -> None:
    assert not is_far_back([])
    assert not is_far_back([USER, CALLED, RESULT, Message("assistant", "done")])
