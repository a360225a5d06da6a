"""What stands in a request already."""

from addons.features.tools.quotes import SEARCHED_CHARS, Quotes
from providers.contract.chat import Message, TextPart


def test_a_text_of_any_message_is_quoted() -> None:
    quoted = Quotes([Message("user", "see f({})"), Message("user", (TextPart("and"), TextPart("g()")))])
    assert quoted("f({})")
    assert quoted("and\ng()")
    assert not quoted("h()")


def test_who_asks_too_often_is_told_yes() -> None:
    quoted = Quotes([Message("user", "x" * (SEARCHED_CHARS // 2))])
    assert [quoted("y") for _ in range(3)] == [False, False, True]
