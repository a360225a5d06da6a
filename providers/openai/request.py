"""The request body of an OpenAI-form API: what the client sent, but for the deviations of the API's form."""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import PydanticSerializationError, to_json

from providers.contract.chat import AttachedPart, ImagePart, Message, OtherPart, Part, TextPart, ToolCall
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest, CompletionRequest
from providers.openai.form import Form
from providers.openai.learnt import Learnt
from providers.openai.reasoning import reasoning_name, with_reasoning
from providers.openai.result_pictures import shown_behind
from providers.shared.suffixes import wants_search

_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_NO_CHOICES: Final = ("none", "auto")
NO_THINKING: Final = frozenset({"none", "minimal"})
_ZAI_SEARCH: Final[Mapping[str, Any]] = {
    "type": "web_search",
    "web_search": {"enable": "True", "search_engine": "search-prime", "search_result": "True"},
}


@dataclass(frozen=True, slots=True)
class WireRequest:
    """The body of a request. `stream`: whether it asks for a stream, which may differ from what the client wants."""

    body: bytes
    stream: bool


def wire_request(chat: ChatRequest, model: Model, form: Form, learnt: Learnt | None = None) -> WireRequest:
    """The body to send. Raises ProviderError(BAD_REQUEST) when the chat is no JSON."""
    learnt = learnt or Learnt()
    name = reasoning_name(chat.model, form, learnt)
    fields: dict[str, Any] = {
        "model": model.site_id,
        "messages": [with_reasoning(_message(message, form), name) for message in shown_behind(chat.messages)],
    }
    fields |= _modelled(chat)
    fields |= {name: value for name, value in chat.extra.items() if name not in ("model", "messages")}
    if fields.get("tool_choice") in _NO_CHOICES and not fields.get("tools"):
        del fields["tool_choice"]  # no choice among no tools: some APIs refuse to hear of it
    _name_max_tokens(fields, chat, form)
    _switch_thinking(fields, chat, model, form)
    _switch_search(fields, chat, model, form)
    stream = chat.stream or (form.thinking_streams_only and fields.get("enable_thinking") is True)
    _set_stream(fields, form, learnt.refused_by(chat.model), stream=stream)
    return WireRequest(encoded(fields), stream)


def completion_request(request: CompletionRequest, model: Model, form: Form, learnt: Learnt) -> WireRequest:
    """The body of a request to go on with a raw prompt: as the client sent it, under the API's model name."""
    fields = {"model": model.site_id, **request.extra}
    _set_stream(fields, form, learnt.refused_by(request.model), stream=request.stream)
    return WireRequest(encoded(fields), request.stream)


def tool_names(chat: ChatRequest) -> frozenset[str]:
    """The names of the tools that the request offers."""
    offered = [tool.get("function") for tool in chat.tools if isinstance(tool, Mapping)]
    functions = chat.extra.get("functions")
    offered += functions if isinstance(functions, list) else []
    return frozenset(f["name"] for f in offered if isinstance(f, Mapping) and isinstance(f.get("name"), str))


def _modelled(chat: ChatRequest) -> dict[str, Any]:
    """The fields with a place of their own, as far as the client set them."""
    fields = {
        "temperature": chat.temperature,
        "top_p": chat.top_p,
        "stop": list(chat.stop) or None,
        "reasoning_effort": chat.reasoning_effort,
        "tools": list(chat.tools) or None,
        "tool_choice": chat.tool_choice,
        "response_format": chat.response_format,
        "n": chat.n if chat.n != 1 else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _name_max_tokens(fields: dict[str, Any], chat: ChatRequest, form: Form) -> None:
    sent_as = "max_completion_tokens" if "max_completion_tokens" in chat.extra else "max_tokens"
    if chat.max_tokens is not None:
        fields.pop("max_completion_tokens", None)
        fields[sent_as if form.max_tokens_name == "as_sent" else form.max_tokens_name] = chat.max_tokens


def _set_stream(fields: dict[str, Any], form: Form, refused: Set[str], *, stream: bool) -> None:
    fields["stream"] = stream
    options = fields.get("stream_options")
    if options is not None and not isinstance(options, Mapping):
        return  # the API's to refuse
    options = dict(fields.pop("stream_options", None) or {})
    asked = options.pop("include_usage", None)
    if stream and form.stream_usage:
        asked = True  # for the gateway's own count too, whether the client asked or not
    if asked is not None and form.stream_usage is not False and "stream_options" not in refused:
        options["include_usage"] = asked
    if stream and options:
        fields["stream_options"] = options


# -- switches -------------------------------------------------------------------------------------------------------
def _switch_thinking(fields: dict[str, Any], chat: ChatRequest, model: Model, form: Form) -> None:
    """`reasoning_effort` and the model's thinking variant, in the API's own words. What the client said in those
    words itself stands."""
    effort = fields.pop("reasoning_effort", None)
    thinks = model.thinking
    if thinks is None and effort in _EFFORTS:  # `default`, `auto` and words of the API's own switch nothing
        thinks = effort not in NO_THINKING
    sent = nearest_effort(effort, form.efforts) if effort is not None else None
    match form.thinking:
        case "as_sent":
            if sent is not None:
                fields["reasoning_effort"] = sent
        case "type":
            if thinks is not None:
                fields.setdefault("thinking", {"type": "enabled" if thinks else "disabled"})
            if sent is not None and thinks and model.site_id.startswith(form.effort_models):
                fields["reasoning_effort"] = sent
        case "enable_thinking":
            if thinks is not None:
                fields.setdefault("enable_thinking", thinks)
        case "template":
            _switch_template(fields, thinks, sent)


def _switch_template(fields: dict[str, Any], thinks: bool | None, effort: str | None) -> None:
    """`chat_template_kwargs`, which the server hands to the model's chat template."""
    ours: dict[str, Any] = {} if thinks is None else {"enable_thinking": thinks}
    if effort is not None and thinks:
        ours["reasoning_effort"] = effort
    given = fields.get("chat_template_kwargs")
    if ours:
        fields["chat_template_kwargs"] = {**ours, **given} if isinstance(given, Mapping) else ours


def nearest_effort(effort: Any, known: tuple[str, ...]) -> Any:
    """The API's value next to `effort`; the stronger of two."""
    if not known or effort in known or effort not in _EFFORTS:
        return effort
    place = _EFFORTS.index(effort)
    ranked = [name for name in known if name in _EFFORTS]
    return min(ranked, key=lambda name: (abs(_EFFORTS.index(name) - place), -_EFFORTS.index(name)), default=effort)


def _switch_search(fields: dict[str, Any], chat: ChatRequest, model: Model, form: Form) -> None:
    if form.search == "as_sent":
        return
    fields.pop("web_search_options", None)
    if not wants_search(model, chat.search):
        return
    if form.search == "enable_search":
        fields.setdefault("enable_search", True)
        return
    tools = list(fields.get("tools", ()))
    if not any(isinstance(tool, Mapping) and tool.get("type") == "web_search" for tool in tools):
        fields["tools"] = [*tools, _ZAI_SEARCH]


# -- messages -------------------------------------------------------------------------------------------------------
def _message(message: Message, form: Form) -> dict[str, Any]:
    if message.raw is not None:
        raw = dict(message.raw)
        if raw.get("role") == "developer" and not form.developer_role:
            raw["role"] = "system"
        if form.plain_content and isinstance(message.content, tuple):
            raw["content"] = _content(message.content, form)
        return raw
    role = "system" if message.role == "developer" and not form.developer_role else message.role
    found: dict[str, Any] = {"role": role, "content": _content(message.content, form)}
    if message.name is not None:
        found["name"] = message.name
    if message.tool_calls:
        found["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        found["tool_call_id"] = message.tool_call_id
    return {**message.extra, **found}


def _content(content: str | tuple[Part, ...] | None, form: Form) -> Any:
    if content is None or isinstance(content, str):
        return content
    if form.plain_content and all(isinstance(part, TextPart) for part in content):
        return "\n".join(part.text for part in content if isinstance(part, TextPart))
    return [_part(part) for part in content]


def _part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart():
            return {**part.extra, "type": "text", "text": part.text}
        case ImagePart():
            rest = part.extra.get("image_url")
            image = {**(rest if isinstance(rest, Mapping) else {}), "url": part.url}
            if part.detail is not None:
                image["detail"] = part.detail
            return {**part.extra, "type": "image_url", "image_url": image}
        case OtherPart():
            return {**part.data, "type": part.kind}
        case AttachedPart():  # of a web session: nothing is uploaded for an API that gets messages as they come
            return {"type": "text", "text": f"({part.kind}: {part.name})"}


def _tool_call(call: ToolCall) -> dict[str, Any]:
    found: dict[str, Any] = {**call.extra, "id": call.id, "type": call.kind}
    if call.kind == "function" or call.name:
        rest = call.extra.get("function")
        named = {"name": call.name, "arguments": call.arguments}
        found["function"] = {**(rest if isinstance(rest, Mapping) else {}), **named}
    return found


def encoded(fields: dict[str, Any]) -> bytes:
    """Ten times as fast as json.dumps where there are many numbers: a client may send 200,000 of them.

    A number that JSON has no form for comes by no client format; it would become null. To look for one in the body
    takes longer than to write it.
    """
    try:
        return to_json(fields, inf_nan_mode="null", fallback=_plain)
    except PydanticSerializationError:  # half a surrogate pair: said as an escape
        return _escaped(fields)


def _escaped(fields: dict[str, Any]) -> bytes:
    try:
        return json.dumps(fields, allow_nan=False, separators=(",", ":"), default=_plain).encode()
    except (TypeError, ValueError, RecursionError) as e:
        raise _no_json() from e


def _no_json() -> ProviderError:
    return ProviderError(ErrorKind.BAD_REQUEST, "The request cannot be written as JSON.")


def _plain(value: Any) -> Any:
    """A read-only mapping as the dict it stands for. Raises TypeError for what is no mapping."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)
