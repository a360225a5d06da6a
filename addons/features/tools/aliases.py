"""Neutral names for tools, where a site takes a call of a common name for one of its own tools. Pure.

Qwen's site does (2026-07): a model that writes a call as it was trained to is answered by the site's own registry,
"Tool X does not exists.", and most with names like Bash, Read and Agent. What works for others is other names.
"""

from collections.abc import Mapping, Sequence
from typing import Final

_NEUTRAL: Final[Mapping[str, str]] = {
    "agent": "delegate_work",
    "bash": "shell_run",
    "edit": "fs_change_file",
    "glob": "fs_find_paths",
    "grep": "fs_search_text",
    "ls": "fs_list_folder",
    "read": "fs_open_file",
    "shell": "shell_run",
    "task": "delegate_work",
    "todowrite": "plan_write",
    "webfetch": "net_open_page",
    "websearch": "net_find_pages",
    "write": "fs_save_file",
}
"""Name without case and separators → one that says the same. Coding agents have these."""
_PREFIX: Final = "u_"
_CHARS: Final = 120
"""Of a name that is made of another, before a number behind it."""


def aliases_of(names: Sequence[str]) -> list[str]:
    """A neutral name for each, none of which is another's or one of `names`."""
    taken, found = set(names), []
    for name in names:
        plain = name.lower().replace("_", "").replace("-", "")
        alias = base = _NEUTRAL.get(plain, (_PREFIX + name)[:_CHARS])
        number = 2
        while alias in taken:
            alias, number = f"{base}_{number}", number + 1
        taken.add(alias)
        found.append(alias)
    return found
