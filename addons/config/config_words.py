"""The mistakes in a part of config.yaml, in words: what must stand there, what was probably meant. Pure.

pydantic tells all it finds, one thing more than once: both forms that a value could have had, a list that is short of
the entry that was wrong. Here a mistake is one Wrong, at the place where the person wrote it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from addons.config.yaml_reading import KeyPath
from addons.words.near import near
from addons.words.plain_words import either, requirement

FINDINGS_LIMIT: Final = 500
ABSENT: Final = object()
_OF_NUMBERS: Final = ("int_", "float_", "greater_", "less_")
_EXAMPLES: Final = {
    "accounts": "accounts: [main]",
    "base_url": "base_url: https://api.example.com/v1",
    "key": 'key: "${NAME}"',
    "name": "name: main",
    "model": "model: GLM-4.6",
    "on": "on: [context]",
    "email": 'email: "${NAME}"',
    "password": 'password: "${NAME}"',
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake. `found` is the value there, where seeing it helps; `meant` what it may have been meant to be."""

    path: KeyPath
    words: str
    found: Any = ABSENT
    meant: str = ""
    lacks: bool = False
    """The key is missing."""
    unknown: str = ""
    """The key that this one, which is not known, was probably meant for."""


def mistakes(error: ValidationError, model: type[BaseModel], raw: Any, more: Sequence[str] = ()) -> list[Mistake]:
    """The mistakes in `raw`, which is no `model`; paths begin there. `more` are keys known beside the model's."""
    told: dict[tuple[KeyPath, object], list[ErrorDetails]] = {}
    for found in error.errors(include_url=False)[:FINDINGS_LIMIT]:
        missing = found["loc"][-1] if found["type"] == "missing" else None
        told.setdefault((_written(found, raw), missing), []).append(found)
    return without_repeats([_mistake(path, findings, model, more) for (path, _), findings in told.items()])


def without_repeats(found: Sequence[Mistake]) -> list[Mistake]:
    """The mistakes without those that follow from another: around it, or a key that lacks because it is misspelt."""
    inside = {mistake.path[:n] for mistake in found for n in range(len(mistake.path))}
    misspelt = {(*mistake.path[:-1], mistake.unknown) for mistake in found if mistake.unknown}
    return [
        mistake for mistake in found if mistake.path not in inside and not (mistake.lacks and mistake.path in misspelt)
    ]


def _written(found: ErrorDetails, raw: Any) -> KeyPath:
    """The path in the file: without the names that pydantic gives to the forms of a value."""
    path: list[str | int] = []
    here = raw
    for part in found["loc"]:
        in_table = isinstance(part, str) and isinstance(here, Mapping) and part in here
        in_list = isinstance(part, int) and isinstance(here, list | tuple) and part < len(here)
        if in_table or in_list:
            here = here[part]
            path.append(part)
    return tuple(path)


def _mistake(path: KeyPath, findings: Sequence[ErrorDetails], model: type[BaseModel], more: Sequence[str]) -> Mistake:
    first = findings[0]
    kind, loc = first["type"], first["loc"]
    if kind == "missing":
        lacks = str(loc[-1])
        example = f"; write {_EXAMPLES[lacks]}" if lacks in _EXAMPLES else ""
        return Mistake((*path, lacks), f"is missing{example}", lacks=True)
    if kind == "extra_forbidden":
        return _unknown_key(path, loc, model, more if len(loc) == 1 else ())
    words = either(requirement(found, _table(model, loc)) for found in findings)
    found, told = first.get("input", ABSENT), first.get("ctx") or {}
    if kind in ("literal_error", "enum"):
        meant = near(str(found), str(told["expected"]).split("'")[1::2]) or ""
        return Mistake(path, words, found, meant)
    if kind == "better":
        return Mistake(path, words, found, str(told["instead"]))
    if kind == "value_error":
        return Mistake(path, words, found)
    if isinstance(found, str) and found.partition(":")[0] in _known_keys(model, (*loc, "")) and ":" in found:
        words += " (a space belongs behind each ':')"
    usual = _usual(model, loc) if kind.startswith(_OF_NUMBERS) else None
    return Mistake(path, words + ("" if usual is None else f", such as {_plain(usual)}"), found)


def _unknown_key(path: KeyPath, loc: Sequence[str | int], model: type[BaseModel], more: Sequence[str]) -> Mistake:
    known = sorted({*_known_keys(model, loc), *more})
    name = str(loc[-1])
    meant = near(name, known) or ""
    listed = "" if meant or not known else f". Known: {', '.join(known)}"
    return Mistake(path, f"is not a key there{listed}", meant=meant, unknown=meant or name)


def _table(model: type[BaseModel], loc: Sequence[str | int]) -> str:
    """What a set of keys is called, with one that may stand there."""
    for key in _known_keys(model, (*loc, "")):
        if (usual := _usual(model, (*loc, key))) is not None and isinstance(usual, str | int | float):
            return f"a table of keys and values, such as {{{key}: {_plain(usual)}}}"
    return "a table of keys and values, such as {key: value}"


def _plain(value: object) -> object:
    """The value as YAML has it: 5 for 5.0, false for False."""
    if isinstance(value, bool):
        return str(value).lower()
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _known_keys(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The keys that may stand where an unknown one was found."""
    models: list[type[BaseModel]] = [model]
    for part in loc[:-1]:
        fields = [each.model_fields[part] for each in models if isinstance(part, str) and part in each.model_fields]
        models = [inner for field in fields for inner in _models_in(field.annotation)] or models
    return [name for each in models for name in each.model_fields]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _usual(model: type[BaseModel], loc: Sequence[str | int]) -> object:
    """The default of the key, where it has one."""
    here: type[BaseModel] | None = model
    field: FieldInfo | None = None
    for part in loc:
        if here is None or part not in here.model_fields:
            return None
        field = here.model_fields[str(part)]
        here = next(_models_in(field.annotation), None)
    return None if field is None or field.is_required() else field.default
