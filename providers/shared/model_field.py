"""The client's own body for an API of the same form: its bytes, but for the name of the model where that is another."""

import re
from collections.abc import Mapping
from typing import Any, Final

from providers.formats.json_tally import OutsideStrings
from providers.formats.jsontext import dumps

_NAMED: Final = re.compile(rb'(?<!\\)"model"\s*+:\s*+("(?:[^"\\]|\\.)*+")')
"""A member `model` with a text, at whatever depth: a quote before it that is none of JSON's own is escaped."""


def with_model(body: bytes, fields: Mapping[str, Any], model: str) -> bytes:
    """The JSON object `body`, which `fields` were read of, under the API's name for the model."""
    if fields.get("model") == model:
        return body
    outside, depth, at = OutsideStrings(), 0, 0
    for found in _NAMED.finditer(body):
        brackets = outside.feed(body[at : found.start()])
        depth += brackets.count(b"{") + brackets.count(b"[") - brackets.count(b"}") - brackets.count(b"]")
        at = found.start()
        if depth == 1:
            return b"".join((body[: found.start(1)], dumps(model), body[found.end(1) :]))
    return dumps({**fields, "model": model})
