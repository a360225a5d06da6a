"""Calls in a JSON value: one of the shapes that models were trained on, or several. Pure.

{"name", "arguments"}   also: tool, tool_name, function_name, action; parameters, args, input, action_input
{"function": {"name", "arguments"}}   {"function_call": …}   {"tool_calls": […]}   a bare list of calls
"""

from collections.abc import Mapping
from typing import Any, Final

from addons.features.tools.judge import Said
from providers.formats.jsontext import loads_glued

NAMES: Final = ("name", "tool_name", "function_name", "tool", "function", "action")
ARGUMENTS: Final = ("arguments", "parameters", "args", "input", "action_input", "params")
AROUND: Final = ("function", "function_call", "tool_call", "tool_calls", "calls", "function_calls")
"""Names of properties that hold a call, or several."""
BESIDE: Final = frozenset({"id", "type", "index", "call_id", "tool_call_id", "role", "content"})
"""Names of properties that may stand beside those of a call."""
_WORDS: Final = "content"
_NO_ARGUMENTS: Final = frozenset({*NAMES, *BESIDE}) - {_WORDS}
"""Where arguments stand beside the name; a tool that writes a file has one of that name."""
KNOWN: Final = frozenset({*NAMES, *ARGUMENTS, *AROUND, *BESIDE})
_CALLS_LIMIT: Final = 128
_DEPTH_LIMIT: Final = 4


def calls_in(value: Any, *, loose: bool = False, depth: int = 0) -> list[Said]:
    """The calls that a value is; none where it is anything else, even in part. A text beside them (`content`) goes with
    the first.

    `loose`: it stands where nothing but a call can be, so properties of other names are of no matter.
    """
    if depth > _DEPTH_LIMIT:
        return []
    if isinstance(value, list):
        if not 0 < len(value) <= _CALLS_LIMIT:
            return []
        found = [calls_in(item, loose=loose, depth=depth + 1) for item in value]
        return [call for calls in found for call in calls] if all(found) else []
    if not isinstance(value, dict) or not (loose or value.keys() <= KNOWN):
        return []
    for around in AROUND:
        if isinstance(inner := value.get(around), dict | list):
            return _with_words(calls_in(inner, loose=loose, depth=depth + 1), value.get(_WORDS))
    return _one(value, loose=loose)


def _with_words(calls: list[Said], words: Any) -> list[Said]:
    if not calls or not isinstance(words, str) or not words.strip():
        return calls
    return [calls[0]._replace(words=words), *calls[1:]]


def _one(value: Mapping[str, Any], *, loose: bool) -> list[Said]:
    name = next((value[key] for key in NAMES if isinstance(value.get(key), str)), None)
    if name is None:
        return []
    key = next((key for key in ARGUMENTS if key in value), None)
    if key is not None:
        return _with_words([Said(name, arguments) for arguments in _unglued(value[key])], value.get(_WORDS))
    if not loose:
        return []
    return [Said(name, {key: item for key, item in value.items() if key not in _NO_ARGUMENTS})]


def _unglued(arguments: Any) -> list[Any]:
    """The objects of arguments in a text that glues several, which are of as many calls; else the arguments as they
    are."""
    if not isinstance(arguments, str):
        return [arguments]
    found, rest = loads_glued(arguments.encode("utf-8", "surrogatepass"))
    several = 1 < len(found) <= _CALLS_LIMIT and not rest and all(isinstance(one, dict) for one in found)
    return found if several else [arguments]
