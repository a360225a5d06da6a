"""The rules for a Z.AI frame's effect on the text of its answer: the page's own, as a table.

Source: the page's script of 2026-03 (front prod-fe-1.0.262, `COvEVlW5.js` and `AgMBD70M.js`): message_version 0, and
`content_blocks` for message_version 1, where a keeper script of 2026-10 reads the same blocks.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

type Effect = Literal["replaces all", "replaces the tail", "appends"]


class Rule(NamedTuple):
    """A field that carries text, and its effect where it is not empty."""

    field: str
    effect: Effect
    says: str


RULES: Final = (
    Rule("content_blocks", "replaces all", "the whole answer so far, as a list of blocks"),
    Rule("edit_content", "replaces the tail", "takes the place of everything from edit_index on"),
    Rule("content", "replaces all", "the whole text so far"),
    Rule("delta_content", "appends", "the next words"),
)
"""In this order: the first that is not empty counts alone, and an empty one is none (an empty edit deletes nothing).

`edit_index` counts UTF-16 units; `edit_index` below says what else may stand there.
"""

BEYOND: Final = 2**53
"""An index behind every text."""
_DIGITS_MOST: Final = 15


def edit_index(value: Any) -> int:
    """The index where an edit begins, as `text.substring(0, value)` of the page takes it: nothing and nonsense are 0, a
    text of digits is its number, a fraction is cut off, what is below 0 is 0, and what is beyond the end is the end."""
    if isinstance(value, str):
        digits = value.strip().partition(".")[0]
        if not (digits.isascii() and digits.isdecimal()):
            return 0
        return int(digits) if len(digits) <= _DIGITS_MOST else BEYOND
    if not isinstance(value, int | float) or math.isnan(value):
        return 0
    return int(min(max(value, 0), BEYOND))


def of_subagent(frame: Mapping[str, Any]) -> bool:
    """Whether a frame is a sub-agent's: another answer, which the page shows apart, with errors and an end of its own.

    `scope` is "legacy", which is the default, or "subagent"; agent_id, task_id and subagent_type then say whose.
    """
    data = frame.get("data")
    scopes = frame.get("scope"), data.get("scope") if isinstance(data, dict) else None
    return scopes != (None, None) and any(isinstance(one, str) and one.lower() == "subagent" for one in scopes)
