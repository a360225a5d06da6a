"""What the Messages API refuses of a request, in its words: fields, blocks, their order, tools, thinking. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from providers.sandbox.anthropic.blocks import Refused, check_blocks, extra
from providers.sandbox.anthropic.models import Model
from providers.sandbox.anthropic.reading import blocks_of
from providers.sandbox.anthropic.turns import check_turns

VERSIONS: Final = ("2023-06-01", "2026-10-21")
_FIELDS_TEXT: Final = (
    "model max_tokens messages system stream stop_sequences temperature top_p top_k tools tool_choice thinking "
    "output_config metadata cache_control service_tier speed container inference_geo diagnostics"
)
_FIELDS: Final = frozenset(_FIELDS_TEXT.split())
_BETA_FIELDS: Final = {
    "context_management": "context-management-",
    "output_format": "structured-outputs-",
    "mcp_servers": "mcp-client-",
    "fallbacks": "server-side-fallback-",
}
"""Fields that are known with a beta alone, and how its name begins."""
_BETA: Final = re.compile(r"[a-z0-9][a-z0-9-]*-(?:\d{4}-\d{2}-\d{2}|\d{8})")
_TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_TOOL_FIELDS_TEXT: Final = (
    "name description input_schema type strict cache_control defer_loading eager_input_streaming input_examples "
    "allowed_callers"
)
_TOOL_FIELDS: Final = frozenset(_TOOL_FIELDS_TEXT.split())
_DOCS: Final = "Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")


def check_head(version: str, betas: list[str]) -> None:
    """Raises Refused."""
    if not version:
        raise Refused("anthropic-version: header is required")
    if version not in VERSIONS:
        raise Refused(f'anthropic-version: "{version}" is not a valid version')
    if wrong := [beta for beta in betas if not _BETA.fullmatch(beta)]:
        raise Refused(
            f"Unexpected value(s) `{wrong[0]}` for the `anthropic-beta` header. Please consult our documentation at "
            "docs.claude.com or try again without the header."
        )


def check(body: Mapping[str, Any], model: Model, version: str, betas: list[str], *, counting: bool = False) -> None:
    """Raises Refused; `counting`: of a request for a count of tokens."""
    for name in body:
        beta = _BETA_FIELDS.get(name)
        if name not in _FIELDS and (beta is None or not any(value.startswith(beta) for value in betas)):
            raise extra(name)
    _check_messages(body)
    if not counting:
        _check_sizes(body, model)
    _check_sampling(body, model, version)
    _check_tools(body)
    _check_thinking(body, model)
    check_turns(body, model, "enabled" if (body.get("thinking") or {}).get("type") == "enabled" else "")


def _check_messages(body: Mapping[str, Any]) -> None:
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise Refused("messages: Field required" if messages is None else "messages: Input should be a valid list")
    if not messages:
        raise Refused("messages: at least one message is required")
    if body.get("system") != "":
        check_blocks(blocks_of(body.get("system")), "system")
    for at, message in enumerate(messages):
        if not isinstance(message, Mapping):
            raise Refused(f"messages.{at}: Input should be an object")
        for name in message.keys() - {"role", "content"}:
            raise extra(f"messages.{at}.{name}")
        if message.get("role") not in ("user", "assistant", "system"):
            raise Refused(f"messages.{at}.role: Input should be 'user', 'assistant' or 'system'")
        content = message.get("content")
        if not isinstance(content, str | list):
            raise Refused(f"messages.{at}.content: Field required")
        check_blocks(blocks_of(content), f"messages.{at}.content", str(message["role"]))
        if not content and not (message["role"] == "assistant" and at == len(messages) - 1):
            raise Refused(
                f"messages.{at}: all messages must have non-empty content except for the optional final assistant "
                "message"
            )


def _check_sizes(body: Mapping[str, Any], model: Model) -> None:
    most = body.get("max_tokens")
    if most is None:
        raise Refused("max_tokens: Field required")
    if not isinstance(most, int) or isinstance(most, bool):
        raise Refused("max_tokens: Input should be a valid integer")
    if most < 1:
        raise Refused("max_tokens: Input should be greater than or equal to 1")
    if most > model.max_tokens:
        raise Refused(
            f"max_tokens: {most} > {model.max_tokens}, which is the maximum allowed number of output tokens for "
            f"{body['model']}"
        )
    for at, stop in enumerate(body.get("stop_sequences") or ()):
        if not isinstance(stop, str) or not stop.strip():
            raise Refused(f"stop_sequences: each stop sequence must contain non-whitespace (stop_sequences.{at})")


def _check_sampling(body: Mapping[str, Any], model: Model, version: str) -> None:
    given = [name for name in ("temperature", "top_p", "top_k") if body.get(name) is not None]
    if given and version != VERSIONS[0]:
        raise extra(given[0])
    for name in ("temperature", "top_p"):
        value = body.get(name)
        if value is not None and (not isinstance(value, int | float) or not 0 <= value <= 1):
            raise Refused(f"{name}: range: 0..1")
    if model.adaptive and {"temperature", "top_p"} <= set(given):
        raise Refused("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    if (body.get("thinking") or {}).get("type") in ("enabled", "adaptive") and body.get("temperature") not in (None, 1):
        raise Refused(f"`temperature` may only be set to 1 when thinking is enabled. {_DOCS}")


def _check_tools(body: Mapping[str, Any]) -> None:
    names: set[str] = set()
    for at, tool in enumerate(body.get("tools") or ()):
        kind = tool.get("type") or "custom"
        where = f"tools.{at}.{kind}"
        if not _TOOL_NAME.fullmatch(str(tool.get("name") or "")) and kind != "mcp_toolset":
            missing = "name" not in tool
            raise Refused(
                f"{where}.name: "
                + ("Field required" if missing else f"String should match pattern '^{_TOOL_NAME.pattern}$'")
            )
        if kind == "custom":
            for name in tool.keys() - _TOOL_FIELDS:
                raise extra(f"{where}.{name}")
            schema = tool.get("input_schema")
            if not isinstance(schema, Mapping):
                raise Refused(f"{where}.input_schema: Field required")
            if schema.get("type") != "object":
                raise Refused(f"{where}.input_schema.type: Input should be 'object'")
        elif not re.search(r"_\d{8}$", kind) and kind != "mcp_toolset":
            raise Refused(f"tools.{at}: Input tag '{kind}' found using 'type' does not match any of the expected tags")
        if tool.get("name") in names:
            raise Refused("tools: Tool names must be unique.")
        names.add(str(tool.get("name")))
    _check_choice(body, names)


def _check_choice(body: Mapping[str, Any], names: set[str]) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not isinstance(choice, Mapping) or choice.get("type") not in ("auto", "any", "tool", "none"):
        raise Refused("tool_choice: Input tag found using 'type' does not match any of the expected tags")
    if choice["type"] != "none" and not names:
        raise Refused("tool_choice may only be specified while providing tools.")
    if choice["type"] == "tool" and choice.get("name") not in names:
        raise Refused(f"Tool '{choice.get('name')}' not found in provided tools")


def _check_thinking(body: Mapping[str, Any], model: Model) -> None:
    config = body.get("output_config") or {}
    for name in config.keys() - {"effort", "format", "task_budget"}:
        raise extra(f"output_config.{name}")
    if config.get("effort") is not None:
        if not model.adaptive:
            raise Refused("This model does not support the effort parameter.")
        if config["effort"] not in _EFFORTS:
            raise Refused("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type") if isinstance(thinking, Mapping) else None
    if kind not in ("enabled", "disabled", "adaptive", "between_tools"):
        raise Refused(
            "thinking: Input tag found using 'type' does not match any of the expected tags: 'adaptive', 'disabled', "
            "'enabled'"
        )
    if kind == "adaptive" and not model.adaptive:
        raise Refused("adaptive thinking is not supported on this model")
    if kind == "enabled":
        budget = thinking.get("budget_tokens")
        if budget is None:
            raise Refused("thinking.enabled.budget_tokens: Field required")
        if budget < 1024:
            raise Refused("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
        if budget >= body.get("max_tokens", budget + 1):
            raise Refused(
                "`max_tokens` must be greater than `thinking.budget_tokens`. "
                f"{_DOCS}#max-tokens-and-context-window-size"
            )
    if kind in ("enabled", "adaptive") and (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise Refused("Thinking may not be enabled when tool_choice forces tool use.")
