"""The tools of a chat, and its choice among them, in the flat form of Responses."""

from collections.abc import Mapping
from typing import Any, Final

from providers.formats.jsontext import mapping

_NO_PARAMETERS: Final[Mapping[str, Any]] = {"type": "object", "properties": {}}


def flat_tool(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """`{"type": "function", "function": {"name": …}}` as `{"type": "function", "name": …}`; tools of other kinds as
    they are.

    Responses take `strict` for set where it is not said, chats for not set.
    """
    match tool.get("type"):
        case "function":
            inner = mapping(tool.get("function"))
            return {"strict": False, "parameters": _NO_PARAMETERS, **_told(inner), "type": "function"}
        case "custom":
            inner = mapping(tool.get("custom"))
            grammar = mapping(mapping(inner.get("format")).get("grammar"))
            found = {**_told(inner), "type": "custom"}
            return {**found, "format": {"type": "grammar", **grammar}} if grammar else found
        case _:
            return tool


def flat_choice(choice: str | Mapping[str, Any] | None) -> Any:
    """The choice of a tool, without the object around its name."""
    if not isinstance(choice, Mapping):
        return choice
    kind = choice.get("type")
    if kind == "allowed_tools":
        allowed = mapping(choice.get("allowed_tools"))
        tools = allowed.get("tools")
        named = [_named(mapping(tool)) for tool in tools] if isinstance(tools, list) else []
        return {"type": "allowed_tools", "mode": allowed.get("mode", "auto"), "tools": named}
    return _named(choice)


def _named(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    kind = choice.get("type")
    inner = mapping(choice.get(kind)) if isinstance(kind, str) else {}
    return {"type": kind, "name": inner["name"]} if "name" in inner else choice


def _told(inner: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say something: `strict: null` says nothing."""
    return {name: value for name, value in inner.items() if value is not None}
