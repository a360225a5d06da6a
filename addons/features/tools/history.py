"""The tool calls and results of a conversation, as text that a site takes: in the envelopes that the model is told of.

A call becomes a `<call-…>` block in its assistant message, results become one user message that says what they are.
What a result holds is enclosed by the request's mark, so no text in it ends it or becomes a call. Calls that an earlier
answer wrote as text and nobody read as such are left out: a model that sees one goes on to write more of them.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from addons.features.mark import MARK_CHARS
from addons.features.tools.contract import call_block
from addons.features.tools.given import INPUT
from providers.contract.chat import Message, Part, TextPart, ToolCall
from providers.formats.jsontext import INVALID, loads, mapping, text

_RESULTS: Final = "Results of the calls above, for the same task:"
REPEATED_CHARS: Final = 100_000
"""Of a conversation, between two times that the site's chat is told all of the tools."""
_NAME_CHARS: Final = 128
_NO_NAME: Final = re.compile(r"[^\w.:/+@-]")
_BEGINS_A_CALL: Final = re.compile(r"[<{(\[]")
"""Without one of these there is no call in a text."""
_OTHER_MARKS: Final = re.compile(
    rf"<call-[a-z0-9]{{{MARK_CHARS}}}>(?s:.*?)(?:</call-[a-z0-9]{{{MARK_CHARS}}}>|\Z)|<call-[a-z0-9]{{0,{MARK_CHARS}}}\Z"
)
"""Calls with the mark of an earlier request, which came as text (a limit cut them): a model would go on with that mark,
and its calls would be none."""


@dataclass(frozen=True, slots=True)
class Folding:
    """How a conversation is folded."""

    mark: str
    alias: Callable[[str], str]
    """The name that the model is told, for a tool's own."""
    without_calls: Callable[[str], str]
    """A text without the calls that stand in it."""
    before: Sequence[Message] = ()
    """What the site's own chat holds already: results may be of calls in it."""


def holds_calls(messages: Sequence[Message]) -> bool:
    """Whether tools were called in a conversation."""
    return any(map(_is_of_tools, messages))


def folded(messages: Sequence[Message], how: Folding) -> list[Message]:
    """The conversation in which system, user and assistant messages alone are left, all of them texts and parts."""
    names = {call.id: _name(call) for message in how.before for call in message.tool_calls}
    found: list[Message] = []
    results: list[Part] = []
    for message in messages:
        if message.role in ("tool", "function"):
            results += _result(message, names, how)
            continue
        if results:
            found.append(_of_results(results))
            results = []
        if message.role == "assistant":
            names |= {call.id: _name(call) for call in message.tool_calls}
            if (said := _assistant(message, how)) is not None:
                found.append(said)
        else:
            found.append(message)
    return [*found, _of_results(results)] if results else found


def is_far_back(before: Sequence[Message]) -> bool:
    """Whether what a site's chat was told with its first message is to be said again: once in so many characters.

    `before` ends with the newest answer. No state is kept: each turn sees how long the chat was at the turn before it.
    """
    length = then = now = 0
    for message in before:
        length += len(message.text()) + sum(len(call.arguments) for call in message.tool_calls)
        if message.role == "assistant":
            then, now = now, length
    return now // REPEATED_CHARS > then // REPEATED_CHARS


def _is_of_tools(message: Message) -> bool:
    return bool(
        message.tool_calls or message.role in ("tool", "function") or message.extra.get("function_call") is not None
    )


# -- calls -------------------------------------------------------------------------------------------------------------
def _assistant(message: Message, how: Folding) -> Message | None:
    """What the assistant said, its calls behind it; None where nothing is left."""
    said = message.text()
    if _BEGINS_A_CALL.search(said):
        said = _OTHER_MARKS.sub("", how.without_calls(said)).strip()
    blocks = [call_block(call, how.mark) for call in _calls(message, how)]
    whole = "\n".join([*([said] if said else []), *blocks])
    return Message("assistant", whole, message.name) if whole else None


def _calls(message: Message, how: Folding) -> Iterable[Mapping[str, Any]]:
    for call in message.tool_calls:
        yield {"id": call.id, **_called(call, how)}
    legacy = mapping(message.extra.get("function_call"))
    if name := text(legacy.get("name")):
        yield {"name": how.alias(name), "arguments": _arguments(text(legacy.get("arguments")))}


def _name(call: ToolCall) -> str:
    return call.name or text(mapping(call.extra.get("custom")).get("name"))


def _called(call: ToolCall, how: Folding) -> Mapping[str, Any]:
    """Name and arguments; those of a custom tool are one text."""
    custom = call.extra.get("custom")
    arguments = {INPUT: text(custom.get("input"))} if isinstance(custom, Mapping) else _arguments(call.arguments)
    return {"name": how.alias(_name(call)), "arguments": arguments}


def _arguments(written: str) -> Any:
    """The arguments as JSON; such as are none as the text they are."""
    value = loads(written.encode("utf-8", "surrogatepass")) if written.strip() else {}
    return written if value is INVALID else value


# -- results -----------------------------------------------------------------------------------------------------------
def _result(message: Message, names: Mapping[str, str], how: Folding) -> list[Part]:
    """One result, its pictures left where they are."""
    call_id = message.tool_call_id or ""
    name = message.name or names.get(call_id, "")
    told = f' id="{_clean(call_id)}"' if call_id else ""
    told += f' name="{_clean(how.alias(name))}"' if name else ""
    begin, end = f"<result-{how.mark}{told}>", f"</result-{how.mark}>"
    if isinstance(message.content, tuple) and any(not isinstance(part, TextPart) for part in message.content):
        return [TextPart(begin), *message.content, TextPart(end)]
    return [TextPart(f"{begin}\n{message.text()}\n{end}")]


def _of_results(results: Sequence[Part]) -> Message:
    if all(isinstance(part, TextPart) for part in results):
        return Message("user", "\n".join([_RESULTS, *(part.text for part in results if isinstance(part, TextPart))]))
    return Message("user", (TextPart(_RESULTS), *results))


def _clean(name: str) -> str:
    """A name of the client's as it may stand in a tag."""
    return _NO_NAME.sub("_", name[:_NAME_CHARS])


# -- what is said of tools --------------------------------------------------------------------------------------------
def with_words(messages: Sequence[Message], block: str, go_on: str, *, result_newest: bool) -> tuple[Message, ...]:
    """The conversation with a block before its newest user message, whose own text stays as it is at the end.

    `go_on` is said behind results, where they are the newest, and to a conversation that ends with the assistant.
    """
    found = list(messages)
    at = len(found) - 1
    while at >= 0 and found[at].role in ("system", "developer"):
        at -= 1
    if at < 0 or found[at].role != "user":
        return (*found, Message("user", f"{block}\n\n{go_on}"))
    found[at] = _prefixed(found[at], block)
    if result_newest:
        found[at] = _followed(found[at], go_on)
    return tuple(found)


def _prefixed(message: Message, block: str) -> Message:
    if isinstance(message.content, tuple):
        return replace(message, content=(TextPart(f"{block}\n"), *message.content))
    return replace(message, content=f"{block}\n\n{message.content or ''}")


def _followed(message: Message, words: str) -> Message:
    if isinstance(message.content, tuple):
        return replace(message, content=(*message.content, TextPart(words)))
    return replace(message, content=f"{message.content or ''}\n{words}")
