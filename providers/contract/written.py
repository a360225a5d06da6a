"""config.yaml's values as a person writes them, and the base of the models that give them their kind.

The reader (addons/config/yaml_reading.py) hands over plain words: `off`, `no`, `1.10` and `12:30` are names where a
name is wanted, and truth, numbers or text where one of those is. Pure.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

_UNITS: Final = (("ms", 0.001), ("s", 1.0), ("min", 60.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0))
"""`ms` goes before `s`, which is its end."""


def better(words: str, instead: str) -> ValueError:
    """A refusal for a validator to raise, with the value as it was meant (or an empty text).

    It is kept apart from the words, as it may not be fit to be shown: a wrong value can be a secret.
    """
    return PydanticCustomError("better", "{words}", {"words": words, "instead": instead})


class Nothing(str):
    """What YAML takes for no value, as it was written: `null`, `~`, or nothing at all. It is false."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False


class Written(BaseModel):
    """A model of keys in config.yaml: no others, and a key with nothing behind it is as good as left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_the_default(cls, raw: Any) -> Any:
        if isinstance(raw, Nothing):
            return {}
        if not isinstance(raw, Mapping):
            return raw
        return {key: value for key, value in raw.items() if not (isinstance(value, Nothing) and cls._has_default(key))}

    @classmethod
    def _has_default(cls, key: str) -> bool:
        return key in cls.model_fields and not cls.model_fields[key].is_required()


def _one_is_a_list(value: object) -> object:
    """A single entry stands for the list of it."""
    if isinstance(value, Nothing):
        return ()
    return (value,) if isinstance(value, str | Mapping) else value


def _in_seconds(value: object) -> object:
    """`5s`, `2 min`, `500ms`; whatever else it is, its kind is judged by others."""
    if isinstance(value, str):
        for unit, factor in _UNITS:
            if value.endswith(unit):
                try:
                    return float(value.removesuffix(unit)) * factor
                except ValueError:
                    return value
    return value


type Listed[T] = Annotated[tuple[T, ...], BeforeValidator(_one_is_a_list)]
type Span = Annotated[float, BeforeValidator(_in_seconds)]
"""Seconds, with or without a unit."""
