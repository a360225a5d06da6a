"""Which words of a conversation are to be answered."""

from providers.sandbox.models.shown import Shown, ToolCall, Turn


def test_the_question_is_the_newest_of_a_person_and_the_rest_came_after_it() -> None:
    called = Turn("assistant", calls=(ToolCall("f", {"a": 1}),))
    shown = Shown((Turn("user", "x"), Turn("user", "", files=("a",)), called, Turn("tool")))
    assert (shown.asked_at, shown.question, shown.files, shown.since) == (1, "", ("a",), (called, Turn("tool")))
    assert (Shown().asked_at, Shown().question, Shown().files) == (-1, "", ())
    assert called.calls[0].json() == '{"a":1}'


def test_what_an_agent_puts_in_for_the_model_is_not_the_question() -> None:
    reminder = Turn("user", "<system-reminder>Use skills.</system-reminder>")
    asked = Turn("user", "<system-reminder>a</system-reminder>\nWrite it.\n<system-reminder>b</system-reminder>")
    shown = Shown((asked, reminder))
    assert (shown.asked_at, shown.question) == (0, "Write it.")
    assert Turn("user", "x <system-reminder>open").own_words == "x"
