"""Messages of a chat as turns of the Messages form."""

from typing import Any

from providers.anthropic.conversation import ConversationWriter, Written
from providers.anthropic.names import ID_CHARS, NAME_CHARS, PlainNames
from providers.contract.chat import ImagePart, Message, TextPart, ToolCall

PNG = "data:image/png;base64,aGk="
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}


def write(*messages: Message, thoughts: bool = False) -> Written:
    return ConversationWriter(PlainNames(ID_CHARS), PlainNames(NAME_CHARS), thoughts=thoughts).write(messages)


def turns(*messages: Message, thoughts: bool = False) -> list[tuple[str, list[dict[str, Any]]]]:
    return [(turn["role"], turn["content"]) for turn in write(*messages, thoughts=thoughts).turns]


def words(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def asked(*ids: str, arguments: str = "{}") -> Message:
    return Message("assistant", None, tool_calls=tuple(ToolCall(each, "look", arguments) for each in ids))


def result(call_id: str, content: Any = "seen", **more: Any) -> Message:
    return Message("tool", content, tool_call_id=call_id, **more)


def test_what_the_system_says_first_stands_apart() -> None:
    written = write(
        Message("system", "Be kind."), Message("developer", (TextPart("Be brief."),)), Message("user", "Hi")
    )
    assert written.system == [words("Be kind."), words("Be brief.")]
    assert written.turns == [{"role": "user", "content": [words("Hi")]}]


def test_what_it_says_later_stands_at_its_place() -> None:
    found = turns(Message("user", "Hi"), Message("system", "It is late."), Message("assistant", "Hello"))
    reminder = words("<system-reminder>\nIt is late.\n</system-reminder>")
    assert found == [("user", [words("Hi"), reminder]), ("assistant", [words("Hello")])]


def test_a_system_text_alone_is_what_the_user_says() -> None:
    assert write(Message("system", "Say hello.")) == Written([], [{"role": "user", "content": [words("Say hello.")]}])
    assert write(Message("user", "  ")) == Written([], [])


def test_messages_of_one_role_are_one_turn_and_blank_ones_none() -> None:
    found = turns(Message("user", "a"), Message("user", ""), Message("user", "b"), Message("assistant", " \n"))
    assert found == [("user", [words("a"), words("b")])]


def test_the_user_begins() -> None:
    found = turns(Message("assistant", "Hello!"), Message("user", "Hi"))
    assert [role for role, _ in found] == ["user", "assistant", "user"]


def test_an_answer_that_is_to_be_gone_on_with_ends_in_no_blank() -> None:
    assert turns(Message("user", "Hi"), Message("assistant", "It is \n"))[-1] == ("assistant", [words("It is")])


def test_calls_and_their_results() -> None:
    found = turns(Message("user", "Look"), asked("call_1", "call_2"), result("call_1"), result("call_2", failed=True))
    assert found[1:] == [
        ("assistant", [{"type": "tool_use", "id": each, "name": "look", "input": {}} for each in ("call_1", "call_2")]),
        (
            "user",
            [
                {"type": "tool_result", "tool_use_id": "call_1", "content": [words("seen")]},
                {"type": "tool_result", "tool_use_id": "call_2", "content": [words("seen")], "is_error": True},
            ],
        ),
    ]


def test_results_stand_first_in_their_turn_with_their_pictures() -> None:
    picture = result("call_1", (TextPart("so"), ImagePart(PNG)))
    found = turns(Message("user", "Look"), asked("call_1"), Message("user", "Well?"), picture)
    assert found[-1][1] == [
        {"type": "tool_result", "tool_use_id": "call_1", "content": [words("so"), PICTURE]},
        words("Well?"),
    ]


def test_an_empty_result_is_one() -> None:
    assert turns(Message("user", "x"), asked("c"), result("c", ""))[-1][1] == [
        {"type": "tool_result", "tool_use_id": "c"}
    ]


def test_ids_are_plain_and_stay_apart() -> None:
    found = turns(Message("user", "x"), asked("a.b", "a/b", "a_b"), result("a/b"), result("a.b"), result("a_b"))
    given = [block["id"] for block in found[1][1]]
    assert len(set(given)) == 3
    assert all(each.replace("_", "").isalnum() for each in given)
    assert [block["tool_use_id"] for block in found[2][1]] == [given[1], given[0], given[2]]


def test_arguments_are_an_object_whatever_the_model_wrote() -> None:
    def given(arguments: str) -> Any:
        return turns(Message("user", "x"), asked("c", arguments=arguments))[1][1][0]["input"]

    assert given('{"a": [1]}') == {"a": [1]}
    assert given("") == {}
    assert given("[1]") == {"arguments": [1]}
    assert given('{"a": ') == {"arguments": '{"a": '}


def test_the_older_form_of_calls() -> None:
    old = Message("assistant", None, extra={"function_call": {"name": "look", "arguments": "{}"}})
    found = turns(Message("user", "x"), old, Message("function", "seen", name="look"))
    assert found[1][1][0]["id"] == found[2][1][0]["tool_use_id"] == "look"


def test_thoughts_go_back_where_they_are_wanted() -> None:
    thought = Message("assistant", "Yes", extra={"reasoning_content": "Hm."})
    assert turns(Message("user", "x"), thought)[1][1] == [words("Yes")]
    assert turns(Message("user", "x"), thought, thoughts=True)[1][1] == [
        {"type": "thinking", "thinking": "Hm.", "signature": ""},
        words("Yes"),
    ]


def test_pictures_of_an_answer_are_left_out() -> None:
    assert turns(Message("user", "x"), Message("assistant", (TextPart("So"), ImagePart(PNG))))[1][1] == [words("So")]
