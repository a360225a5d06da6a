"""Calls that the site takes for its own."""

from typing import Any

import pytest

from providers.sandbox.models.shown import ToolCall, Turn
from providers.sandbox.qwen.interception import intercepted
from providers.sandbox.script import Script

OFF = {"function_calling": False, "enable_tools": False, "enable_function_call": False, "plugins_enabled": False}


def answered(answer: str, *names: str, config: dict[str, Any] | None = None, text: str = "") -> str:
    said = Turn("assistant", calls=tuple(ToolCall(name, {}) for name in names))
    return "".join(intercepted(Script(answer=answer, said=said, text=text), config or {}).pieces())


@pytest.mark.parametrize(
    ("answer", "names", "config", "said"),
    [
        ("x", ("Bash",), {}, "Tool Bash does not exists."),
        ("x", ("Bash",), OFF, "Tool Bash does not exists."),
        ("x", ("Read", "shell_run", "bash"), {}, "Tool Read does not exists.Tool bash does not exists."),
        ("x", ("shell_run",), {}, "x"),
        ('<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>', ("f",), {}, "Tool f does not exists."),
        ("<tool_call>f\n<arg_key>", ("f",), {}, "Tool f does not exists."),
        ("<tool_call>f\n<arg_key>", ("f",), OFF, "<tool_call>f\n<arg_key>"),
        ("words", (), {}, "words"),
    ],
)
def test_calls_of_the_models_own_form_are_answered_by_the_site(
    answer: str, names: tuple[str, ...], config: dict[str, Any], said: str
) -> None:
    assert answered(answer, *names, config=config) == said


def test_the_directive_s_words_go_through() -> None:
    assert answered("x", "Bash", text="mine") == "mine"
