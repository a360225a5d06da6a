"""The fields of requests whose answers may be kept."""

from pathlib import Path
from typing import Final

import pytest

from addons.cache import fields

PAGE: Final = (Path(__file__).parents[2] / "docs" / "cache.md").read_text(encoding="utf-8")
OTHER_NAMES: Final = {
    "max_completion_tokens",
    "max_output_tokens",
    "max_tool_calls",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "tool_choice",
    "parallel_tool_calls",
    "function_call",
    "background",
    "conversation",
}
"""What the page says in other words."""


@pytest.mark.parametrize("form", ["CHAT", "COMPLETIONS", "MESSAGES", "RESPONSES"])
def test_the_page_names_each_field(form: str) -> None:
    assert [name for name in sorted(getattr(fields, form) - OTHER_NAMES) if f"`{name}" not in PAGE] == []
