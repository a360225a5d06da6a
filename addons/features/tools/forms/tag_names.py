"""The tags that models put around calls, by what they mean. Names are compared without case, and without the marks of
a dialect (`antml:`, `｜DSML｜`)."""

import re
from typing import Final

AROUND: Final = frozenset({"tool_calls", "toolcalls", "function_calls", "functioncalls", "calls", "ml_tool_calls"})
"""Around several calls."""
CALL: Final = frozenset(
    {"tool_call", "toolcall", "function_call", "functioncall", "function", "invoke", "tool", "tool_use", "ml_tool_call"}
)
"""Around one call."""
NAME: Final = frozenset({"name", "tool_name", "function_name", "toolname"})
"""Around the name of the tool."""
ARGUMENTS: Final = frozenset({"arguments", "parameters", "args", "input", "params", "tool_input"})
"""Around all arguments."""
ARGUMENT: Final = frozenset({"parameter", "param", "arg", "argument"})
"""Around one argument, whose name is an attribute."""
KEY, VALUE = "arg_key", "arg_value"
"""GLM's: the name of an argument, then its value."""
GLUED: Final = f"<{KEY}>"
"""What GLM may glue to a tool's name, without any tag before it."""
STRUCTURE: Final = AROUND | CALL | NAME | ARGUMENTS | ARGUMENT | {KEY, VALUE}
NAME_CHARS: Final = 100
TAG: Final = re.compile(r"<(/?)\s{0,3}+([\w|｜▁][\w|｜▁.:\-]{0,99}+)")
TAG_BEGUN: Final = re.compile(r"</?\s{0,3}+(?:[\w|｜▁][\w|｜▁.:\-]{0,99}+)?\Z")
_DIALECT: Final = re.compile(r"[|｜▁]*+(?:DSML[|｜▁]*+)?+(?:[A-Za-z]{1,20}:(?=[A-Za-z]))?+", re.IGNORECASE)


def plain(name: str) -> str:
    """A tag's name as it stands in these lists."""
    found = _DIALECT.match(name)
    return (name[found.end() :] if found else name).rstrip("|｜▁").casefold()
