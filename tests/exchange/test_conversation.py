"""The digest of a conversation: what makes two requests the same conversation, and what does not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.exchange.conversation import Conversation, ToldAnswer
from providers.contract.chat import ImagePart, Message, OtherPart, TextPart, ToolCall
from providers.contract.events import (
    Citation,
    Event,
    Finish,
    Image,
    Passthrough,
    Reasoning,
    Text,
    ToolCallDelta,
    Usage,
    Withdrawn,
)
from providers.contract.requests import ChatRequest
from tests.support.counting import work_of

KEY = b"k" * 32
ANSWER = Message("assistant", "Hi!")
CALL = ToolCall("call_1", "weather", '{"city": "Bern", "days": 1}')
CALLS = Message("assistant", None, tool_calls=(CALL,))
RESULT = Message("tool", "12°", tool_call_id="call_1")
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {}}}


def chat(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest("GLM-4.6", messages, **fields)


def user(content: Any) -> Message:
    return Message("user", content)


def key(request: ChatRequest, identity: bytes | None = KEY) -> bytes:
    found = Conversation(request, identity).key
    assert found is not None
    return found


BASE = chat(Message("system", "Be brief."), user("Hello"), ANSWER, user("How are you?"))


def test_a_request_is_parted_behind_the_newest_answer() -> None:
    found = Conversation(chat(user("a"), ANSWER, user("b"), CALLS, RESULT, user("c")), KEY)
    assert found.before == (user("a"), ANSWER, user("b"), CALLS)
    assert found.turn == (RESULT, user("c"))


@pytest.mark.parametrize("messages", [(), (user("a"),), (Message("system", "s"), user("a")), (user("a"), ANSWER)])
def test_what_has_no_answer_or_no_new_turn_has_no_key(messages: tuple[Message, ...]) -> None:
    assert Conversation(chat(*messages), KEY).key is None


@pytest.mark.parametrize(
    "said",
    [
        lambda word: Message("assistant", None, extra={"function_call": {"name": "f", "arguments": word}}),
        lambda word: Message("assistant", None, tool_calls=(ToolCall("c", "", "", "custom", {"custom": word}),)),
    ],
    ids=["function_call", "custom"],
)
def test_calls_of_other_forms_count_too(said: Callable[[str], Message]) -> None:
    one, other = (key(chat(user("a"), said(word), RESULT)) for word in ("rm -r a", "rm -r b"))
    assert one != other


def test_functions_of_the_older_form_count() -> None:
    one, other = (replace(BASE, extra={"functions": [{"name": name}]}) for name in "ab")
    assert key(one) != key(other)


@pytest.mark.parametrize("answer", [ANSWER, CALLS, Message("assistant", "Let me see.", tool_calls=(CALL,))])
def test_the_next_request_has_the_key_that_the_answer_left(answer: Message) -> None:
    left = Conversation(BASE, KEY).answered(answer)
    assert key(chat(*BASE.messages, answer, user("And?"))) == left
    assert key(chat(*BASE.messages, answer, RESULT)) == left


DIFFERENT: dict[str, ChatRequest] = {
    "another word": chat(Message("system", "Be brief."), user("Hallo"), ANSWER, user("x")),
    "white space of the user's": chat(Message("system", "Be brief."), user("Hello "), ANSWER, user("x")),
    "white space inside an answer": replace(
        BASE, messages=(*BASE.messages[:2], Message("assistant", "H i!"), user(""))
    ),
    "no system message": chat(user("Hello"), ANSWER, user("x")),
    "another role": chat(Message("developer", "Be brief."), user("Hello"), ANSWER, user("x")),
    "a name": chat(Message("system", "Be brief."), Message("user", "Hello", name="ada"), ANSWER, user("x")),
    "words moved between messages": chat(Message("system", "Be brief.H"), user("ello"), ANSWER, user("x")),
    "a call": chat(*BASE.messages[:2], Message("assistant", "Hi!", tool_calls=(CALL,)), RESULT),
    "a picture": chat(
        Message("system", "Be brief."), user((TextPart("Hello"), ImagePart("data:,x"))), ANSWER, user("x")
    ),
    "tools": replace(BASE, tools=(TOOL,)),
    "a form of the answer": replace(BASE, response_format={"type": "json_object"}),
    "an effort": replace(BASE, reasoning_effort="high"),
    "search": replace(BASE, search=True),
}


@pytest.mark.parametrize("other", DIFFERENT.values(), ids=DIFFERENT)
def test_another_conversation_has_another_key(other: ChatRequest) -> None:
    assert key(other) != key(BASE)


def test_another_client_key_has_another_key() -> None:
    assert key(BASE, b"o" * 32) != key(BASE)
    assert key(BASE, None) != key(BASE)


@pytest.mark.parametrize("change", ["id", "name", "arguments", "kind"])
def test_every_part_of_a_call_counts(change: str) -> None:
    other = replace(CALL, **dict[str, Any]({change: "other"}))
    assert key(chat(user("a"), replace(CALLS, tool_calls=(other,)), RESULT)) != key(chat(user("a"), CALLS, RESULT))


def test_calls_of_the_older_form_and_of_custom_tools_count() -> None:
    older = [{"name": "f", "arguments": "{}"}, {"name": "g", "arguments": "{}"}, {"name": "f", "arguments": "[]"}, None]
    asked = [Message("assistant", None, extra={} if one is None else {"function_call": one}) for one in older]
    custom = [ToolCall("1", "", "", "custom", {"custom": {"name": "f", "input": given}}) for given in "ab"]
    asked += [Message("assistant", None, tool_calls=(call,)) for call in custom]
    assert len({key(chat(user("a"), one, user("x"))) for one in asked}) == len(asked)
    assert key(chat(user("a"), ANSWER, user("x"), extra={"functions": [{"name": "f"}]})) != key(
        chat(user("a"), ANSWER, user("x"))
    )


def test_every_part_of_a_message_counts() -> None:
    image, sound = ImagePart("data:,x"), OtherPart("input_audio", {"data": "x"})
    contents = [
        (image,),
        (ImagePart("data:,y"),),
        (ImagePart("data:,x", "low"),),
        (sound,),
        (image, sound),
        (sound, image),
    ]
    contents += [(TextPart("a"), image), (image, TextPart("a"))]
    assert len({key(chat(user(content), ANSWER, user("x"))) for content in contents}) == len(contents)
    ids = [replace(RESULT, tool_call_id=one) for one in ("call_1", "call_2", None)]
    assert len({key(chat(user("a"), CALLS, one, ANSWER, user("x"))) for one in ids}) == 3


@pytest.mark.parametrize(
    "same",
    [
        chat(Message("system", "Be brief."), user("Hello"), Message("assistant", " Hi!\n"), user("x")),
        chat(Message("system", "Be brief."), user((TextPart("Hello"),)), ANSWER, user("x")),
        chat(Message("system", "Be brief."), user("Hello"), Message("assistant", (TextPart("Hi!"),)), user("x")),
        chat(
            Message("system", "Be brief."),
            user((TextPart("Hello", {"cache_control": {"type": "ephemeral"}}),)),
            Message("assistant", "Hi!", extra={"reasoning_content": "hm", "annotations": []}),
            user("x"),
        ),
        replace(BASE, temperature=0.5, max_tokens=9, stop=("x",), stream=True, extra={"seed": 1}),
    ],
)
def test_what_clients_write_anew_does_not_count(same: ChatRequest) -> None:
    assert key(same) == key(BASE)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ('{"a": 1, "b": [1, 2]}', '{"b":[1,2],"a":1}', True),
        ('{"a": 1.0}', '{"a":1}', True),
        ('{"a": 1e3}', '{"a":1000}', True),
        ('{"a": "\\u00e9"}', '{"a":"é"}', True),
        ('{"a": 1}', '{"a":"1"}', False),
        ('{"a": 1}', '{"a":true}', False),
        ("{broken", "{broken ", False),
        ("[" * 20_000, "[" * 20_001, False),
        ("", "{}", False),
    ],
)
def test_arguments_are_compared_as_json(one: str, other: str, alike: bool) -> None:
    found = [
        key(chat(user("a"), replace(CALLS, tool_calls=(replace(CALL, arguments=spelt),)), RESULT))
        for spelt in (one, other)
    ]
    assert (found[0] == found[1]) == alike


TEXTS = st.text(max_size=6)
MESSAGES = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    st.one_of(st.none(), TEXTS, st.tuples(TEXTS.map(TextPart)), st.tuples(TEXTS.map(TextPart), TEXTS.map(ImagePart))),
    st.none() | TEXTS,
    st.just(()) | st.tuples(st.builds(ToolCall, TEXTS, TEXTS, TEXTS)),
    st.none() | TEXTS,
)


def told_plainly(message: Message) -> object:
    """All that is meant to count of a message."""
    content: object = message.content
    if not isinstance(content, tuple) or all(isinstance(part, TextPart) for part in content):
        content = message.text().strip() if message.role == "assistant" else message.text()
    return message.role, content, message.name, message.tool_calls, message.tool_call_id


@given(st.lists(MESSAGES, max_size=4), st.lists(MESSAGES, max_size=4))
def test_two_conversations_are_alike_only_where_all_their_messages_are(
    one: list[Message], other: list[Message]
) -> None:
    ends = Message("assistant", "end"), user("x")
    alike = list(map(told_plainly, one)) == list(map(told_plainly, other))
    if alike or not any(message.tool_calls for message in (*one, *other)):  # (JSON is compared above)
        assert (key(chat(*one, *ends)) == key(chat(*other, *ends))) == alike


def test_a_conversation_is_read_once() -> None:
    def asked(turns: int) -> int:
        request = chat(*[message for _ in range(turns) for message in (user("x"), ANSWER)], user("x"))
        return work_of(lambda: Conversation(request, KEY).answered(ANSWER))[1]

    assert asked(400) < 4.5 * asked(100)


# -- the answer -------------------------------------------------------------------------------------------------------
def told(*events: Event) -> Message | None:
    answer = ToldAnswer()
    for event in events:
        answer.add([event])
    return answer.message()


def test_an_answer_is_its_text_and_its_calls() -> None:
    found = told(
        Reasoning("hm"),
        Text("Let me "),
        Text("see."),
        ToolCallDelta(0, "call_1", "weather", '{"city":'),
        ToolCallDelta(0, None, None, '"Bern"}'),
        ToolCallDelta(1, "call_2", "time", "{}"),
        Citation("https://example.com", "x"),
        Usage(1, 2, 3),
        Finish("tool_calls"),
    )
    calls = ToolCall("call_1", "weather", '{"city":"Bern"}'), ToolCall("call_2", "time", "{}")
    assert found == Message("assistant", "Let me see.", tool_calls=calls)


def test_an_answer_that_was_withdrawn_is_what_came_after() -> None:
    assert told(Text("Yes"), Withdrawn(), Text("No"), Finish("stop")) == Message("assistant", "No")


def test_halves_of_a_character_are_joined() -> None:
    assert told(Text("\ud83d"), Text("\ude00")) == Message("assistant", "😀")


def test_what_is_neither_text_nor_a_call_is_not_known_again() -> None:
    assert told(Text("I"), Passthrough("delta", {"refusal": "No"})) is None
    assert told(Passthrough("delta", {"function_call": {"name": "f", "arguments": "{}"}})) is None
    assert told(Text("I"), Passthrough("chunk", {"system_fingerprint": "x"})) == Message("assistant", "I")


def test_a_call_without_an_id_of_its_own_is_not_known_again() -> None:
    assert told(ToolCallDelta(0, None, "weather", "{}")) is None


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ((), "![image](https://a/b)\n"),
        (("Look:",), "Look:\n\n![image](https://a/b)\n"),
        (("A\n", ""), "A\n![image](https://a/b)\n"),
    ],
)
def test_a_picture_stands_in_the_text_as_clients_get_it(before: tuple[str, ...], text: str) -> None:
    assert told(*map(Text, before), Image("https://a/b")) == Message("assistant", text)
