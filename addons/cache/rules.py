"""Which requests an answer may be kept for. Pure.

The same must be asked again for the same answer: by a temperature of 0, or because config.yaml says so, and embeddings
are numbers of their text. Whatever may do, find or name something elsewhere is never looked for.
"""

from collections.abc import Mapping
from typing import Any, Final

from addons.cache import fields
from addons.dialects.base import ParsedRequest
from providers.contract.native import MessagesRequest, NativeRequest, ResponsesRequest
from providers.contract.passed_on import EmbeddingRequest
from providers.contract.requests import ChatRequest, CompletionRequest, ModelRequest

_FIELDS: Final[Mapping[type[ModelRequest], frozenset[str]]] = {
    ChatRequest: fields.CHAT,
    CompletionRequest: fields.COMPLETIONS,
    MessagesRequest: fields.MESSAGES,
    ResponsesRequest: fields.RESPONSES,
}
_LISTS: Final = ("content", "output", "summary")
"""Where items and blocks have others in them."""
_TOOLS: Final = ("tools", "functions")
_OF_TOOLS: Final = ("tools",)
"""Where a tool has others in it."""
_NONE: Final = frozenset[str]()
_ONE_ANSWER: Final = (None, 1)
_ENTRIES: Final = 10_000
"""Items, blocks, parts and tools that are looked at: a few milliseconds."""


def fits(parsed: ParsedRequest, *, always: bool) -> bool:
    """Whether an answer to the request may be kept, and another request be given it. `always`: whatever its
    temperature is."""
    request, said = parsed.request, parsed.said
    if said is None:
        return False
    embeds = isinstance(request, EmbeddingRequest)
    if not (always or embeds or _is_zero(said.get("temperature"))):
        return False  # most requests go here
    if parsed.refusal is not None or request.only_at is not None:
        return False
    if parsed.keeps or parsed.makes or parsed.names or parsed.follows is not None:
        return False
    if embeds:
        return _is_words(said.get("input"))
    allowed = _FIELDS.get(type(request))
    if allowed is None or not said.keys() <= allowed:
        return False
    chat = _chat_of(request)
    if chat is None or chat.drawing is not None or chat.search or said.get("store") or said.get("n") not in _ONE_ANSWER:
        return False
    if isinstance(request, ResponsesRequest):
        return said.get("store") is False and _all_words(said, "input")
    return _all_words(said, "messages", "system")


def limited_by_client(request: ModelRequest) -> bool:
    """Whether the client itself says how long the answer may be: one that ends there is as whole as can be."""
    chat = _chat_of(request)
    return chat is not None and chat.max_tokens is not None


def _chat_of(request: ModelRequest) -> ChatRequest | None:
    if isinstance(request, ChatRequest):
        return request
    return request.chat if isinstance(request, (CompletionRequest, NativeRequest)) else None


def _is_zero(value: object) -> bool:
    return value == 0 and (type(value) is int or type(value) is float)


def _is_words(value: object) -> bool:
    """Whether an embedding's input is text or tokens, and no picture."""
    level = value if isinstance(value, list) else [value]
    return all(isinstance(one, str | int) or (isinstance(one, list) and _are_tokens(one)) for one in level)


def _are_tokens(value: list[Any]) -> bool:
    return all(isinstance(one, int) for one in value)


def _all_words(said: Mapping[str, Any], *names: str) -> bool:
    """Whether what is said are words alone, and tools are the client's own."""
    words = [said[name] for name in names if name in said]
    left = _looked_at(words, fields.SAID_KINDS, fields.ELSEWHERE, _LISTS, _ENTRIES)
    tools = [said[name] for name in _TOOLS if name in said]
    return left >= 0 and (not tools or _looked_at(tools, fields.TOOL_KINDS, _NONE, _OF_TOOLS, left) >= 0)


def _looked_at(
    level: list[Any], kinds: frozenset[str | None], bad: frozenset[str], inner: tuple[str, ...], room: int
) -> int:
    """Goes through items, and those in their members `inner`; how many more than these there might have been.

    Less than 0: there are too many, or one is of no kind that may be, or has a member that is bad.
    """
    while level:
        value = level.pop()
        if isinstance(value, dict):
            kind = value.get("type")
            if kind is not None and not (isinstance(kind, str) and kind in kinds):
                return -1
            if not bad.isdisjoint(value):
                return -1
            for name in inner:
                if name in value and type(found := value[name]) is not str:
                    level.append(found)
        elif isinstance(value, list):
            room -= len(value)
            if room < 0:
                return -1
            level += value
    return room
