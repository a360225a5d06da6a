"""The body that asks for a response: the client's own, or one made of a chat."""

from collections.abc import Mapping
from typing import Any, Final

from providers.contract.native import ResponsesRequest
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest
from providers.formats.jsontext import mapping, text
from providers.openai.form import Form
from providers.openai.learnt import Learnt
from providers.openai.request import NO_THINKING, WireRequest, encoded, nearest_effort
from providers.openai.responses.items import items_of
from providers.openai.responses.tools import flat_choice, flat_tool
from providers.shared.model_field import with_model
from providers.shared.suffixes import wants_search

CARRIED: Final = frozenset(
    {
        "files",
        "images",
        "max_completion_tokens",
        "max_tokens",
        "metadata",
        "parallel_tool_calls",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "service_tier",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    }
)
"""Names of a chat's fields that a response is asked with. What is not among them (`stop`, `n` …) the gateway does, or
refuses by name."""
SUMMARY: Final = "reasoning.summary"
"""What is asked for besides the client's own wishes, and not every account may have."""
_AS_THEY_ARE: Final = (
    "metadata", "parallel_tool_calls", "prompt_cache_key", "prompt_cache_retention", "safety_identifier",
    "service_tier", "user",
)  # fmt: skip
_LEAST_TOKENS: Final = 16
"""OpenAI refuses a smaller max_output_tokens; clients that only try a key ask for one token."""
_REFUSAL_BYTES: Final = 64 * 1024


def passed_request(request: ResponsesRequest, model: Model) -> WireRequest:
    """The client's own body, under the API's name of the model."""
    return WireRequest(with_model(request.body, request.fields, model.site_id), request.stream)


def chat_request(chat: ChatRequest, model: Model, form: Form, learnt: Learnt) -> WireRequest:
    """A body that asks the same as the chat. Raises ProviderError(BAD_REQUEST)."""
    fields: dict[str, Any] = {
        "model": model.site_id,
        "input": items_of(chat.messages, developer_role=form.developer_role),
        "store": False,
        "stream": chat.stream,
    }
    fields |= {name: chat.extra[name] for name in _AS_THEY_ARE if chat.extra.get(name) is not None}
    for name, value in (("temperature", chat.temperature), ("top_p", chat.top_p)):
        if value is not None:
            fields[name] = value
    if chat.max_tokens is not None:
        fields["max_output_tokens"] = max(chat.max_tokens, _LEAST_TOKENS)
    _set_tools(fields, chat, model)
    _set_text(fields, chat)
    _set_reasoning(fields, chat, model, form, learnt)
    return WireRequest(encoded(fields), chat.stream)


def _set_tools(fields: dict[str, Any], chat: ChatRequest, model: Model) -> None:
    tools = [flat_tool(tool) for tool in chat.tools]
    if wants_search(model, chat.search) and not any(str(tool.get("type")).startswith("web_search") for tool in tools):
        tools.append({"type": "web_search", **_search_options(mapping(chat.extra.get("web_search_options")))})
    if not tools:
        fields.pop("parallel_tool_calls", None)
        return
    fields["tools"] = tools
    if chat.tool_choice is not None:
        fields["tool_choice"] = flat_choice(chat.tool_choice)


def _search_options(told: Mapping[str, Any]) -> dict[str, Any]:
    found = {"search_context_size": told["search_context_size"]} if told.get("search_context_size") else {}
    if place := mapping(mapping(told.get("user_location")).get("approximate")):
        found["user_location"] = {"type": "approximate", **place}
    return found


def _set_text(fields: dict[str, Any], chat: ChatRequest) -> None:
    told: dict[str, Any] = {}
    form = chat.response_format or {}
    if form.get("type") == "json_schema":
        told["format"] = {**mapping(form.get("json_schema")), "type": "json_schema"}
    elif form.get("type", "text") != "text":
        told["format"] = {"type": form["type"]}
    if verbosity := text(chat.extra.get("verbosity")):
        told["verbosity"] = verbosity
    if told:
        fields["text"] = told


def _set_reasoning(fields: dict[str, Any], chat: ChatRequest, model: Model, form: Form, learnt: Learnt) -> None:
    """How much is to be thought, and that it be told in short. Models that do not think refuse to hear of it, so it is
    said only where thinking is asked for."""
    effort = chat.reasoning_effort or ("medium" if model.thinking else None)
    if effort is None:
        return
    told: dict[str, Any] = {"effort": nearest_effort(effort, form.efforts)}
    if effort not in NO_THINKING and SUMMARY not in learnt.refused_by(chat.model):
        told["summary"] = "auto"
    fields["reasoning"] = told


def refused_of_ours(body: bytes) -> frozenset[str]:
    """SUMMARY, where the words of a refusal are about it."""
    return frozenset({SUMMARY}) if SUMMARY.encode() in body[:_REFUSAL_BYTES] else frozenset()
