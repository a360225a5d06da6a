"""The tools of a request as functions of a chat, and their calls in the client's own words again.

A function is one in both forms. A custom tool takes one text: it becomes a function with the one string `input`. A tool
in a namespace becomes `NAMESPACE__NAME`. What a model provider's server would run is nobody's here but the web search,
which is the site's own; the others are left out, since clients send such tools with every request.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from providers.formats.jsontext import mapping, text

INPUT: Final = "input"
"""The one argument of the function that stands for a custom tool."""
NAME_CHARS: Final = 64
"""Of a function's name, in a chat (OpenAI's limit, which others keep to)."""
_SEARCHES: Final = "web_search"
_DIGEST_CHARS: Final = 8
_WITHIN: Final = "__"


@dataclass(frozen=True, slots=True)
class OwnTool:
    """A tool as the client knows it."""

    name: str
    namespace: str = ""
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Tools:
    """What a request offers."""

    functions: tuple[Mapping[str, Any], ...] = ()
    """In the form of a chat."""
    search: bool | None = None
    """The server may search the web."""
    own: Mapping[str, OwnTool] = field(default_factory=dict)
    """By the names that the model is told."""
    told: Mapping[OwnTool, str] = field(default_factory=dict)
    """The names that the model is told."""

    def of(self, name: str) -> OwnTool:
        """The client's tool of a name that the model says; one that nobody offered is a function."""
        return self.own.get(name) or OwnTool(name)

    def name(self, tool: OwnTool) -> str:
        """The name that the model is told of a tool, also of one that is offered no more."""
        return self.told.get(tool) or _told_name(tool)


def read_tools(tools: Iterable[tuple[str, Any]]) -> Tools:
    """The tools of a list, each with its namespace or nothing; what is no tool is left out."""
    functions: list[Mapping[str, Any]] = []
    own: dict[str, OwnTool] = {}
    told: dict[OwnTool, str] = {}
    numbers: dict[str, int] = {}
    search = None
    for namespace, raw in tools:
        tool = mapping(raw)
        kind = text(tool.get("type"))
        if kind.startswith(_SEARCHES) and tool.get("external_web_access") is not False:
            search = True
        found = _function(kind, tool)
        if found is None:
            continue
        known = OwnTool(found["name"], namespace, kind == "custom")
        if known in told:
            continue
        name = _free(_told_name(known), own, numbers)
        own[name], told[known] = known, name
        functions.append({"type": "function", "function": {**found, "name": name}})
    return Tools(tuple(functions), search, own, told)


def _function(kind: str, tool: Mapping[str, Any]) -> dict[str, Any] | None:
    """A function or custom tool as the function of a chat; None for any other, and for one without a name."""
    if kind not in ("function", "custom"):
        return None
    given = mapping(tool.get(kind)) or tool  # some clients nest it, as a chat does
    if not (name := text(given.get("name"))):
        return None
    found: dict[str, Any] = {"name": name}
    if description := text(given.get("description")):
        found["description"] = description
    if kind == "custom":
        return _of_text(found, mapping(given.get("format")))
    if isinstance(parameters := given.get("parameters"), dict):
        found["parameters"] = parameters
    if isinstance(strict := given.get("strict"), bool):
        found["strict"] = strict
    return found


def _of_text(function: dict[str, Any], form: Mapping[str, Any]) -> dict[str, Any]:
    """The function that stands for a custom tool; a grammar is told in words, since no chat enforces one."""
    words = [text(function.get("description"))]
    if definition := text(form.get("definition")) or text(mapping(form.get("grammar")).get("definition")):
        syntax = text(form.get("syntax")) or text(mapping(form.get("grammar")).get("syntax")) or "given"
        words.append(f"`{INPUT}` must fit this grammar ({syntax}):\n{definition}")
    argument = {"type": "string", "description": "The whole input of the tool, as it is."}
    parameters = {
        "type": "object",
        "properties": {INPUT: argument},
        "required": [INPUT],
        "additionalProperties": False,
    }
    return {**function, "description": "\n\n".join(filter(None, words)), "parameters": parameters}


def _told_name(tool: OwnTool) -> str:
    """A function's own name; one within a namespace has both, cut where they are too long together."""
    if not tool.namespace:
        return tool.name
    whole = f"{tool.namespace}{_WITHIN}{tool.name}"
    if len(whole) <= NAME_CHARS:
        return whole
    digest = hashlib.blake2b(whole.encode("utf-8", "replace")).hexdigest()[:_DIGEST_CHARS]
    return f"{whole[: NAME_CHARS - _DIGEST_CHARS - 1]}_{digest}"


def _free(name: str, taken: Mapping[str, OwnTool], numbers: dict[str, int]) -> str:
    """The name, with a number behind it where another tool has it. `numbers`: the next one by how a name begins, so
    that no number is tried again."""
    found, start = name, name[: NAME_CHARS - 6]
    while found in taken:
        number = numbers.get(start, 2)
        found, numbers[start] = f"{start}_{number}", number + 1
    return found


# -- which of them -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Choice:
    """Which tools a model may call, and whether it must."""

    functions: tuple[Mapping[str, Any], ...]
    choice: str | Mapping[str, Any] | None


def chosen(tools: Tools, given: Any) -> Choice:
    """A request's `tool_choice` in a chat's form; `allowed_tools` leaves those alone.

    A choice of what the server runs, or of a form that is not known, leaves the choice to the model.
    """
    functions = tools.functions
    if isinstance(given, str):
        return Choice(functions, given)
    match mapping(given).get("type"):
        case "function" | "custom" as kind:
            return Choice(functions, {"type": "function", "function": {"name": _named(tools, mapping(given), kind)}})
        case "allowed_tools":
            allowed = mapping(given.get("allowed_tools")) or given  # a chat nests it
            listed = allowed.get("tools")
            named = {
                _named(tools, one, text(one.get("type")))
                for one in map(mapping, listed if isinstance(listed, list) else ())
            }
            left = tuple(one for one in functions if one["function"]["name"] in named)
            return Choice(left, "required" if allowed.get("mode") == "required" and left else "auto")
    return Choice(functions, None if given is None else "auto")


def _named(tools: Tools, given: Mapping[str, Any], kind: str) -> str:
    name = text(given.get("name")) or text(mapping(given.get(kind)).get("name"))
    return tools.name(OwnTool(name, text(given.get("namespace")), kind == "custom"))
