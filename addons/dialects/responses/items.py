"""The items of a request as the messages of a chat. Pure.

A chat has one assistant message for what are several items here: thinking, words, calls. Results stand right behind the
message with their calls, in the order of the calls; chat APIs take no other order. What a model provider's server did
by itself (a search, a picture) is left out, and so is what nobody here knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from addons.dialects.body import bad_request
from addons.dialects.responses.parts import as_content, output_of, parts_of, words_of
from addons.dialects.responses.tools import INPUT, OwnTool, Tools
from providers.contract.chat import Message, Role, TextPart, ToolCall
from providers.formats.jsontext import dumps, mapping, text

_ROLES: Final = frozenset({"system", "developer", "user", "assistant"})
_CALL: Final = "_call"
_OUTPUT: Final = "_output"
_OF_AN_ITEM: Final = frozenset({"type", "id", "call_id", "status"})


@dataclass(slots=True)
class _Turn:
    """What the assistant said in one go."""

    thoughts: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    calls: dict[str, ToolCall] = field(default_factory=dict)
    results: dict[str, Message] = field(default_factory=dict)

    def messages(self) -> list[Message]:
        if not self.texts and not self.calls:
            return []
        thinking = "\n\n".join(self.thoughts)
        said = Message(
            "assistant",
            "\n\n".join(self.texts) if self.texts else None,
            tool_calls=tuple(self.calls.values()),
            extra={"reasoning_content": thinking} if thinking else {},
        )
        return [said, *(self.results[call] for call in self.calls if call in self.results)]


class Conversation:
    """Takes the items of a request in order; gives the messages that say the same."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._said: list[Message | _Turn] = []
        self._open: _Turn | None = None
        """The assistant's, as long as nobody else has said anything since."""
        self._callers: dict[str, _Turn] = {}
        """By the id of the call: the newest turn that has one of it."""

    def messages(self) -> tuple[Message, ...]:
        """All that was said."""
        found: list[Message] = []
        for one in self._said:
            found += [one] if isinstance(one, Message) else one.messages()
        return tuple(found)

    def add(self, item: Any, at: int) -> None:
        """Takes the next item, the request's `input[at]`. Raises GatewayError (400) for one that is no object, or a
        call or result that does not say of what."""
        if not isinstance(item, dict):
            raise bad_request(f"input[{at}] must be an object", f"input[{at}]")
        kind = text(item.get("type"))
        if kind in ("", "message"):
            self._message(item)
        elif kind == "reasoning":
            self._think(item)
        elif kind in ("function_call", "custom_tool_call"):
            self._call(item, at, custom=kind == "custom_tool_call")
        elif kind.endswith(_OUTPUT):
            self._result(item, at, required=kind in ("function_call_output", "custom_tool_call_output"))
        elif kind.endswith(_CALL):
            self._other_call(kind, item)
        elif parts := parts_of(item.get("content")):  # a message of some kind (agent_message): better said than lost
            self._say(Message("user", as_content(parts)))

    # -- what is said ----------------------------------------------------------------------------------------------
    def _say(self, message: Message) -> None:
        self._open = None
        self._said.append(message)

    def _turn(self) -> _Turn:
        if self._open is None:
            self._open = _Turn()
            self._said.append(self._open)
        return self._open

    def _message(self, item: Mapping[str, Any]) -> None:
        role = item.get("role")
        if role == "assistant":
            if said := words_of(item.get("content")):
                if self._open is not None and self._open.texts and not self._open.calls:
                    self._open = None  # two messages, not one
                self._turn().texts.append(said)
        elif parts := parts_of(item.get("content")):
            known = cast(Role, role) if role in _ROLES else "user"
            self._say(Message(known, as_content(parts)))

    def _think(self, item: Mapping[str, Any]) -> None:
        """Its words: the summary, else the thinking itself. What is encrypted is for the model's own provider alone."""
        if said := words_of(item.get("summary"), "\n\n") or words_of(item.get("content"), "\n\n"):
            self._turn().thoughts.append(said)

    # -- calls -----------------------------------------------------------------------------------------------------
    def _call(self, item: Mapping[str, Any], at: int, *, custom: bool) -> None:
        name, call_id = text(item.get("name")), text(item.get("call_id")) or text(item.get("id"))
        for field_name, value in (("name", name), ("call_id", call_id)):
            if not value:
                where = f"input[{at}].{field_name}"
                raise bad_request(f"{where}: a call needs it, as text", where)
        arguments = _written({INPUT: text(item.get(INPUT))}) if custom else text(item.get("arguments"))
        told = self._tools.name(OwnTool(name, text(item.get("namespace")), custom))
        self._add_call(ToolCall(call_id, told, arguments))

    def _other_call(self, kind: str, item: Mapping[str, Any]) -> None:
        """A call of a tool that is none of ours, which the client has run all the same (a shell, a patch)."""
        if call_id := text(item.get("call_id")):
            rest = {name: value for name, value in item.items() if name not in _OF_AN_ITEM}
            self._add_call(ToolCall(call_id, kind.removesuffix(_CALL), _written(rest)))

    def _add_call(self, call: ToolCall) -> None:
        turn = self._turn()
        turn.calls.setdefault(call.id, call)
        self._callers[call.id] = turn

    def _result(self, item: Mapping[str, Any], at: int, *, required: bool) -> None:
        """What a call gave, behind it; without its call, as words of the user. The last of several counts."""
        call_id = text(item.get("call_id"))
        if not call_id:
            if required:
                where = f"input[{at}].call_id"
                raise bad_request(f"{where}: a result needs the id of its call", where)
            return
        content = output_of(item.get("output"))
        if (turn := self._callers.get(call_id)) is not None:
            self._open = None
            turn.results[call_id] = Message("tool", content, tool_call_id=call_id)
        elif content:
            told = f"(The result of an earlier tool call, {call_id[:100]}:)"
            parts = (TextPart(content),) if isinstance(content, str) else content
            self._say(Message("user", (TextPart(told), *parts)))


def _written(value: Mapping[str, Any]) -> str:
    return dumps(mapping(value)).decode()
