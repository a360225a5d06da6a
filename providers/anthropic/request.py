"""The body of a chat for an API of the Messages form."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any, Final

from providers.anthropic.caching import mark
from providers.anthropic.conversation import ConversationWriter
from providers.anthropic.names import ID_CHARS, NAME_CHARS, PlainNames
from providers.anthropic.preset import Preset
from providers.anthropic.schemas import closed
from providers.anthropic.takes import Takes
from providers.anthropic.thinking import is_on, thinking_of
from providers.anthropic.tools import choice_of, forces, tools_of
from providers.contract.chat import Message
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest
from providers.formats.jsontext import dumps, mapping
from providers.shared.suffixes import wants_search

NATIVE: Final = frozenset(
    {
        "temperature",
        "top_p",
        "max_tokens",
        "max_completion_tokens",
        "reasoning_effort",
        "tools",
        "tool_choice",
        "web_search_options",
        "parallel_tool_calls",
        "user",
        "images",
        "files",
    }
)
"""Fields of a chat that the form carries. `stop` is sent too, but kept by the gateway: the form refuses blank ones."""
_USER_CHARS: Final = 256


@dataclass(frozen=True, slots=True)
class ChatBody:
    """A body, and the names of its tools in it."""

    body: bytes
    names: PlainNames


def chat_body(
    chat: ChatRequest, model: Model, takes: Takes, preset: Preset, refused: Set[str] = frozenset()
) -> ChatBody:
    """The body to send, without the fields that the model has `refused`. Raises ProviderError(BAD_REQUEST) for what
    the form cannot say."""
    ids, names = PlainNames(ID_CHARS), PlainNames(NAME_CHARS)
    tools = tools_of(chat, names, search=wants_search(model, chat.search))
    written = ConversationWriter(ids, names, thoughts=preset.thought_returns).write(chat.messages)
    max_tokens = chat.max_tokens or takes.max_tokens
    fields: dict[str, Any] = {"model": model.site_id, "max_tokens": max_tokens, "messages": written.turns}
    if written.system:
        fields["system"] = written.system
    if tools:
        fields["tools"] = tools
    choice = choice_of(chat, names, offered=bool(tools))
    if choice is not None:
        fields["tool_choice"] = choice
    allowed = not forces(choice) and (takes.thinking != "budget" or not _in_a_turn(chat.messages))
    fields |= thinking_of(chat.reasoning_effort, takes, max_tokens=max_tokens, allowed=allowed)
    _sampling(fields, chat, takes, preset)
    if preset.schemas:
        _format(fields, chat)
    if stops := [stop for stop in chat.stop if stop.strip()]:
        fields["stop_sequences"] = stops
    user = chat.extra.get("user")
    if isinstance(user, str) and 0 < len(user) <= _USER_CHARS:
        fields["metadata"] = {"user_id": user}
    if preset.caches and "cache_control" not in refused:
        mark(fields)
    _leave_out(fields, refused)
    fields["stream"] = chat.stream
    return ChatBody(dumps(fields), names)


def _leave_out(fields: dict[str, Any], refused: Set[str]) -> None:
    for name in refused:
        fields.pop(name, None)
    if "strict" in refused:
        for tool in fields.get("tools", ()):
            tool.pop("strict", None)


def _sampling(fields: dict[str, Any], chat: ChatRequest, takes: Takes, preset: Preset) -> None:
    """`temperature` goes to 1 in this form, to 2 in OpenAI's; neither stands beside thinking."""
    if not takes.sampling or (is_on(fields) and takes.thinking != "switch"):
        return
    if chat.temperature is not None:
        fields["temperature"] = min(1.0, max(preset.lowest_temperature, chat.temperature))
    elif chat.top_p is not None:  # some models refuse both at once
        fields["top_p"] = min(1.0, max(0.0, chat.top_p))


def _format(fields: dict[str, Any], chat: ChatRequest) -> None:
    """A schema for the answer. Where it is to be but JSON, the gateway has seen to that in words."""
    wanted = mapping(chat.response_format)
    if wanted.get("type") != "json_schema":
        return
    schema = mapping(mapping(wanted.get("json_schema")).get("schema"))
    config = fields.setdefault("output_config", {})
    config["format"] = {"type": "json_schema", "schema": closed(schema)}


def _in_a_turn(messages: tuple[Message, ...]) -> bool:
    """Whether the model's own turn goes on: it has called tools since the user's last words."""
    for message in reversed(messages):
        if message.role == "user":
            return False
        if message.role == "assistant":
            return bool(message.tool_calls or message.extra.get("function_call"))
    return False
