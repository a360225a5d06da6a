"""Reader of JSON from the wire: fast on what is right, patient with what is nearly right, never raising.

Odd inputs seen in real streams: bytes that are not UTF-8, half of a surrogate pair in an escape (a site cut its text
by UTF-16 units), two objects glued together in one frame (zai-org/GLM-5#66).
"""

import json
import re
from typing import Any, Final

from pydantic_core import PydanticSerializationError, from_json, to_json

from providers.formats.json_tally import holds_more

BODY_VALUES: Final = 200_000
"""JSON values of a whole answer, as of a client's request."""
PREPARED_VALUES: Final = 100_000
"""JSON values of a preparing call's answer; the longest lists of models have some 30,000."""
EVENT_VALUES: Final = 20_000
"""JSON values of one event of a stream, each of which may become events of ours; the largest seen have hundreds."""
GLUED_VALUES: Final = 1000
"""Whole values glued together in one event."""

MODELS_LIMIT: Final = 2000
"""Models of one site's list that are taken; the longest known has some four hundred."""

NAME_LIMIT: Final = 256
INVALID: Final = object()
"""What `loads` gives for text that is no JSON, or too much of it; never equal to a JSON value."""

_DECODER = json.JSONDecoder()
_BLANKS: Final = re.compile(r"\s*")
_ONCE_BYTES: Final = 256 * 1024
"""A text longer than this is read by one parser, the patient one: what both refuse would cost twice."""


def loads(payload: bytes, most_values: int = PREPARED_VALUES) -> Any:
    """The JSON value of `payload`, or INVALID. Invalid UTF-8 becomes U+FFFD; lone surrogate escapes are kept.

    Text that holds more values than `most_values` is INVALID unread: `unread` says so.
    """
    if len(payload) >= 2 * most_values and holds_more(payload, most_values):  # (a short one cannot)
        return INVALID
    if len(payload) <= _ONCE_BYTES:
        try:
            return from_json(payload)
        except ValueError:
            pass
    try:
        return json.loads(payload.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return INVALID


def loads_glued(payload: bytes, most_values: int = EVENT_VALUES) -> tuple[list[Any], bytes]:
    """The complete JSON values at the start of `payload`, whatever white space parts them, and the rest."""
    text = payload.decode("utf-8", "replace")
    values: list[Any] = []
    at = past_blanks(text, 0)
    if holds_more(payload, most_values):
        return values, payload
    while at < len(text) and len(values) < GLUED_VALUES:
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        values.append(value)
        at = past_blanks(text, at)
    return values, text[at:].encode("utf-8", "surrogatepass")


def past_blanks(text: str, at: int) -> int:
    """The index behind the white space that begins at `at`."""
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def unread(payload: bytes, most_values: int = PREPARED_VALUES) -> str:
    """The reason why `loads` gave INVALID, as the end of a sentence."""
    return f"holds more than {most_values} values" if holds_more(payload, most_values) else "is no JSON"


def dumps(value: Any) -> bytes:
    """Compact JSON in UTF-8; half a surrogate pair, which no UTF-8 has, becomes a question mark."""
    try:
        return to_json(value, inf_nan_mode="constants")  # NaN and Infinity by those names, as json.dumps says them
    except PydanticSerializationError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def with_pairs(joined: str) -> str:
    """A text put together of pieces, in which halves of surrogate pairs that came apart are one character again."""
    try:
        joined.encode()
    except UnicodeEncodeError:
        return joined.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return joined


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
