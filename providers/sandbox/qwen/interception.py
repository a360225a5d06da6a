"""Calls that the Qwen stand-in takes for calls of its own tools, and answers itself.

Facts: a call in the model's native form, which it falls into with common names, is run against the site's own registry,
and the answer becomes "Tool X does not exists." for each of them, one behind the other. Remedies in use: neutral tags,
other names, the site's tools switched off. Guessed: that the switches matter for the tags, and not for the names.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from providers.sandbox.script import Script

COMMON: Final = frozenset(
    ("bash", "read", "write", "edit", "multiedit", "agent", "task", "glob", "grep", "ls", "webfetch", "websearch")
)
"""Names that make the model fall into its native form, in lower case."""
_SWITCHES: Final = ("function_calling", "enable_tools", "enable_function_call", "plugins_enabled")
_TAGS: Final = re.compile(r'<tool_call>\s*(?:\{\s*"name"\s*:\s*"([^"]*)"|([\w.-]+))')


def intercepted(script: Script, config: Mapping[str, Any]) -> Script:
    """The script as the site lets it through."""
    if script.text or script.answer is None:
        return script
    names = [call.name for call in script.said.calls if call.name.lower() in COMMON]
    if not names and any(config.get(switch) is not False for switch in _SWITCHES):
        names = [first or second for first, second in _TAGS.findall(script.answer)]
    if not names:
        return script
    return replace(script, answer="".join(f"Tool {name} does not exists." for name in names))
