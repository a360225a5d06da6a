"""Which words of a conversation are to be answered."""

from providers.sandbox.models.shown import Shown, ToolCall, Turn


def test_the_question_is_the_newest_of_a_person_and_the_rest_came_after_it() -> None:
    called = Turn("assistant", calls=(ToolCall("f", {"a": 1}),))
    shown = Shown((Turn("user", "x"), Turn("user", "", files=("a",)), called, Turn("tool")))
    assert (shown.asked_at, shown.question, shown.files, shown.since) == (1, "", ("a",), (called, Turn("tool")))
    assert (Shown().asked_at, Shown().question, Shown().files) == (-1, "", ())
    assert called.calls[0].json() == '{"a":1}'
