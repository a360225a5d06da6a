"""A chat completions request body to a ParsedRequest."""

from typing import Any

from addons.dialects.base import ParsedRequest
from addons.dialects.body import VALUES_LIMIT, Reading, all_at_once, read_object, validated
from addons.dialects.chat_schema import ChatBody, MessageBody, PartBody, ToolCallBody, check_entries
from providers.chat import ChatRequest, ImagePart, Message, OtherPart, Part, TextPart, ToolCall

_MODELLED = frozenset(
    {
        "model",
        "messages",
        "stream",
        "stream_options",
        "temperature",
        "top_p",
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "reasoning_effort",
        "tools",
        "tool_choice",
        "response_format",
        "n",
    }
)
"""Fields with a place of their own in ChatRequest (or that only shape the answer); all others travel in `extra`."""


def read_chat(body: bytes, most_values: int = VALUES_LIMIT) -> Reading[ParsedRequest]:
    """The request. Raises GatewayError (400) naming the field at fault."""
    raw = yield from read_object(body, most_values)
    check_entries(raw)
    yield
    form = validated(ChatBody, raw)
    yield
    return to_parsed(raw, form)


def parse_chat(body: bytes) -> ParsedRequest:
    """The request, read in one go. Raises GatewayError."""
    return all_at_once(read_chat(body))


def to_parsed(raw: dict[str, Any], form: ChatBody) -> ParsedRequest:
    extra = {name: value for name, value in raw.items() if name not in _MODELLED}
    if form.max_completion_tokens is not None:
        extra["max_completion_tokens"] = form.max_completion_tokens
    options = form.stream_options
    if options is not None and (rest := {k: v for k, v in raw["stream_options"].items() if k != "include_usage"}):
        extra["stream_options"] = rest
    chat = ChatRequest(
        model=form.model,
        messages=tuple(_message(m, r) for m, r in zip(form.messages, raw["messages"], strict=True)),
        stream=bool(form.stream),
        temperature=raw.get("temperature"),
        top_p=raw.get("top_p"),
        max_tokens=form.max_completion_tokens or form.max_tokens,
        stop=(form.stop,) if isinstance(form.stop, str) else tuple(form.stop or ()),
        reasoning_effort=form.reasoning_effort,
        search=True if form.web_search_options is not None else None,
        tools=tuple(raw.get("tools") or ()),
        tool_choice=form.tool_choice,
        response_format=form.response_format,
        n=form.n or 1,
        affinity=form.prompt_cache_key or form.user,
        extra=extra,
    )
    present = frozenset(name for name, value in raw.items() if value is not None)
    return ParsedRequest(chat, bool(options and options.include_usage), present)


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
    )


def _part(form: PartBody, raw: dict[str, Any]) -> Part:
    if form.type == "text":
        return TextPart(form.text or "", form.model_extra or {})
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
