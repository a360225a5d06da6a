"""JSON from the wire: fast on what is right, patient with what is nearly right, never raising.

Odd inputs seen in real streams: bytes that are not UTF-8, half of a surrogate pair in an escape (a site cut its text
by UTF-16 units), two objects glued together in one frame (zai-org/GLM-5#66).
"""

import json
from typing import Any, Final

from pydantic_core import from_json

NAME_LIMIT: Final = 256
INVALID: Final = object()
"""What `loads` gives for text that is no JSON; never equal to a JSON value."""

_DECODER = json.JSONDecoder()


def loads(payload: bytes) -> Any:
    """The JSON value of `payload`, or INVALID. Invalid UTF-8 becomes U+FFFD; lone surrogate escapes are kept."""
    try:
        return from_json(payload)
    except ValueError:
        pass
    try:
        return json.loads(payload.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return INVALID


def loads_glued(payload: bytes) -> tuple[list[Any], bytes]:
    """All complete JSON values at the start of `payload`, whatever white space parts them, and the rest."""
    text = payload.decode("utf-8", "replace")
    values: list[Any] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        values.append(value)
    return values, text[at:].encode("utf-8", "surrogatepass")


def dumps(value: Any) -> bytes:
    """Compact JSON in UTF-8; half a surrogate pair, which no UTF-8 has, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def mapping(value: Any) -> dict[str, Any]:
    """`value` if it is a JSON object, else an empty one: for reading nested fields without a check at each step."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str:
    """`value` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def model_name(value: Any) -> str:
    """`value` if a site may call a model so, else an empty string.

    Such a name becomes a key of tables, a header, and a line in lists that people read: it is printable and short.
    """
    if not isinstance(value, str) or len(value) > NAME_LIMIT or not value.isprintable():
        return ""
    return value if value.strip() else ""


def whole(value: Any) -> int | None:
    """`value` if it is a whole number (no bool), else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
