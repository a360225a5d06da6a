"""Reader of fragments of tool calls, whatever their shape: in a list, alone or in a table; name and arguments in an
object `function` or beside it, under the names of other forms too; indexes and ids of any type."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from providers.formats.jsontext import EVENT_VALUES, loads, mapping, text, whole

_KNOWN: Final = frozenset({"index", "id", "type", "function"})
_FLAT: Final = frozenset({"name", "arguments", "input", "parameters"})
_TEXT_LIMIT: Final = 1024 * 1024
_DEPTH_LIMIT: Final = 3


class CallFragment(NamedTuple):
    """A fragment of a tool call. `free`: a custom tool, whose input is no JSON."""

    place: int | None
    """The API's index, which is not always one."""
    id: str
    name: str
    arguments: str
    extra: dict[str, Any]
    free: bool


def listed(value: Any, depth: int = 0) -> list[Mapping[str, Any]]:
    """The fragments in `tool_calls`: a list, one call, a table of calls by index, or one of these as JSON in a text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "[") and len(value) <= _TEXT_LIMIT:
        value = loads(value.encode("utf-8", "surrogatepass"), EVENT_VALUES)
    if isinstance(value, list):
        if depth == 0 and all(type(entry) is dict for entry in value):  # nearly always
            return value
        return [found for entry in value for found in listed(entry, depth + 1)] if depth < _DEPTH_LIMIT else []
    if not isinstance(value, dict) or not value:
        return []
    if depth or value.keys() & {"function", "id", "name", "arguments", "custom"}:
        return [value]
    return [{"index": key, **entry} for key, entry in value.items() if isinstance(entry, dict)]


def parse_fragment(fragment: Mapping[str, Any]) -> CallFragment:
    function = fragment.get("function")
    if isinstance(function, str):
        function = {**fragment, "name": function}
    flat = not isinstance(function, dict)
    place = fragment if flat else mapping(function)
    custom = mapping(fragment.get("custom"))
    arguments = place.get("arguments")
    if arguments is None:  # Anthropic's and Llama's names for them
        arguments = next((place[name] for name in ("input", "parameters") if isinstance(place.get(name), dict)), None)
    return CallFragment(
        place=_index(fragment.get("index")),
        id=_word(fragment.get("id")),
        name=text(place.get("name")) or text(custom.get("name")),
        arguments=_arguments(arguments),
        extra=_extra(fragment, _KNOWN | _FLAT if flat and not custom else _KNOWN),
        free=bool(custom),
    )


def has_identity(fragment: CallFragment) -> bool:
    """Whether a fragment says of itself which call it belongs to."""
    return fragment.place is not None or bool(fragment.id or fragment.name)


def _index(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value[:9]) if value.isascii() and value.removeprefix("-").isdigit() else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e9 else None
    return whole(value)


def _word(value: Any) -> str:
    number = whole(value)
    return str(number) if number is not None and abs(number) < 1 << 64 else text(value)


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        return "" if value.strip() == "null" else value
    if value is None or value == []:
        return ""
    return json.dumps(value, ensure_ascii=False)


def _extra(fragment: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Fields without a place of their own: `extra_content`, `custom` …"""
    kind = text(fragment.get("type"))
    if fragment.keys() <= known and kind in ("function", ""):
        return {}
    extra = {name: value for name, value in fragment.items() if name not in known and value is not None}
    if kind not in ("", "function", "tool_use", "tool_call"):
        extra["type"] = kind
    return extra
