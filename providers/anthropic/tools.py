"""Tools and what is said of their use, as the Messages form has them."""

from collections.abc import Mapping
from typing import Any, Final

from providers.anthropic.names import PlainNames
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.requests import ChatRequest
from providers.formats.jsontext import text

_SEARCH: Final[Mapping[str, Any]] = {"type": "web_search_20250305", "name": "web_search"}
"""The server's own; it has no schema."""
_CHOICES: Final = {"auto": "auto", "none": "none", "required": "any"}


def tools_of(chat: ChatRequest, names: PlainNames, *, search: bool) -> list[dict[str, Any]]:
    """The tools of a request. Raises ProviderError(BAD_REQUEST) for one of a kind the form does not have."""
    found = [_tool(tool, names, at) for at, tool in enumerate(chat.tools)]
    if search and all(tool["name"] != _SEARCH["name"] for tool in found):
        found.append(dict(_SEARCH))
    return found


def choice_of(chat: ChatRequest, names: PlainNames, *, offered: bool) -> dict[str, Any] | None:
    """`tool_choice` with what is said of parallel calls; None where there is nothing to say."""
    if not offered:
        return None
    choice = chat.tool_choice
    single = chat.extra.get("parallel_tool_calls") is False
    named = _named(choice) if isinstance(choice, Mapping) else ""
    if named:
        found: dict[str, Any] = {"type": "tool", "name": names.plain(named)}
    else:
        mode = choice.get("mode") if isinstance(choice, Mapping) else choice
        found = {"type": _CHOICES.get(mode if isinstance(mode, str) else "", "auto")}
    if single and found["type"] != "none":
        found["disable_parallel_tool_use"] = True
    return None if found == {"type": "auto"} else found


def forces(choice: Mapping[str, Any] | None) -> bool:
    """Whether a call is demanded, beside which no thinking may be."""
    return choice is not None and choice["type"] in ("any", "tool")


def _named(choice: Mapping[str, Any]) -> str:
    function = choice.get("function")
    return text(function.get("name")) if isinstance(function, Mapping) else text(choice.get("name"))


def _tool(tool: Any, names: PlainNames, at: int) -> dict[str, Any]:
    function = tool.get("function") if isinstance(tool, Mapping) else None
    if not isinstance(function, Mapping) or not text(function.get("name")):
        message = f"tools[{at}] is no function, and this API has no other tools of the client."
        raise ProviderError(ErrorKind.BAD_REQUEST, message, param=f"tools[{at}]", credential="key")
    found: dict[str, Any] = {"name": names.plain(function["name"])}
    if description := text(function.get("description")):
        found["description"] = description
    schema = function.get("parameters")
    found["input_schema"] = {"type": "object", **(schema if isinstance(schema, Mapping) else {"properties": {}})}
    if function.get("strict") is True:
        found["strict"] = True
    mark = tool.get("cache_control") or function.get("cache_control")
    return found | ({"cache_control": mark} if isinstance(mark, Mapping) else {})
