"""Foreign text made safe to show: on a terminal, in the log, in a table. Pure.

Clients, providers and files can say anything: escape sequences that a terminal obeys, line ends that forge a line of
ours, marks that turn the direction of what follows. What cannot be printed is shown as its escape, as `repr` does it.
"""

import json
import re
from typing import Any, Final

_SPACES: Final = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""Printable by their look, though not by `str.isprintable`."""
_PERHAPS: Final = re.compile(rf"[^\x20-\x7e{_SPACES}]")


def shown(text: str, limit: int | None = None) -> str:
    """`text` as one printable line of at most `limit` characters; what is cut off shows as `…`."""
    if limit is not None and len(text) > limit:
        text = text[: max(limit - 1, 0)] + "…"
    if text.isprintable():  # nearly always, and in one pass
        return text
    told = _PERHAPS.sub(lambda found: found[0] if found[0].isprintable() else _escape(found[0]), text)
    return told if limit is None or len(told) <= limit else told[: max(limit - 1, 0)] + "…"


def shown_lines(text: str) -> str:
    """`text` with its line ends kept: each line after the first is indented, so that none looks like one of ours."""
    return text if text.isprintable() else "\n    ".join(shown(line) for line in text.split("\n"))


def json_line(value: Any, *, ascii_only: bool = False) -> str:
    """`value` as one line of JSON in which every character can be printed; what is no JSON value stands as its text."""
    text = json.dumps(value, ensure_ascii=ascii_only, default=str)
    if text.isprintable():
        return text
    return _PERHAPS.sub(lambda found: found[0] if found[0].isprintable() else _json_escape(found[0]), text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(character: str) -> str:
    return json.dumps(character)[1:-1] if ord(character) > 0x7F else f"\\u{ord(character):04x}"
