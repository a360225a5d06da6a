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

_LISTS: Final = ("content", "output", "summary")
"""Where items and blocks have others in them."""
_ENTRIES: Final = 10_000
"""Items, blocks, parts and tools that are looked at: a few milliseconds."""


def fits(parsed: ParsedRequest, *, always: bool) -> bool:
    """Whether an answer to the request may be kept, and another request be given it. `always`: whatever its
    temperature is."""
    request, said = parsed.request, parsed.said
    if said is None or parsed.refusal is not None or request.only_at is not None:
        return False
    if parsed.keeps or parsed.makes or parsed.names or parsed.follows is not None:
        return False
    if isinstance(request, EmbeddingRequest):
        return _is_words(said.get("input"))
    allowed = _fields_of(request)
    if allowed is None or not said.keys() <= allowed or not (always or _is_zero(said.get("temperature"))):
        return False
    chat = _chat_of(request)
    if chat is None or chat.drawing is not None or chat.search or said.get("store") or said.get("n") not in (None, 1):
        return False
    if isinstance(request, ResponsesRequest):
        return _all_words(said, "input") and said.get("store") is False
    return _all_words(said, "messages", "system")


def limited_by_client(request: ModelRequest) -> bool:
    """Whether the client itself says how long the answer may be: one that ends there is as whole as can be."""
    chat = _chat_of(request)
    return chat is not None and chat.max_tokens is not None


def _fields_of(request: ModelRequest) -> frozenset[str] | None:
    match request:
        case ChatRequest():
            return fields.CHAT
        case CompletionRequest():
            return fields.COMPLETIONS
        case MessagesRequest():
            return fields.MESSAGES
        case ResponsesRequest():
            return fields.RESPONSES
    return None


def _chat_of(request: ModelRequest) -> ChatRequest | None:
    if isinstance(request, CompletionRequest | NativeRequest):
        return request.chat
    return request if isinstance(request, ChatRequest) else None


def _is_zero(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0


def _is_words(value: object) -> bool:
    """Whether an embedding's input is text or tokens, and no picture."""
    level = value if isinstance(value, list) else [value]
    return all(isinstance(one, str | int) or (isinstance(one, list) and _are_tokens(one)) for one in level)


def _are_tokens(value: list[Any]) -> bool:
    return all(isinstance(one, int) for one in value)


def _all_words(said: Mapping[str, Any], *names: str) -> bool:
    """Whether what is said are words alone, and tools are the client's own."""
    left: list[tuple[Any, frozenset[str | None]]] = [(said.get(name), fields.SAID_KINDS) for name in names]
    left += ((said.get(name), fields.TOOL_KINDS) for name in ("tools", "functions"))
    seen = 0
    while left:
        value, kinds = left.pop()
        if isinstance(value, list):
            seen += len(value)
            left += ((one, kinds) for one in value)
        elif isinstance(value, dict):
            kind = value.get("type")
            if kind is not None and (not isinstance(kind, str) or kind not in kinds):
                return False
            if kinds is fields.SAID_KINDS and not fields.ELSEWHERE.isdisjoint(value):
                return False
            inner = _LISTS if kinds is fields.SAID_KINDS else ("tools",)
            left += ((value[name], kinds) for name in inner if name in value)
        if seen > _ENTRIES:
            return False
    return True
