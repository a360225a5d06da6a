"""A body of POST /v1/messages to a ParsedRequest: the request as it came, and the chat that asks the same.

Only what the gateway itself cannot make sense of is refused; what stands against asking a chat is the `refusal`, which
an API of the same form is not told of. Beta headers and fields that nobody here knows are never refused: both change
with each release of the clients.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from addons.dialects.base import ParsedRequest
from addons.dialects.body import VALUES_LIMIT, Reading, model_noted, read_object, validated
from addons.dialects.client_session import session_in
from addons.dialects.messages.errors import is_claude_code
from addons.dialects.messages.named import makes_things, named_in
from addons.dialects.messages.problems import Problems
from addons.dialects.messages.schema import MessagesBody, OpenBody, check_entries
from addons.dialects.messages.tools import Tools, read_tools
from addons.dialects.messages.turns import read_messages
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.dialects.text import json_bytes
from addons.errors import GatewayError
from providers.contract.chat import NOTHING, Message
from providers.contract.native import MessagesRequest
from providers.contract.requests import ChatRequest
from providers.formats.jsontext import mapping, text

OF_THE_FORM: Final = ("anthropic-version", "anthropic-beta")
"""Headers that an API of the form is to get."""
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
_USUAL_EFFORT: Final = "medium"
_BUDGETS: Final = ((4096, "low"), (16384, "medium"))
"""Tokens of thinking up to which an effort is meant, where a budget is all that is said; beyond, a high one."""
_TOKEN_CHARS: Final = 4


@dataclass(frozen=True, slots=True)
class MessagesOptions:
    """What the answer's form depends on."""

    thinks: bool = False
    """Thinking was asked for: a client that did not ask looks for words in the first block."""
    prompt_tokens: int = 1
    """About so many: a stream tells a number before the provider does."""
    words_alone: bool = False
    """The client reads no reason of a refusal: words of ours tell it (Claude Code asks twice, and shows its own)."""


def read_request(body: bytes, most_values: int = VALUES_LIMIT, head: RoutedHead = NO_HEAD) -> Reading[ParsedRequest]:
    """The request. Raises GatewayError (400) naming the field at fault."""
    raw = yield from read_object(body, most_values)
    with model_noted(raw):
        check_entries(raw)
        yield
        validated(OpenBody, raw)
        yield
        problems = Problems()
        try:
            validated(MessagesBody, raw)
        except GatewayError as error:
            problems.first = error
        yield
        messages = yield from read_messages(raw, problems)
        if not messages:
            problems.note("messages", "nothing is said in them")
        tools, effort = read_tools(raw), effort_of(raw)
        chat = _chat(raw, messages, tools, effort, _affinity(raw, head))
        yield
        request = MessagesRequest(
            chat.model,
            chat,
            body,
            raw,
            head.sendable(OF_THE_FORM),
            stream=chat.stream,
            affinity=chat.affinity,
        )
        thinks, words_alone = effort not in (None, "none"), is_claude_code(head)
        options = MessagesOptions(thinks, max(1, _chars(chat) // _TOKEN_CHARS), words_alone)
        return ParsedRequest(request, options, problems.first, names=named_in(raw), makes=makes_things(raw), said=raw)


def effort_of(raw: Mapping[str, Any]) -> str | None:
    """How hard the model is to think: `none` where it is not to, None where nothing is said of thinking."""
    thinking = mapping(raw.get("thinking"))
    match thinking.get("type"):
        case "disabled" | "between_tools":
            return "none"
        case "enabled" | "adaptive":
            effort = mapping(raw.get("output_config")).get("effort")
            return effort if effort in _EFFORTS else _budgeted(thinking.get("budget_tokens"))
    return None


def _budgeted(tokens: object) -> str:
    if not isinstance(tokens, int | float) or isinstance(tokens, bool):
        return _USUAL_EFFORT
    return next((effort for most, effort in _BUDGETS if tokens <= most), "high")


def _chat(
    raw: Mapping[str, Any], messages: tuple[Message, ...], tools: Tools, effort: str | None, affinity: str | None
) -> ChatRequest:
    most, stops = _number(raw.get("max_tokens")), raw.get("stop_sequences")
    return ChatRequest(
        raw["model"],
        messages,
        stream=raw.get("stream") is True,
        temperature=_number(raw.get("temperature")),
        top_p=_number(raw.get("top_p")),
        max_tokens=int(most) if most is not None and most >= 1 else None,
        stop=tuple(stop for stop in stops if isinstance(stop, str)) if isinstance(stops, list) else (),
        reasoning_effort=effort,
        search=True if tools.search else None,
        tools=tools.functions,
        tool_choice=tools.choice,
        response_format=_response_format(raw),
        affinity=affinity,
        extra={"parallel_tool_calls": False} if tools.one_at_a_time else NOTHING,
    )


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _response_format(raw: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema of the answer, in the form of a chat, which wants a name for it."""
    wanted = mapping(mapping(raw.get("output_config")).get("format")) or mapping(raw.get("output_format"))
    if wanted.get("type") != "json_schema" or not isinstance(schema := wanted.get("schema"), Mapping):
        return None
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _affinity(raw: Mapping[str, Any], head: RoutedHead) -> str | None:
    """The client's session: its header, else what it says of the user, which has the session in it."""
    return session_in(head) or text(mapping(raw.get("metadata")).get("user_id")) or None


def _chars(chat: ChatRequest) -> int:
    """About how long all is that a model is given."""
    calls = sum(len(call.arguments) for message in chat.messages for call in message.tool_calls)
    return sum(map(len, chat.words())) + calls + len(json_bytes(chat.tools))
