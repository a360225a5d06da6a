"""A request body to a JSON object, safely: size is bounded before, depth and odd values here."""

import re
from typing import Any, Final, NoReturn

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from addons.core.errors import GatewayError
from addons.dialects.ambiguity import AmbiguityError, check_ambiguity

DEPTH_LIMIT: Final = 128


def bad(message: str, param: str | None = None, code: str | None = None) -> GatewayError:
    """A 400 of ours. `code` says more than the message only for the few cases clients look at."""
    return GatewayError(400, message, param=param, code=code)


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a request. Raises GatewayError for anything else."""
    _check_depth(body)
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as e:
        raise bad(f"the request body is not valid JSON: {e}", code="invalid_json") from None
    if not isinstance(value, dict):
        raise bad("the request body must be a JSON object", code="invalid_json")
    try:
        check_ambiguity(body)
    except AmbiguityError as e:
        param = path_of(e.path)
        raise bad(f"{param}: {e}" if param else str(e), param or None, "invalid_json") from None
    except ValueError as e:
        raise bad(f"the request body is not valid JSON: {e}", code="invalid_json") from None
    return value


# Strings are matched whole and possessively, their closing quote optional: one that never ends is passed once, not
# once for each quote in it.
_TOKENS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)


def _check_depth(body: bytes) -> None:
    """Counts brackets outside of strings: no parser has to survive the depth first."""
    if body.count(b"[") + body.count(b"{") <= DEPTH_LIMIT:
        return
    depth = 0
    for found in _TOKENS.finditer(body):
        token = found[0]
        if token in (b"[", b"{"):
            depth += 1
            if depth > DEPTH_LIMIT:
                raise bad(f"the request is nested deeper than {DEPTH_LIMIT} levels", code="invalid_json")
        elif token in (b"]", b"}"):
            depth -= 1


def validated[M: BaseModel](model: type[M], value: dict[str, Any]) -> M:
    """`value` as `model`. Raises GatewayError naming the first field at fault in OpenAI's notation."""
    try:
        return model.model_validate(value)
    except ValidationError as e:
        _refuse(e)


def _refuse(problem: ValidationError) -> NoReturn:
    # A union reports one problem per branch; the deepest location is the branch the client meant.
    first = max(problem.errors(include_url=False, include_input=False), key=lambda found: len(_names(found["loc"])))
    param = path_of(first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    where = f"{param}: " if param else ""
    raise bad(f"{where}{message}", param=param or None) from None


_BRANCHES: Final = frozenset({"str", "int", "float", "bool", "dict", "list", "none"})


def _names(location: tuple[int | str, ...]) -> list[int | str]:
    """The location without pydantic's own names for the branches of a union (`str`, `list[PartBody]` …)."""
    return [
        part
        for part in location
        if isinstance(part, int) or (re.fullmatch(r"[a-z_][a-z0-9_]*", part) and part not in _BRANCHES)
    ]


def path_of(location: tuple[int | str, ...]) -> str:
    """`("messages", 2, "content")` as `messages[2].content`."""
    path = ""
    for part in _names(location):
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path
