"""One line stays one line: control characters and marks that turn the direction of a text are shown escaped. Pure."""

import re
from typing import Final

_ODD: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def escaped(text: str) -> str:
    r"""`text` with controls as \xNN or \uNNNN; a line feed begins a line that is indented, so none can be forged."""
    return _ODD.sub(_shown, text).replace("\n", "\n    ")


def one_line(text: str) -> str:
    r"""`text` in one line: white space of any kind as one space, other controls as \xNN or \uNNNN."""
    return _ODD.sub(_shown, " ".join(text.split()))


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
