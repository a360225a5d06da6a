"""Tools of a request to those of a chat, and the choice among them. Pure.

a client's own tool          its schema as it is given
a known tool that runs       the schema that goes with its type (bash_…, text_editor_…, memory_…, computer_…): a
at the client                model that is not Anthropic's does not know it
web_search_…                 the site's own search
another one of Anthropic's   left out: nobody else can run it
servers
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from providers.formats.jsontext import mapping, text

_SEARCH: Final = "web_search_"


def _object(required: Sequence[str], **properties: Any) -> Mapping[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _words(*values: str) -> Mapping[str, Any]:
    return {"type": "string", "enum": list(values)}


_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer"}
_PLACE: Final = {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2}
_EDITING: Final = {
    "path": _TEXT,
    "file_text": _TEXT,
    "old_str": _TEXT,
    "new_str": _TEXT,
    "insert_line": _NUMBER,
    "insert_text": _TEXT,
    "view_range": _PLACE,
}
_AT_CLIENT: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "bash_": (
        "Runs a command in a shell that stays open between calls; `restart` begins a new one.",
        _object((), command=_TEXT, restart={"type": "boolean"}),
    ),
    "text_editor_": (
        "Views, creates and edits text files. `view` shows a file or folder, `create` writes `file_text`, "
        "`str_replace` puts `new_str` in the place of `old_str`, which must stand there once, `insert` puts "
        "`insert_text` behind a line.",
        _object(
            ("command", "path"), command=_words("view", "create", "str_replace", "insert", "undo_edit"), **_EDITING
        ),
    ),
    "memory_": (
        "Keeps notes as files below /memories: `view`, `create`, `str_replace`, `insert`, `delete`, `rename`.",
        _object(
            ("command",),
            command=_words("view", "create", "str_replace", "insert", "delete", "rename"),
            **_EDITING,
            old_path=_TEXT,
            new_path=_TEXT,
        ),
    ),
    "computer_2": (
        "Uses the mouse and keyboard of a screen and takes screenshots of it.",
        _object(
            ("action",),
            action=_TEXT,
            coordinate=_PLACE,
            start_coordinate=_PLACE,
            text=_TEXT,
            duration=_NUMBER,
            scroll_amount=_NUMBER,
            scroll_direction=_words("up", "down", "left", "right"),
        ),
    ),
}
"""Beginning of a dated type → what a model is told of the tool, as Anthropic documents it."""
_NOTHING: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class Tools:
    """What a model is told of tools, in the form of a chat."""

    functions: tuple[Mapping[str, Any], ...] = ()
    choice: str | Mapping[str, Any] | None = None
    one_at_a_time: bool = False
    search: bool = False
    """A search of the web is asked for."""


def read_tools(raw: Mapping[str, Any]) -> Tools:
    """The tools of a request. What is not of the form says nothing."""
    given = raw.get("tools")
    tools = [mapping(tool) for tool in given] if isinstance(given, list) else []
    functions = tuple(told for tool in tools if (told := _function(tool)) is not None)
    search = any(text(tool.get("type")).startswith(_SEARCH) for tool in tools)
    choice = mapping(raw.get("tool_choice"))
    if not functions:
        return Tools(search=search)
    names = {tool["function"]["name"] for tool in functions}
    return Tools(functions, _choice(choice, names), choice.get("disable_parallel_tool_use") is True, search)


def _function(tool: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """A tool as a chat has it; None for one that nobody here can run."""
    kind, schema = text(tool.get("type")), tool.get("input_schema")
    if not (name := text(tool.get("name"))):
        return None
    told: dict[str, Any] = {"name": name}
    if description := text(tool.get("description")):
        told["description"] = description
    if isinstance(schema, Mapping) or kind in ("", "custom"):
        told["parameters"] = schema if isinstance(schema, Mapping) else _NOTHING
        if isinstance(tool.get("strict"), bool):
            told["strict"] = tool["strict"]
        return {"type": "function", "function": told}
    for beginning, (about, known) in _AT_CLIENT.items():
        if kind.startswith(beginning):
            return {"type": "function", "function": {"description": about, **told, "parameters": known}}
    return None


def _choice(choice: Mapping[str, Any], names: set[str]) -> str | Mapping[str, Any] | None:
    match choice.get("type"):
        case "auto":
            return "auto"
        case "any":
            return "required"
        case "none":
            return "none"
        case "tool" if (name := text(choice.get("name"))) in names:
            return {"type": "function", "function": {"name": name}}
    return None
