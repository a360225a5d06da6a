"""The turns of a request to the messages of a chat. Pure, but for the pauses.

One turn of the user's may hold results of tools and words. In a chat the results are messages of their own, which stand
directly behind the calls; the words follow. Turns of one role that follow each other are one turn, as in the form.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from addons.dialects.body import Reading
from addons.dialects.messages.answer import without_sources
from addons.dialects.messages.blocks import blocks_of, content_of, parts_in, parts_of
from addons.dialects.messages.problems import Problems
from addons.dialects.text import json_bytes
from providers.contract.chat import NOTHING, ImagePart, Message, Part, TextPart, ToolCall
from providers.formats.jsontext import text

ATTRIBUTION: Final = "x-anthropic-billing-header:"
"""A block of `system` that begins so says which program asks; Anthropic's own API takes it off."""
_STEP: Final = 500
"""Turns that are read at once."""
_PARAGRAPH: Final = "\n\n"


def read_messages(raw: Mapping[str, Any], problems: Problems) -> Reading[tuple[Message, ...]]:
    """All that is said: `system` first, then the turns."""
    reader = _Turns(problems)
    if (told := _system(raw.get("system"), "system", problems)) is not None:
        reader.found.append(told)
    turns = raw["messages"]
    for at, turn in enumerate(turns):
        reader.add(at, turn["role"], turn["content"])
        if at % _STEP == _STEP - 1:
            yield
    reader.end()
    spoken = [at for at, turn in enumerate(turns) if turn["role"] != "system"]
    if spoken and turns[spoken[-1]]["role"] == "assistant":
        problems.note(
            f"messages[{spoken[-1]}]",
            "the last turn is the assistant's, and this model cannot go on from a text that is begun (prefill); end "
            "with a turn of the user's",
            "unsupported_parameter",
        )
    return tuple(reader.found)


def _system(content: object, where: str, problems: Problems) -> Message | None:
    parts = parts_of(blocks_of(content), where, problems)
    said = [part.text for part in parts if isinstance(part, TextPart) and not part.text.startswith(ATTRIBUTION)]
    return Message("system", _PARAGRAPH.join(said)) if said else None


@dataclass(slots=True)
class _Turns:
    problems: Problems
    found: list[Message] = field(default_factory=list)
    _role: str = ""
    """Of the turn that is being read."""
    _blocks: list[tuple[Mapping[str, Any], str]] = field(default_factory=list)
    """Its blocks so far, each with its place."""
    _held: list[Message] = field(default_factory=list)
    """What the system says behind calls, until their results have come: nothing may stand between the two."""

    def add(self, at: int, role: str, content: object) -> None:
        where = f"messages[{at}]"
        if role == "system":
            self.end_turn()
            if (told := _system(content, f"{where}.content", self.problems)) is not None:
                waits = self._held or (self.found and self.found[-1].tool_calls)
                (self._held if waits else self.found).append(told)
            return
        if role not in ("user", "assistant"):
            self.problems.note(f"{where}.role", "must be 'user', 'assistant' or 'system'")
        if role != self._role:
            self.end_turn()
            self._role = role
        place = f"{where}.content"
        self._blocks += [(block, f"{place}[{number}]") for number, block in enumerate(blocks_of(content))]

    def end_turn(self) -> None:
        role, blocks, self._role, self._blocks = self._role, self._blocks, "", []
        if role == "assistant":
            self._release()
            if (said := _assistant(blocks, self.problems)) is not None:
                self.found.append(said)
        elif role:
            self._user(blocks)

    def end(self) -> None:
        """Nothing more is said."""
        self.end_turn()
        self._release()

    def _user(self, blocks: Sequence[tuple[Mapping[str, Any], str]]) -> None:
        parts: list[Part] = []
        for block, where in blocks:
            if block.get("type") == "tool_result":
                self.found.append(_result(block, where, self.problems))
            else:
                parts += parts_in(block, where, self.problems)
        self._release()
        if parts:
            self.found.append(Message("user", content_of(parts, _PARAGRAPH)))

    def _release(self) -> None:
        self.found += self._held
        self._held = []


def _result(block: Mapping[str, Any], where: str, problems: Problems) -> Message:
    """The result of a tool. One with nothing in it is an empty text."""
    if not (call := text(block.get("tool_use_id"))):
        problems.note(where, "a block of type 'tool_result' needs the field 'tool_use_id'")
    parts = parts_of(blocks_of(block.get("content")), f"{where}.content", problems)
    return Message("tool", content_of(parts, "\n"), tool_call_id=call, failed=block.get("is_error") is True)


# -- the model's own turns --------------------------------------------------------------------------------------------
def _assistant(blocks: Sequence[tuple[Mapping[str, Any], str]], problems: Problems) -> Message | None:
    """What the model said, its calls and its thinking; None where nothing of it is words."""
    said: list[str] = []
    pictures: list[Part] = []
    thought: list[str] = []
    calls: list[ToolCall] = []
    for block, where in blocks:
        match block.get("type"):
            case "thinking":
                thought.append(text(block.get("thinking")))
            case "redacted_thinking":
                pass  # nobody but its maker can read it
            case "tool_use":
                calls.append(_call(block, where, problems))
            case "text":
                said.append(text(block.get("text")))
            case _:
                parts = list(parts_in(block, where, problems))
                said += _of_server(parts)
                pictures += [part for part in parts if isinstance(part, ImagePart)]
    whole = without_sources("".join(said))
    if not (whole or calls or pictures):
        return None
    content: str | tuple[Part, ...] | None = whole or None
    if pictures:
        content = (*([TextPart(whole)] if whole else []), *pictures)
    thinking = _PARAGRAPH.join(words for words in thought if words)
    extra = {"reasoning_content": thinking} if thinking else NOTHING
    return Message("assistant", content, tool_calls=tuple(calls), extra=extra)


def _of_server(parts: Sequence[Part]) -> Iterator[str]:
    """What tools of Anthropic's own servers were asked and found, as words between the others."""
    for part in parts:
        if isinstance(part, TextPart):
            yield f"\n{part.text}\n"


def _call(block: Mapping[str, Any], where: str, problems: Problems) -> ToolCall:
    identifier, name, given = text(block.get("id")), text(block.get("name")), block.get("input")
    if not identifier or not name:
        problems.note(where, "a block of type 'tool_use' needs the fields 'id' and 'name'")
    return ToolCall(identifier, name, json_bytes(given if isinstance(given, Mapping) else {}).decode())
