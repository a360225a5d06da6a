"""Answers that are held back until their first call is whole and valid."""

from collections.abc import Sequence

import pytest

from addons.features.feature import Flaw
from addons.features.tools.held import FirstCall, is_held
from addons.features.tools.toolbox import Tool, Toolbox
from providers.contract.chat import Message, ToolCall
from providers.contract.events import Event, Finish, FinishReason, Reasoning, Text, ToolCallDelta
from tests.features.tools.toolboxes import CITY, toolbox

GOOD = ToolCallDelta(0, "c", "get_weather", '{"city": "Rome"}')
BAD = ToolCallDelta(0, "c", "get_weather", '{"town": "Rome"}')
OTHER = ToolCallDelta(0, "c", "Bash", '{"command": "ls"}')
END = Finish("stop")


def flaw_of(choice: str, *events: Event) -> Flaw | None:
    """The flaw of a whole answer; None where it passed or has none."""
    check = FirstCall(toolbox(choice))
    passed = False
    for event in events:
        assert check.filter([event]) == [event]
        passed = passed or check.passes([event])
    return None if passed else check.flaw(events)


def told(flaw: Flaw | None) -> str:
    """What the model is told at last."""
    assert flaw is not None
    assert flaw.messages[-1].role == "user"
    return flaw.messages[-1].text()


@pytest.mark.parametrize("choice", ["auto", "required", "get_weather"])
def test_a_call_that_fits_passes(choice: str) -> None:
    assert flaw_of(choice, Reasoning("Hm."), Text("Well."), GOOD, END) is None


@pytest.mark.parametrize(
    ("choice", "events", "words"),
    [
        ("required", [Text("No.")], "no call"),
        ("get_weather", [], "Call get_weather now"),
        ("Bash", [Text("No.")], "Call shell_run now"),
        ("auto", [BAD], '"city"'),
        ("required", [BAD, ToolCallDelta(1, "d", "get_weather", '{"city": "Rome"}')], '"city"'),
        ("get_weather", [OTHER], "get_weather is to be called, not shell_run"),
        ("required", [ToolCallDelta(0, "c", "get_weather", '{"city": ')], "no JSON"),
    ],
)
def test_what_is_wrong_is_told_to_the_model(choice: str, events: Sequence[Event], words: str) -> None:
    assert words in told(flaw_of(choice, *events, END))


def test_words_alone_are_right_where_no_call_was_asked_for() -> None:
    assert flaw_of("auto", Text("It is sunny."), END) is None


@pytest.mark.parametrize("reason", ["length", "content_filter"])
@pytest.mark.parametrize("events", [[Text("Well")], [ToolCallDelta(0, "c", "get_weather", '{"ci')], []])
def test_what_a_limit_has_cut_is_not_asked_for_again(events: Sequence[Event], reason: FinishReason) -> None:
    assert flaw_of("required", *events, Finish(reason)) is None


@pytest.mark.parametrize("cut", range(1, 16))
def test_it_passes_with_the_last_letter_of_the_call(cut: int) -> None:
    check = FirstCall(toolbox("required"))
    pieces = [GOOD.arguments[:cut], GOOD.arguments[cut:]]
    seen = []
    for number, piece in enumerate(pieces):
        event = ToolCallDelta(0, "c" if number == 0 else None, "get_weather" if number == 0 else None, piece)
        check.filter([event])
        seen.append(check.passes([event]))
    assert seen == [False, True]


def test_the_model_is_shown_what_it_said() -> None:
    flaw = flaw_of("required", Text("Let me see. "), BAD, END)
    assert flaw is not None
    calls = (ToolCall("call_0", "get_weather", BAD.arguments),)
    assert flaw.messages[0] == Message("assistant", "Let me see. ", tool_calls=calls)
    silent = flaw_of("required", END)
    assert silent is not None
    assert [message.role for message in silent.messages] == ["user"]


@pytest.mark.parametrize(
    ("choice", "strict", "held"),
    [("auto", False, False), ("auto", True, True), ("required", False, True), ("f", False, True)],
)
def test_what_is_held(choice: str, strict: bool, held: bool) -> None:
    assert is_held(Toolbox([Tool("f", None, "", CITY, strict)], choice)) is held
