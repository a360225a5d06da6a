"""The messages of a chat as the Messages form has them: a system text, and turns of user and assistant by turns.

What that form demands, and a chat need not have: turns of one role are one turn; the first is the user's; results of
tools stand first in the turn behind the calls; no text is blank.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final, Literal

from providers.anthropic.content import Block, blocks_of, text_blocks, texts_of
from providers.anthropic.names import PlainNames
from providers.contract.chat import Message, ToolCall
from providers.formats.jsontext import INVALID, loads, text

_SYSTEM: Final = ("system", "developer")
_OPENING: Final = "(The conversation begins with your own words.)"
_REMINDER: Final = ("<system-reminder>\n", "\n</system-reminder>")
"""Around what a system message says in the middle: only the newest models know such a message."""


@dataclass(frozen=True, slots=True)
class Written:
    """A conversation in the form."""

    system: list[Block]
    turns: list[dict[str, Any]]


class ConversationWriter:
    """The writer of one conversation. `ids` and `names` are of its tools; `thoughts`: the thinking of earlier turns
    goes back, without the signature that nobody kept."""

    def __init__(self, ids: PlainNames, names: PlainNames, *, thoughts: bool) -> None:
        self._ids, self._names, self._thoughts = ids, names, thoughts

    def write(self, messages: tuple[Message, ...]) -> Written:
        """Raises ProviderError(BAD_REQUEST) for a part that has no place in the form."""
        leading = list(takewhile(lambda message: message.role in _SYSTEM, messages))
        system = texts_of(message.content for message in leading)
        turns: list[dict[str, Any]] = []
        for message in messages[len(leading) :]:
            role, blocks = self._turn(message)
            if not blocks:
                continue
            if turns and turns[-1]["role"] == role:
                turns[-1]["content"] += blocks
            else:
                turns.append({"role": role, "content": blocks})
        if not turns:
            return Written([], [{"role": "user", "content": system}] if system else [])
        if turns[0]["role"] == "assistant":
            turns.insert(0, {"role": "user", "content": text_blocks(_OPENING)})
        for turn in turns:
            if turn["role"] == "user":
                turn["content"].sort(key=lambda block: block["type"] != "tool_result")  # (keeps the order otherwise)
        _without_trailing_blanks(turns[-1])
        return Written(system, turns)

    def _turn(self, message: Message) -> tuple[Literal["user", "assistant"], list[Block]]:
        match message.role:
            case "assistant":
                return "assistant", [*self._thought(message), *self._said(message), *map(self._call, _calls(message))]
            case "tool" | "function":
                return "user", [self._result(message)]
            case "system" | "developer":
                words = "\n".join(block["text"] for block in texts_of([message.content]))
                return "user", text_blocks(words.join(_REMINDER) if words else "")
            case _:
                return "user", blocks_of(message.content)

    def _thought(self, message: Message) -> Iterator[Block]:
        words = text(message.extra.get("reasoning_content"))
        if self._thoughts and words:
            yield {"type": "thinking", "thinking": words, "signature": ""}

    def _said(self, message: Message) -> Iterator[Block]:
        """The text of an answer; pictures the model made have no place in the form."""
        return (block for block in blocks_of(message.content) if block["type"] == "text")

    def _call(self, call: ToolCall) -> Block:
        value = loads(call.arguments.encode("utf-8", "surrogatepass")) if call.arguments.strip() else {}
        if not isinstance(value, dict):
            value = {"arguments": call.arguments if value is INVALID else value}
        return {
            "type": "tool_use",
            "id": self._ids.plain(call.id),
            "name": self._names.plain(call.name),
            "input": value,
        }

    def _result(self, message: Message) -> Block:
        named = message.tool_call_id or message.name or ""
        found: Block = {"type": "tool_result", "tool_use_id": self._ids.plain(named)}
        if content := blocks_of(message.content):
            found["content"] = content
        return found | ({"is_error": True} if message.failed else {})


def _calls(message: Message) -> tuple[ToolCall, ...]:
    """The calls of a turn, the one of the older form among them, whose result names the function alone."""
    if message.tool_calls:
        return message.tool_calls
    old = message.extra.get("function_call")
    if isinstance(old, Mapping) and isinstance(name := old.get("name"), str):
        return (ToolCall(name, name, text(old.get("arguments"))),)
    return ()


def _without_trailing_blanks(turn: dict[str, Any]) -> None:
    """The beginning of an answer that is to be gone on with must not end in a blank."""
    last = turn["content"][-1]
    if turn["role"] == "assistant" and last["type"] == "text":
        last["text"] = last["text"].rstrip()
