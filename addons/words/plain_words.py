"""pydantic's findings in plain words: the one place where they are translated. Pure.

Its own (`valid tuple`, `Extra inputs are not permitted`, `unable to parse string as a number`) are a
programmer's.
"""

from collections.abc import Iterable
from typing import Final

from pydantic_core import ErrorDetails

_MUST: Final = "must be "
_KINDS: Final = {
    "string_type": "text",
    "string_sub_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number that is not so large",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number, not infinite",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "{mapping}",
    "mapping_type": "{mapping}",
    "model_type": "{mapping}",
    "model_attributes_type": "{mapping}",
    "path_type": "the path of a file",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "one of {expected}",
    "enum": "one of {expected}",
}
"""What must be there, after the names that pydantic has for its findings."""


def requirement(found: ErrorDetails, mapping: str) -> str:
    """The requirement as a sentence without its subject. `mapping` says what a set of keys is called here."""
    kind, told = str(found["type"]), found.get("ctx") or {}
    if kind in _KINDS:
        whole = {"mapping": mapping, **told}
        if set(told) == {"expected"} and " or " not in str(told["expected"]):
            return _MUST + str(told["expected"])
        return _MUST + _KINDS[kind].format_map({name: _number(value) for name, value in whole.items()})
    match kind:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not a key there"
        case "better":
            return str(told["words"])
        case "value_error" | "assertion_error":
            return str(found["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
        case "too_short" | "string_too_short" if told["min_length"] == 1:
            return "must not be empty"
        case "too_short":
            return f"must have at least {_entries(told['min_length'])}"
        case "too_long":
            return f"must have at most {_entries(told['max_length'])}"
        case "string_too_short":
            return f"must have at least {told['min_length']} characters"
        case "string_too_long":
            return f"must have at most {told['max_length']} characters"
        case "json_invalid":
            return f"is not valid JSON: {told['error']}"
        case "string_pattern_mismatch":
            return "has characters that cannot stand there, or is too long"
        case _:
            return "cannot be used as it is"


def either(requirements: Iterable[str]) -> str:
    """Several that hold for one place, as a value may have more than one form: `must be text or a list`."""
    different = list(dict.fromkeys(requirements))
    if len(different) > 1 and all(each.startswith(_MUST) for each in different):
        return _MUST + " or ".join(each.removeprefix(_MUST) for each in different)
    return different[0]


def _number(value: object) -> object:
    """10.0 as it is written: 10."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _entries(count: int) -> str:
    return f"{count} entry" if count == 1 else f"{count} entries"
