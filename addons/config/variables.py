"""Substitution of `${NAME}` and `${NAME:-default}` in the texts of config.yaml and .env."""

import re
from collections.abc import Callable
from typing import Final

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def substituted(text: str, value_of: Callable[[str, str | None], str]) -> str:
    """`text` with each variable replaced by `value_of(name, default)`."""
    end = text.rfind("}") + 1  # behind it nothing can be one; looked for there, the end of a default costs a square
    return _VARIABLE.sub(lambda found: value_of(found[1], found[2]), text[:end]) + text[end:]


def literal_part(text: str) -> str:
    """The part of `text` that stands there itself: without variables, but with their defaults."""
    return substituted(text, lambda name, default: default or "")
