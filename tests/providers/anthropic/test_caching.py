"""Marks of prefixes: where they stand, and where none does."""

from typing import Any

from providers.anthropic.caching import LEAST_CHARS, mark

LONG = "x" * LEAST_CHARS


def fields(system: str = "", tools: int = 0, *turns: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "messages": [
            {"role": "assistant" if at % 2 else "user", "content": [{"type": "text", "text": text}]}
            for at, text in enumerate(turns)
        ]
    }
    if system:
        found["system"] = [{"type": "text", "text": system}]
    if tools:
        found["tools"] = [{"name": f"t{at}", "input_schema": {"a": [LONG]}} for at in range(tools)]
    return found


def marked(asked: dict[str, Any]) -> list[str]:
    mark(asked)
    places = [("system", asked.get("system", [])), ("tools", asked.get("tools", []))]
    places += [(f"turn {at}", turn["content"]) for at, turn in enumerate(asked["messages"])]
    return [name for name, blocks in places for block in blocks if "cache_control" in block]


def test_marks() -> None:
    assert marked(fields("short", 0, "hi")) == []
    assert marked(fields(LONG, 0, "hi")) == ["system"]
    assert marked(fields("", 2, "hi")) == ["tools", "turn 0"]
    assert marked(fields("short", 1, "hi")) == ["system", "turn 0"]
    assert marked(fields("", 0, LONG)) == []  # it may never come again
    assert marked(fields("", 0, LONG, "yes", "and?")) == ["turn 2"]
    assert marked(fields("", 0, "a", "b", "c")) == []


def test_the_last_tool_and_the_last_block_are_marked() -> None:
    asked = fields("", 2, "hi")
    asked["messages"][0]["content"].append({"type": "text", "text": "last"})
    mark(asked)
    assert ["cache_control" in tool for tool in asked["tools"]] == [False, True]
    assert ["cache_control" in block for block in asked["messages"][0]["content"]] == [False, True]


def test_marks_of_the_clients_own_stand_alone() -> None:
    asked = fields(LONG, 1, "hi", "yes", "and?")
    asked["messages"][0]["content"][0]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    assert marked(asked) == ["turn 0"]


def test_a_thought_is_not_marked() -> None:
    asked = fields("", 1, "hi", "yes")
    asked["messages"][1]["content"] = [{"type": "thinking", "thinking": "Hm."}]
    assert marked(asked) == ["tools"]


def test_what_is_nested_deep_is_counted_all_the_same() -> None:
    deep: Any = "x"
    for _ in range(20_000):
        deep = [deep]
    asked = fields("", 1, "hi")
    asked["tools"][0]["input_schema"] = {"a": deep, "b": LONG}
    assert marked(asked) == ["tools", "turn 0"]
