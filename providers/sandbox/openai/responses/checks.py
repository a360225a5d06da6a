"""What the Responses API refuses of a request's fields and tools, in its words. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from providers.sandbox.openai.responses.refused import Refused, missing, unknown, unsupported

_FIELDS_TEXT: Final = (
    "model input instructions stream store previous_response_id include tools tool_choice parallel_tool_calls "
    "max_output_tokens max_tool_calls temperature top_p top_logprobs text reasoning truncation metadata user "
    "safety_identifier prompt_cache_key prompt_cache_options prompt_cache_retention service_tier background "
    "context_management moderation stream_options client_metadata"
)
_FIELDS: Final = frozenset(_FIELDS_TEXT.split())
_MOVED: Final = {"messages": "input", "response_format": "text.format", "max_tokens": "max_output_tokens"}
_LEAST_TOKENS: Final = 16
_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh")
_HOSTED: Final = (
    "web_search", "web_search_preview", "file_search", "code_interpreter", "image_generation", "mcp", "local_shell",
    "shell", "apply_patch", "tool_search", "computer_use_preview",
)  # fmt: skip
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_FUNCTION_TEXT: Final = "type name description parameters strict defer_loading"
_FUNCTION: Final = frozenset(_FUNCTION_TEXT.split())
_CUSTOM_TEXT: Final = "type name description format defer_loading"
_CUSTOM: Final = frozenset(_CUSTOM_TEXT.split())


def check(body: Mapping[str, Any]) -> None:
    """Raises Refused."""
    for name in body:
        if name in _MOVED:
            raise Refused(
                f"Unsupported parameter: '{name}'. In the Responses API, this parameter has moved to '{_MOVED[name]}'. "
                "Try again with the new parameter. See the API documentation for more information: "
                "https://platform.openai.com/docs/api-reference/responses/create.",
                "unsupported_parameter",
                name,
            )
        if name not in _FIELDS:
            raise unknown(name)
    most = body.get("max_output_tokens")
    if most is not None and most < _LEAST_TOKENS:
        raise Refused(
            f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {_LEAST_TOKENS}, but got "
            f"{most} instead.",
            "integer_below_min_value",
            "max_output_tokens",
        )
    for at, tool in enumerate(body.get("tools") or ()):
        _check_tool(tool, f"tools[{at}]")
    _check_choice(body.get("tool_choice"))
    _check_text(body.get("text") or {})
    effort = (body.get("reasoning") or {}).get("effort")
    if effort is not None and effort not in _EFFORTS:
        raise unsupported(effort, _EFFORTS, "reasoning.effort")


def _check_tool(tool: Mapping[str, Any], where: str) -> None:
    kind = tool.get("type")
    if kind in ("function", "custom", "namespace"):
        if "name" not in tool:
            raise missing(f"{where}.name")
        if not _NAME.fullmatch(str(tool["name"])):
            raise Refused(
                f"Invalid '{where}.name': string does not match pattern. Expected a string that matches the pattern "
                "'^[a-zA-Z0-9_-]+$'.",
                "invalid_value",
                f"{where}.name",
            )
    match kind:
        case "function":
            for name in tool.keys() - _FUNCTION:
                raise unknown(f"{where}.{name}")
            _check_strict(tool)
        case "custom":
            for name in tool.keys() - _CUSTOM:
                raise unknown(f"{where}.{name}")
        case "namespace":
            for at, inner in enumerate(tool.get("tools") or ()):
                _check_tool(inner, f"{where}.tools[{at}]")
        case _:
            if re.sub(r"_\d{4}_\d{2}_\d{2}$", "", str(kind)) not in _HOSTED:
                raise unsupported(kind, ("function", "custom", "namespace", *_HOSTED), where)


def _check_strict(tool: Mapping[str, Any]) -> None:
    schema = tool.get("parameters")
    if tool.get("strict") is not True or not isinstance(schema, Mapping):
        return
    about = f"Invalid schema for function '{tool['name']}': In context=(), "
    if schema.get("additionalProperties") is not False:
        raise Refused(
            f"{about}'additionalProperties' is required to be supplied and to be false.", "invalid_function_parameters"
        )
    if set(schema.get("required") or ()) != set(schema.get("properties") or ()):
        raise Refused(
            f"{about}'required' is required to be supplied and to be an array including every key in properties.",
            "invalid_function_parameters",
        )


def _check_choice(choice: Any) -> None:
    if isinstance(choice, str) and choice not in ("none", "auto", "required"):
        raise unsupported(choice, ("none", "auto", "required"), "tool_choice")
    if isinstance(choice, Mapping) and choice.get("type") in ("function", "custom") and "name" not in choice:
        raise missing("tool_choice.name")


def _check_text(text: Mapping[str, Any]) -> None:
    form = text.get("format")
    if not isinstance(form, Mapping):
        return
    if form.get("type") not in ("text", "json_object", "json_schema"):
        raise unsupported(form.get("type"), ("json_object", "json_schema", "text"), "text.format.type")
    if form["type"] == "json_schema":
        for name in ("name", "schema"):
            if name not in form:
                raise missing(f"text.format.{name}")
        for name in form.keys() - {"type", "name", "schema", "strict", "description"}:
            raise unknown(f"text.format.{name}")
