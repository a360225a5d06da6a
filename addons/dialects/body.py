"""A request body to a JSON object, safely: its cost is counted before it is read, depth and odd values are looked for.

A body is read in steps, as a generator, so that the event loop can serve others between them; no step takes more than
some tens of milliseconds, however the body was made. Who has no loop to think of takes `all_at_once`.
"""

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from addons.dialects.ambiguity import AmbiguityError, first_double_name
from addons.dialects.ambiguity import survey as surveyed
from addons.errors import GatewayError
from addons.words.plain_words import either, requirement
from providers.formats.json_tally import DIGITS_LIMIT, SLICE_BYTES, JsonTally

DEPTH_LIMIT: Final = 128
ASKED_LIMIT: Final = 100
"""Characters of a model's name in the log."""
VALUES_LIMIT: Final = 200_000
"""JSON values of a request, where config.yaml says nothing else (`limits.body_values`)."""
LONG_NUMBERS_LIMIT: Final = 20_000
_MODEL: Final = "model"
"""What a request is routed by. Servers written in Go take `Model` for it too, the last one there is."""
_POINTED_OUT_BYTES: Final = 4 * 1024 * 1024
_POINTED_OUT_NAMES: Final = 50_000
"""Up to this size a double name is looked for, to say where it stands; that costs a second, slower parse."""

type Reading[T] = Generator[None, None, T]
"""A body being read; its result at the end. Raises GatewayError. At each yield others may have their turn."""


def all_at_once[T](reading: Reading[T]) -> T:
    """The result of a reading, without pauses."""
    while True:
        try:
            next(reading)
        except StopIteration as end:
            result: T = end.value
            return result


def bad_request(message: str, param: str | None = None, code: str | None = None) -> GatewayError:
    """A 400 of ours. `code` says more than the message only for the few cases clients look at."""
    return GatewayError(400, message, param=param, code=code)


def read_object(body: bytes, most_values: int = VALUES_LIMIT) -> Reading[dict[str, Any]]:
    """The JSON object of a request. Raises GatewayError for anything else."""
    tally = yield from _counted(body, most_values)
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as e:
        if "recursion limit" in str(e):  # the parser's own is 200
            raise _too_deep() from None
        raise bad_request(f"the request body is not valid JSON: {e}", code="invalid_json") from None
    if not isinstance(value, dict):
        raise bad_request("the request body must be a JSON object", code="invalid_json")
    yield
    with model_noted(value):
        found = surveyed(value)
        if found.depth > DEPTH_LIMIT:
            raise _too_deep()
        if found.oversized is not None:
            raise _ambiguous(found.oversized)
        if found.long_numbers > LONG_NUMBERS_LIMIT:
            raise bad_request(
                f"the request holds more than {LONG_NUMBERS_LIMIT} whole numbers of more than 64 bits, the most that "
                "is read here",
                code="too_many_values",
            )
        yield
        if found.members != tally.names:
            if len(body) > _POINTED_OUT_BYTES or tally.names > _POINTED_OUT_NAMES:
                raise bad_request("the same name stands twice in one object", code="invalid_json")
            raise _ambiguous(first_double_name(body))
        if any(len(name) == len(_MODEL) and name.lower() == _MODEL != name for name in value):
            raise bad_request("model: stands there in another spelling, which some readers take for it", _MODEL)
    return value


@contextmanager
def model_noted(raw: dict[str, Any]) -> Iterator[None]:
    """A refusal of the object knows the model that was asked for, for the log."""
    try:
        yield
    except GatewayError as error:
        model = raw.get("model")
        error.asked = model[:ASKED_LIMIT] if isinstance(model, str) else ""
        raise


def _counted(body: bytes, most_values: int) -> Reading[JsonTally]:
    tally = JsonTally()
    for at in range(0, len(body), SLICE_BYTES):
        tally.feed(body[at : at + SLICE_BYTES])
        if tally.values > most_values:
            raise bad_request(
                f"the request holds more than {most_values} JSON values, the most that is read here "
                "(limits.body_values in config.yaml)",
                code="too_many_values",
            )
        if tally.long_number:
            raise bad_request(
                f"the request body holds a number of more than {DIGITS_LIMIT} digits", code="invalid_json"
            )
        yield
    return tally


def _too_deep() -> GatewayError:
    return bad_request(f"the request is nested deeper than {DEPTH_LIMIT} levels", code="invalid_json")


def _ambiguous(error: AmbiguityError) -> GatewayError:
    param = path_of(error.path)
    return bad_request(f"{param}: {error}" if param else str(error), param or None, "invalid_json")


def validated[M: BaseModel](model: type[M], value: dict[str, Any]) -> M:
    """`value` as `model`. Raises GatewayError naming the first field at fault in OpenAI's notation."""
    try:
        return model.model_validate(value)
    except ValidationError as e:
        _refuse(e)


def _refuse(problem: ValidationError) -> NoReturn:
    # A union reports one problem per branch; the deepest location is the branch the client meant.
    found = problem.errors(include_url=False, include_input=False)
    deepest = _names(max(found, key=lambda one: len(_names(one["loc"])))["loc"])
    message = either(requirement(one, "an object") for one in found if _names(one["loc"]) == deepest)
    param = path_of(tuple(deepest))
    where = f"{param}: " if param else ""
    raise bad_request(f"{where}{message}", param=param or None) from None


_BRANCHES: Final = frozenset({"str", "int", "float", "bool", "dict", "list", "none"})
_FIELD: Final = re.compile(r"[a-z_][a-z0-9_]*")


def _names(location: tuple[int | str, ...]) -> list[int | str]:
    """The location without pydantic's own names for the branches of a union (`str`, `list[PartBody]` …)."""
    return [part for part in location if isinstance(part, int) or (_FIELD.fullmatch(part) and part not in _BRANCHES)]


def path_of(location: tuple[int | str, ...]) -> str:
    """`("messages", 2, "content")` as `messages[2].content`."""
    path = ""
    for part in _names(location):
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path
