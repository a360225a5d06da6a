"""The tools that a client gives and what it asks of their use, read and bounded. Pure.

Everything is refused by the name of its field where it cannot be told to a model, as an API would refuse it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from addons.errors import GatewayError
from addons.features.json_schemas import BadSchema, JsonSchema
from addons.features.tools.toolbox import BadToolbox, Tool, Toolbox
from providers.contract.requests import ChatRequest
from providers.formats.jsontext import dumps, loads, mapping

TOOLS_LIMIT: Final = 128
"""As many as OpenAI takes."""
TOOLS_BYTES: Final = 512 * 1024
"""Of all tools; coding agents give 10 to 60 KB."""
_VALUES: Final = TOOLS_BYTES
_KEPT: Final = 16
"""Sets of tools that are kept ready: agents send the same with each request."""
_NAME: Final = re.compile(r"[^\s\x00-\x1f\x7f<>\"'`{}]{1,128}")
_NOTHING: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}
INPUT: Final = "input"
"""The one argument of a custom tool, which is a text."""
_CUSTOM: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {INPUT: {"type": "string"}},
    "required": [INPUT],
    "additionalProperties": False,
}


class _Tools(NamedTuple):
    """The tools of a list, and the names of those among them that are custom tools."""

    tools: tuple[Tool, ...]
    customs: frozenset[str]


@dataclass(frozen=True, slots=True)
class GivenTools:
    """What a request says of tools."""

    toolbox: Toolbox | None
    """None where nothing may be called."""
    legacy: bool
    """They were given as `functions`: a call is to be answered as `function_call`."""
    customs: frozenset[str] = frozenset()
    """Names of custom tools: a call has one text, which has a form of its own."""


def given_tools(chat: ChatRequest, aliases_of: Callable[[Sequence[str]], Sequence[str]] | None) -> GivenTools:
    """The tools of a request. Raises GatewayError (400), the field at fault named.

    `aliases_of` gives the names under which the model is told of them, where these are others.
    """
    legacy = not chat.tools and bool(chat.extra.get("functions"))
    entries, field, choice_field = (
        (_listed(chat.extra["functions"]), "functions", "function_call")
        if legacy
        else (chat.tools, "tools", "tool_choice")
    )
    wanted = chat.extra.get("function_call") if legacy else chat.tool_choice
    if len(entries) > TOOLS_LIMIT:
        raise _refused(f"{field} has {len(entries)} entries; a web session takes {TOOLS_LIMIT}", field)
    if len(text := dumps(list(entries))) > TOOLS_BYTES:
        raise _refused(f"{field} is larger than {TOOLS_BYTES // 1024} KB, the most a web session takes", field)
    tools, customs = _tools(text, field, aliases_of)
    kind, names = _choice(wanted, choice_field)
    for name in names or ():
        if all(tool.name != name for tool in tools):
            where = f"{choice_field} names {name[:64]!r}, which is not among {field}"
            raise _refused(where, choice_field)
    if kind == "none" or not tools:
        if kind not in ("none", "auto"):
            raise _refused(f"{choice_field} asks for a call, but there are no {field}", choice_field)
        return GivenTools(None, legacy)
    if names is not None and kind in ("auto", "required"):  # allowed_tools
        tools = tuple(tool for tool in tools if tool.name in names)
    parallel = not legacy and chat.extra.get("parallel_tool_calls") is not False
    try:
        return GivenTools(Toolbox(tools, kind, parallel), legacy, customs)
    except BadToolbox as error:
        raise _refused(f"{field}: {error}", field) from None


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _refused(message: str, param: str, code: str = "invalid_tools") -> GatewayError:
    return GatewayError(400, f"{message}.", param=param, code=code)


# -- tools -------------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=_KEPT)
def _tools(text: bytes, field: str, aliases_of: Callable[[Sequence[str]], Sequence[str]] | None) -> _Tools:
    """The tools of a list in JSON. Raises GatewayError (400)."""
    found: dict[str, Mapping[str, Any]] = {}
    customs: set[str] = set()
    for index, entry in enumerate(_listed(loads(text, _VALUES))):
        function, place = _function(entry, f"{field}[{index}]")
        name = function.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _refused(f"{place}.name must be 1 to 128 characters without blanks and quotes", f"{place}.name")
        if name in found:
            raise _refused(f"{place}.name: another tool is called {name[:64]!r} too", f"{place}.name")
        found[name] = _checked(function, place)
        if place.endswith(".custom"):
            customs.add(name)
    names = list(found)
    aliases: Sequence[str | None] = [None] * len(names) if aliases_of is None else aliases_of(names)
    tools = tuple(_tool(name, alias, found[name]) for name, alias in zip(names, aliases, strict=True))
    return _Tools(tools, frozenset(customs))


def _function(entry: object, place: str) -> tuple[Mapping[str, Any], str]:
    """The function that an entry describes, and where it stands."""
    tool = mapping(entry)
    if place.startswith("functions"):
        return tool, place
    kind = tool.get("type")
    if kind == "custom":
        return _custom(mapping(tool.get("custom")), f"{place}.custom"), f"{place}.custom"
    if kind != "function":
        told = f"{place}.type {str(kind)[:40]!r} is not supported for web sessions: give functions or custom tools"
        raise _refused(told, f"{place}.type", "unsupported_parameter")
    return mapping(tool.get("function")), f"{place}.function"


def _custom(custom: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """A custom tool as a function of one text. Raises GatewayError (400) for one whose text has a grammar."""
    if mapping(custom.get("format")).get("type", "text") != "text":
        told = f"{place}.format: no web session can keep a model to a grammar; describe the form in words"
        raise _refused(told, f"{place}.format", "unsupported_parameter")
    return {**custom, "parameters": _CUSTOM}


def _checked(function: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    """A function whose parameters are a schema. Raises GatewayError (400)."""
    description, parameters = function.get("description"), function.get("parameters")
    if description is not None and not isinstance(description, str):
        raise _refused(f"{place}.description must be text", f"{place}.description")
    if parameters is None:
        return {**function, "parameters": _NOTHING}
    if not isinstance(parameters, dict):
        raise _refused(f"{place}.parameters must be a JSON schema, an object", f"{place}.parameters")
    try:
        JsonSchema(parameters)
    except BadSchema as error:
        raise _refused(f"{place}.parameters {error}", f"{place}.parameters") from None
    return function


def _tool(name: str, alias: str | None, function: Mapping[str, Any]) -> Tool:
    description, strict = function.get("description") or "", function.get("strict") is True
    return Tool(name, alias, description, function["parameters"], strict)


# -- the choice --------------------------------------------------------------------------------------------------------
def _choice(wanted: object, field: str) -> tuple[str, frozenset[str] | None]:
    """`auto`, `none`, `required` or the name of the one tool, and the names that are spoken of (None: all)."""
    if not wanted:
        return "auto", None
    if isinstance(wanted, str):
        kind = "required" if wanted == "any" else wanted
        if kind not in ("auto", "none", "required"):
            raise _refused(f"{field} must be none, auto, required, or an object that names a tool", field)
        return kind, None
    form = mapping(wanted)
    if form.get("type") in ("auto", "none", "required"):
        return str(form["type"]), None
    if form.get("type") == "allowed_tools":
        allowed = mapping(form.get("allowed_tools"))
        names = frozenset(_named(entry, field) for entry in _listed(allowed.get("tools")))
        mode = allowed.get("mode", "auto")
        if mode not in ("auto", "required") or not names:
            raise _refused(f"{field}.allowed_tools needs a mode, auto or required, and tools", field)
        return str(mode), names
    name = _named(form, field)
    return name, frozenset((name,))


def _named(form: object, field: str) -> str:
    """The name in `{"type": "function", "function": {"name"}}`, the same of `custom`, or in the older `{"name"}`."""
    entry = mapping(form)
    inner = mapping(entry.get("custom")) if entry.get("type") == "custom" else mapping(entry.get("function"))
    name = inner.get("name", entry.get("name"))
    if not isinstance(name, str) or not name:
        raise _refused(f"{field} must name a tool: {{'type': 'function', 'function': {{'name': …}}}}", field)
    return name
