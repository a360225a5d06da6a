"""What the Messages API refuses of a conversation's order: calls, results, thinking, a prefill. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from providers.sandbox.anthropic.blocks import Refused, check_marks
from providers.sandbox.anthropic.models import Model
from providers.sandbox.anthropic.reading import blocks_of

_THOUGHTS: Final = ("thinking", "redacted_thinking")


def check_turns(body: Mapping[str, Any], model: Model, thinking: str) -> None:
    """Raises Refused. `thinking` is `enabled` where each turn of calls must begin with its thinking."""
    check_marks(body)
    turns = _joined(body["messages"])
    if not turns or turns[0][0] != "user":
        raise Refused('messages: first message must use the "user" role')
    _check_results(turns)
    last_role, last = turns[-1][0], body["messages"][-1]
    if last_role == "assistant":
        if not model.prefill:
            raise Refused(
                "This model does not support assistant message prefill. The conversation must end with a user message."
            )
        blocks = blocks_of(last.get("content"))
        if blocks and str(blocks[-1].get("text", "")).endswith((" ", "\n")):
            raise Refused("messages: final assistant content cannot end with trailing whitespace")
    if thinking:
        _check_thinking_first(turns)


def _joined(messages: list[Mapping[str, Any]]) -> list[tuple[str, int, list[Mapping[str, Any]]]]:
    """The turns, each with its role and the number of its first message: messages of one role are one turn, and one
    of the system's in between belongs to neither."""
    turns: list[tuple[str, int, list[Mapping[str, Any]]]] = []
    for at, message in enumerate(messages):
        role = str(message["role"])
        if role == "system":
            continue
        if turns and turns[-1][0] == role:
            turns[-1][2].extend(blocks_of(message["content"]))
        else:
            turns.append((role, at, list(blocks_of(message["content"]))))
    return turns


def _check_results(turns: list[tuple[str, int, list[Mapping[str, Any]]]]) -> None:
    """Each call has its result in the next turn, before anything else there, and each result its call."""
    calls: list[str] = []
    for number, (role, at, blocks) in enumerate(turns):
        results = [str(block["tool_use_id"]) for block in blocks if block["type"] == "tool_result"]
        if role == "user":
            for place, block in enumerate(blocks):
                if block["type"] == "tool_result" and block["tool_use_id"] not in calls:
                    raise Refused(
                        f"messages.{at}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: "
                        f"{block['tool_use_id']}. Each `tool_result` block must have a corresponding `tool_use` block "
                        "in the previous message."
                    )
            kinds = [block["type"] == "tool_result" for block in blocks]
            if len(set(results)) != len(results):
                raise Refused(
                    f"messages.{at}: each tool_use must have a single result. Found multiple "
                    f"`tool_result` blocks with id: {next(name for name in results if results.count(name) > 1)}"
                )
        if missing := [name for name in calls if name not in results]:
            raise _without_result(at, missing)
        if role == "user" and calls and kinds != sorted(kinds, reverse=True):
            raise _without_result(at, calls)
        calls = [str(block["id"]) for block in blocks if block["type"] == "tool_use"]
        if calls and number == len(turns) - 1:
            raise _without_result(at + 1, calls)


def _without_result(at: int, names: list[str]) -> Refused:
    return Refused(
        f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(names)}. "
        "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
    )


def _check_thinking_first(turns: list[tuple[str, int, list[Mapping[str, Any]]]]) -> None:
    """While calls are being answered, the assistant's turns of this round begin with their thinking."""
    if not any(block["type"] == "tool_result" for block in turns[-1][2]):
        return
    _, at, blocks = next(turn for turn in reversed(turns) if turn[0] == "assistant")
    if blocks and blocks[0]["type"] not in _THOUGHTS:
        raise Refused(
            f"messages.{at}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{blocks[0]['type']}`. When `thinking` is enabled, a final `assistant` message must start "
            "with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend "
            "you include thinking blocks from previous turns. To avoid this requirement, disable `thinking`. "
            "Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
        )
