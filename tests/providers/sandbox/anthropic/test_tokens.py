"""Tokens of a prompt, and what the prompt cache held of them."""

from typing import Any

from providers.sandbox.anthropic.tokens import Prompt, counted

MARK = {"cache_control": {"type": "ephemeral"}}


def turn(text: str, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text, **more}]}


def test_a_longer_conversation_reads_what_the_shorter_one_wrote() -> None:
    seen: set[str] = set()
    first = counted({"messages": [turn("x" * 400, **MARK)]}, seen)
    assert (first.plain, first.read) == (0, 0)
    longer = counted({"messages": [turn("x" * 400, **MARK), turn("y" * 400, **MARK), turn("z")]}, seen)
    assert longer.read == first.written
    assert longer.written > 100
    assert longer.plain > 0
    assert counted({"messages": [turn("X" * 400, **MARK)]}, seen).read == 0


def test_without_marks_nothing_is_cached_and_one_at_the_top_is_for_all() -> None:
    seen: set[str] = set()
    assert counted({"messages": [turn("Hi")]}, seen).written == 0
    assert counted({"messages": [turn("Hi")], **MARK}, seen).plain == 0
    assert counted({"messages": [turn("Hi")], **MARK}, seen).read > 0


def test_bytes_of_pictures_are_not_counted() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "A" * 100_000}
    assert counted({"messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]}).all < 100


def test_usage() -> None:
    assert Prompt(1, 2, 3).usage()["cache_creation"] == {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 0}
