"""A chat completions request body to a ParsedRequest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast, get_args

from pydantic import ValidationError

from addons.dialects.base import ParsedRequest
from addons.dialects.body import VALUES_LIMIT, Reading, all_at_once, model_noted, read_object, validated
from addons.dialects.chat_completions.schema import (
    EFFORTS,
    ChatBody,
    MessageBody,
    OpenBody,
    PartBody,
    ToolCallBody,
    check_entries,
)
from addons.dialects.openai.named_files import named_files
from addons.errors import GatewayError
from providers.contract.chat import ImagePart, Message, OtherPart, Part, Role, TextPart, ToolCall
from providers.contract.requests import ChatRequest, ModelRequest

_CANDIDATES_LIMIT: Final = 1024
_STEP: Final = 1000
"""Messages of any form that are read at once: some 20 ms."""
_ROLES: Final = frozenset(get_args(Role.__value__))
_NO_EXTRAS: Final = frozenset({"model", "messages", "stream"})


OF_THE_FORM: Final = frozenset({"stream", "stream_options"})
"""Fields that the dialect itself sees to: the answer has the form the client wants."""


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """What is asked of the form of the answer."""

    include_usage: bool = False


def wants_usage(parsed: ParsedRequest) -> bool:
    """Whether a stream is to end with the counts of tokens, of a request that this module has read."""
    return isinstance(parsed.options, AnswerOptions) and parsed.options.include_usage


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and int(value) == value


_FITTING: Final[Mapping[str, Callable[[Any], bool]]] = {
    "temperature": _is_number,
    "top_p": _is_number,
    "max_tokens": _is_whole,
    "stop": lambda value: isinstance(value, list) and all(isinstance(entry, str) for entry in value),
    "reasoning_effort": lambda value: value in EFFORTS,
    "tools": lambda value: isinstance(value, list) and all(isinstance(entry, dict) for entry in value),
    "tool_choice": lambda value: isinstance(value, str | dict),
    "response_format": lambda value: isinstance(value, dict),
    "n": lambda value: _is_whole(value) and 1 <= value <= _CANDIDATES_LIMIT,
}
"""Fields with a place of their own in ChatRequest, for values of this form. All others travel in `extra`."""

_UNSET_BY_NULL: Final = frozenset({*_FITTING, "max_completion_tokens", "stream_options"})
"""A null is as if these were left out; other fields are passed on with it."""


def read_chat(body: bytes, most_values: int = VALUES_LIMIT) -> Reading[ParsedRequest]:
    """The request. Raises GatewayError (400) naming the field at fault."""
    raw = yield from read_object(body, most_values)
    with model_noted(raw):
        return (yield from to_parsed(raw))


def parse_chat(body: bytes) -> ParsedRequest:
    """The request, read in one go. Raises GatewayError."""
    return all_at_once(read_chat(body))


def to_parsed(
    raw: dict[str, Any], meant: Callable[[ChatRequest], ModelRequest] = lambda chat: chat
) -> Reading[ParsedRequest]:
    """The request that a JSON object makes, or what is `meant` by that chat. What only a web session cannot do without
    is left to its `refusal`.

    Raises GatewayError (400) where the gateway itself cannot make sense of it, or where it would cost too much.
    """
    check_entries(raw)
    yield
    refusal = None
    try:
        form = validated(ChatBody, raw)
        yield
        messages = tuple(_message(m, r) for m, r in zip(form.messages, raw["messages"], strict=True))
    except GatewayError as error:
        refusal = error
        validated(OpenBody, raw)
        yield
        messages = yield from _any_messages(raw["messages"])
    options = raw.get("stream_options")
    usage = isinstance(options, dict) and options.get("include_usage") is True
    asked = meant(_chat(raw, messages))
    return ParsedRequest(asked, AnswerOptions(include_usage=usage), refusal, names=named_files(messages), said=raw)


def _any_messages(raw: list[dict[str, Any]]) -> Reading[tuple[Message, ...]]:
    found: list[Message] = []
    for at in range(0, len(raw), _STEP):
        found += map(_any_message, raw[at : at + _STEP])
        yield
    return tuple(found)


def _chat(raw: Mapping[str, Any], messages: tuple[Message, ...]) -> ChatRequest:
    said = {name: value for name, value in raw.items() if value is not None or name not in _UNSET_BY_NULL}
    held = {name: value for name, value in said.items() if (fits := _FITTING.get(name)) is not None and fits(value)}
    limit = raw.get("max_completion_tokens")
    most = limit if limit is not None and _is_whole(limit) else held.get("max_tokens")
    stop = raw.get("stop")
    affinity = raw.get("prompt_cache_key") or raw.get("user")
    return ChatRequest(
        model=raw["model"],
        messages=messages,
        stream=bool(raw.get("stream")),
        temperature=held.get("temperature"),
        top_p=held.get("top_p"),
        max_tokens=None if most is None else int(most),
        stop=(stop,) if isinstance(stop, str) else tuple(held.get("stop", ())),
        reasoning_effort=held.get("reasoning_effort"),
        search=True if raw.get("web_search_options") is not None else None,
        tools=tuple(held.get("tools", ())),
        tool_choice=held.get("tool_choice"),
        response_format=held.get("response_format"),
        n=int(held.get("n", 1)),
        affinity=affinity if isinstance(affinity, str) else None,
        extra={name: value for name, value in said.items() if name not in held and name not in _NO_EXTRAS},
    )


def _message(form: MessageBody, raw: dict[str, Any]) -> Message:
    content: str | tuple[Part, ...] | None
    if isinstance(form.content, list):
        content = tuple(_part(part, item) for part, item in zip(form.content, raw["content"], strict=True))
    else:
        content = form.content
    return Message(
        role=form.role,
        content=content,
        name=form.name,
        tool_calls=tuple(_tool_call(call) for call in form.tool_calls or ()),
        tool_call_id=form.tool_call_id,
        extra=form.model_extra or {},
        raw=raw,
    )


def _any_message(raw: dict[str, Any]) -> Message:
    """A message of any form. One that is not ours is kept as it came."""
    try:
        return _message(MessageBody.model_validate(raw), raw)
    except ValidationError:
        role, content = raw.get("role"), raw.get("content")
        known = cast(Role, role) if isinstance(role, str) and role in _ROLES else "user"
        return Message(known, content if isinstance(content, str) else None, raw=raw)


def _part(form: PartBody, raw: dict[str, Any]) -> Part:
    if form.type == "text":
        return TextPart(form.text or "", form.model_extra or {})
    if form.type == "refusal" and isinstance(said := raw.get("refusal"), str):
        return TextPart(said)  # of an earlier answer; an API of this form gets it as it came
    if form.type == "image_url":
        image = form.image_url if isinstance(form.image_url, dict) else {"url": form.image_url}
        rest = {name: value for name, value in image.items() if name not in ("url", "detail")}
        extra = dict(form.model_extra or {})
        if rest:
            extra["image_url"] = rest
        return ImagePart(str(image["url"]), image.get("detail"), extra)
    return OtherPart(form.type, raw)


def _tool_call(form: ToolCallBody) -> ToolCall:
    if form.function is None:
        return ToolCall(form.id, "", "", form.type, form.model_extra or {})
    extra = dict(form.model_extra or {})
    if form.function.model_extra:
        extra["function"] = form.function.model_extra
    return ToolCall(form.id, form.function.name, form.function.arguments, form.type, extra)
