"""The messages of a chat: their text, and that nothing of them changes behind anybody's back."""

from typing import Any

import pytest

from providers.contract.chat import NOTHING, ImagePart, Message, OtherPart, TextPart, ToolCall


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("", ""),
        ("Hi\n", "Hi\n"),
        ((), ""),
        ((TextPart("a"), ImagePart("https://x/y.png"), TextPart("b")), "a\nb"),
        ((OtherPart("file", {"file": {"text": "no word of it"}}),), ""),
    ],
)
def test_the_text_of_a_message_is_that_of_its_text_parts(content: Any, text: str) -> None:
    assert Message("user", content).text() == text


def test_how_a_message_came_makes_it_no_other() -> None:
    plain, came = Message("user", "Hi"), Message("user", "Hi", raw={"role": "user", "content": "Hi", "odd": 1})
    assert plain == came
    assert Message("user", "Hi", extra={"odd": 1}) != plain


def test_what_has_no_further_fields_shares_one_mapping_that_nobody_can_fill() -> None:
    message = Message("user", "Hi")
    bare = [TextPart("a").extra, ImagePart("u").extra, ToolCall("c", "f", "{}").extra, message.extra]
    assert all(extra is NOTHING for extra in bare)
    with pytest.raises(TypeError):
        NOTHING["a"] = 1  # type: ignore[index]
    with pytest.raises(AttributeError):
        message.role = "system"  # type: ignore[misc]
