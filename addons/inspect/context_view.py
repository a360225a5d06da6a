"""What fills the context of a model that an agent asks: system prompt, tools, history, the newest turn. Pure.

Counted in bytes of what the client sent, as tokens are known of the whole alone. Computed when somebody looks.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from addons.dialects.registry import parsed_as
from addons.errors import GatewayError
from addons.inspect.annotation import Annotation
from addons.inspect.money import shown_cost
from addons.inspect.sessions import chat_of
from addons.words.shown import shown
from providers.contract.chat import ImagePart, Message, OtherPart, TextPart
from providers.contract.requests import ChatRequest

_SYSTEM: Final = frozenset({"system", "developer"})
_TOOLS_SHOWN: Final = 8
_NAME: Final = 40
_WIDTH: Final = len("newest turn")


@dataclass(frozen=True, slots=True)
class Filling:
    """Bytes of each part of a context. `tools` are by name, the largest first."""

    system: int
    tools: tuple[tuple[str, int], ...]
    history: int
    history_messages: int
    newest: int
    newest_kinds: tuple[str, ...]
    """Who speaks in the newest turn, in order."""
    pictures: int = 0
    """How many there are, in all messages."""

    @property
    def whole(self) -> int:
        return self.system + sum(size for _, size in self.tools) + self.history + self.newest


def filling_of(chat: ChatRequest) -> Filling:
    """What fills the context of a chat. The newest turn is what stands behind the model's last words."""
    said = [*chat.before, *chat.messages]
    spoken = [message for message in said if message.role not in _SYSTEM]
    last = max((at for at, message in enumerate(spoken) if message.role == "assistant"), default=-1)
    history, newest = spoken[: last + 1], spoken[last + 1 :]
    tools = sorted(((_tool_name(tool), _json_bytes(tool)) for tool in chat.tools), key=lambda one: -one[1])
    return Filling(
        system=sum(_bytes(message) for message in said if message.role in _SYSTEM),
        tools=tuple(tools),
        history=sum(map(_bytes, history)),
        history_messages=len(history),
        newest=sum(map(_bytes, newest)),
        newest_kinds=tuple(dict.fromkeys("tool result" if one.role == "tool" else one.role for one in newest)),
        pictures=sum(isinstance(part, ImagePart) for message in said for part in _parts(message)),
    )


def context_lines(annotation: Annotation) -> Iterator[str]:
    """The lines for a request that has tools, a history, or a session; none for a plain question."""
    if (chat := _chat(annotation)) is None:
        return
    found = filling_of(chat)
    if not found.tools and not found.history and not annotation.session:
        return
    whole = found.whole
    yield _line("system", found.system, whole)
    tools = sum(size for _, size in found.tools)
    yield _line("tools", tools, whole, f"{len(found.tools)}: {_tools(found.tools)}" if found.tools else "")
    many = f"{found.history_messages} message{'' if found.history_messages == 1 else 's'}" if found.history else ""
    yield _line("history", found.history, whole, many)
    yield _line("newest turn", found.newest, whole, ", ".join(found.newest_kinds))
    if found.pictures:
        yield f"{'pictures':{_WIDTH}}  {found.pictures} among these"
    yield from _tokens(annotation)
    if annotation.session:
        again = f", asked again ({annotation.retry})" if annotation.retry else ""
        yield f"{'session':{_WIDTH}}  {annotation.session}{again}"


def _chat(annotation: Annotation) -> ChatRequest | None:
    """The chat that was asked; None for another kind, and where the kept body is no whole request (any more)."""
    if not annotation.client_request:
        return None
    try:
        body = annotation.client_request.encode("utf-8", "surrogateescape")
        return chat_of(parsed_as(annotation.dialect, body)[1].request)
    except (GatewayError, UnicodeError):
        return None


def _tokens(annotation: Annotation) -> Iterator[str]:
    asked, cached = annotation.prompt_tokens, annotation.cached_tokens
    if asked is None:
        return
    parts = [f"{asked} in"]
    if cached is not None:
        parts.append(f"{cached} of them cached ({_share(cached, asked)}), {max(0, asked - cached)} not")
    if annotation.completion_tokens is not None:
        parts.append(f"{annotation.completion_tokens} out")
    yield f"{'tokens':{_WIDTH}}  {', '.join(parts)}"
    if cost := shown_cost(annotation.cost):
        yield f"{'cost':{_WIDTH}}  {cost}"


def _line(name: str, size: int, whole: int, more: str = "") -> str:
    return f"{name:{_WIDTH}}  {_amount(size):>9}  {_share(size, whole):>4}  {more}".rstrip()


def _amount(size: int) -> str:
    return f"{size} B" if size < 1000 else f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1e6:.1f} MB"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}%" if whole else "0%"


def _tools(tools: Iterable[tuple[str, int]]) -> str:
    listed = list(tools)
    told = [f"{shown(name, _NAME)} {_amount(size)}" for name, size in listed[:_TOOLS_SHOWN]]
    more = len(listed) - _TOOLS_SHOWN
    return ", ".join([*told, *([f"{more} more"] if more > 0 else [])])


def _tool_name(tool: Mapping[str, Any]) -> str:
    inner = tool.get("function")
    name = inner.get("name") if isinstance(inner, Mapping) else tool.get("name")
    return name if isinstance(name, str) and name else str(tool.get("type", "?"))


def _parts(message: Message) -> Iterable[object]:
    return message.content if isinstance(message.content, tuple) else ()


def _bytes(message: Message) -> int:
    """The bytes of what a message says: texts, pictures as they stand in it, calls with their arguments, thinking."""
    size = len(message.content.encode("utf-8", "surrogatepass")) if isinstance(message.content, str) else 0
    for part in _parts(message):
        match part:
            case TextPart(text=text):
                size += len(text.encode("utf-8", "surrogatepass"))
            case ImagePart(url=url):
                size += len(url)
            case OtherPart():
                size += _json_bytes(part.data)
    for call in message.tool_calls:
        size += len(f"{call.name}{call.arguments}".encode("utf-8", "surrogatepass"))
    thought = message.extra.get("reasoning_content")
    return size + (len(thought.encode("utf-8", "surrogatepass")) if isinstance(thought, str) else 0)


def _json_bytes(value: object) -> int:
    try:
        return len(json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass"))
    except (RecursionError, ValueError):
        return 0
