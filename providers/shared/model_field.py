"""The field `model` of a request's body, written anew while every other byte stays as it came."""

import re
from collections.abc import Mapping
from typing import Any, Final

from providers.formats.jsontext import dumps

_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]]', re.DOTALL)
_VALUE: Final = re.compile(rb'\s*+:\s*+("(?:[^"\\]++|\\.)*+")', re.DOTALL)
_STEPS: Final = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}


def with_model(body: bytes, fields: Mapping[str, Any], model: str) -> bytes:
    """The JSON object `body`, of which `fields` is what it holds, asking for `model`.

    The bytes as they came where it asks for that already. Read up to the field, so that a body which begins with it, as
    most do, costs nothing. A body whose field cannot be found (its name is written with escapes) is written anew.
    """
    if fields.get("model") == model:
        return body
    depth = 0
    for token in _TOKEN.finditer(body):
        said = token[0]
        if said in _STEPS:
            depth += _STEPS[said]
        elif depth == 1 and said == b'"model"' and (value := _VALUE.match(body, token.end())) is not None:
            return body[: value.start(1)] + dumps(model) + body[value.end(1) :]
    return dumps({**fields, "model": model})
