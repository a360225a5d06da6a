"""The object `response`: what every event about the whole answer carries, and a whole answer is. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from addons.dialects.base import AnswerMeta, ParsedRequest
from addons.dialects.responses.request import AnswerOptions
from addons.dialects.text import json_bytes
from providers.contract.events import FinishReason, Usage
from providers.contract.native import ResponsesRequest
from providers.formats.jsontext import mapping, text

ECHO_BYTES: Final = 256 * 1024
"""Of a request's own values that every such object repeats; larger instructions, tools and metadata are left out."""
_NONE: Final[Mapping[str, Any]] = {"instructions": None, "tools": [], "metadata": {}, "text": {}, "tool_choice": "auto"}
_PLAIN_TEXT: Final[Mapping[str, Any]] = {"format": {"type": "text"}}
_REASONS: Final[Mapping[FinishReason, str]] = {"length": "max_output_tokens", "content_filter": "content_filter"}


def cut_reason(reason: FinishReason) -> str:
    """Why an answer that ended so is incomplete; nothing where it is complete."""
    return _REASONS.get(reason, "")


class ResponseDocument:
    """Writes the object of one answer at each of its stages; what the request says stands in all of them."""

    def __init__(self, meta: AnswerMeta, parsed: ParsedRequest) -> None:
        request, options = parsed.request, parsed.options
        fields = request.fields if isinstance(request, ResponsesRequest) else {}
        previous = options.previous if isinstance(options, AnswerOptions) else None
        told = {
            "id": meta.id,
            "object": "response",
            "created_at": meta.created,
            "model": meta.model,
            "previous_response_id": previous,
        }
        echo = json_bytes(echoed(fields, keeps=parsed.keeps))
        if len(echo) > ECHO_BYTES:
            echo = json_bytes(echoed({**fields, **_NONE}, keeps=parsed.keeps))
        self._begin = json_bytes(told)[:-1] + b"," + echo[1:-1]

    def written(
        self,
        status: str,
        output: bytes = b"[]",
        usage: bytes = b"null",
        *,
        cut: str = "",
        error: Mapping[str, str] | None = None,
    ) -> bytes:
        """The object. `cut`: why it is incomplete."""
        details = json_bytes({"reason": cut} if cut else None)
        return b'%b,"status":"%b","error":%b,"incomplete_details":%b,"output":%b,"usage":%b}' % (
            self._begin,
            status.encode(),
            json_bytes(error),
            details,
            output,
            usage,
        )


def echoed(fields: Mapping[str, Any], *, keeps: bool) -> dict[str, Any]:
    """A request's own values as an answer repeats them, with OpenAI's defaults for those it does not have."""
    reasoning, form = mapping(fields.get("reasoning")), mapping(fields.get("text"))
    choice, tools, metadata = fields.get("tool_choice"), fields.get("tools"), fields.get("metadata")
    parallel = fields.get("parallel_tool_calls")
    return {
        "instructions": _text(fields, "instructions"),
        "max_output_tokens": _number(fields, "max_output_tokens"),
        "max_tool_calls": _number(fields, "max_tool_calls"),
        "parallel_tool_calls": parallel if isinstance(parallel, bool) else True,
        "reasoning": {"effort": _text(reasoning, "effort"), "summary": _text(reasoning, "summary")},
        "store": keeps,
        "background": False,
        "temperature": _number(fields, "temperature", 1.0),
        "top_p": _number(fields, "top_p", 1.0),
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "top_logprobs": 0,
        "text": {**form, "format": _format(mapping(form.get("format")))},
        "tool_choice": choice if isinstance(choice, str | dict) and choice else "auto",
        "tools": [_tool(tool) for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else [],
        "truncation": "disabled",
        "service_tier": "default",
        "metadata": metadata if isinstance(metadata, dict) else {},
        "user": _text(fields, "user"),
        "safety_identifier": _text(fields, "safety_identifier"),
        "prompt_cache_key": _text(fields, "prompt_cache_key"),
        "completed_at": None,
    }


def _format(form: Mapping[str, Any]) -> Mapping[str, Any]:
    if form.get("type") == "json_schema":
        return {"description": None, "strict": False, **form}
    return form if text(form.get("type")) else _PLAIN_TEXT["format"]


def _tool(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """A function with all that the SDKs want of one."""
    if tool.get("type") == "function":
        return {"description": None, "parameters": None, "strict": None, **tool}
    return tool


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    return text(fields.get(name)) or None


def _number(fields: Mapping[str, Any], name: str, default: float | None = None) -> Any:
    value = fields.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default


def usage_json(usage: Usage | None) -> bytes:
    """The usage object: the details are always there, and the prompt includes what was cached."""
    usage = usage or Usage(0, 0, 0)
    raw = mapping(mapping(usage.raw).get("prompt_tokens_details"))
    written = raw.get("cache_write_tokens")
    return json_bytes(
        {
            "input_tokens": usage.prompt_tokens,
            "input_tokens_details": {
                "cached_tokens": usage.cached_tokens or 0,
                "cache_write_tokens": written if isinstance(written, int) else 0,
            },
            "output_tokens": usage.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
            "total_tokens": usage.total_tokens,
        }
    )
