"""A string that a regular expression matches: enough of the syntax for the patterns that schemas have. Pure."""

import importlib
import random
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

_parser: Final[Any] = importlib.import_module("re._parser")  # the standard library's own reading of a pattern
_REPEATS: Final = 3
"""More than the least number of repetitions, at most."""
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-.@/:#+"
_CLASSES: Final[dict[str, Callable[[str], bool]]] = {
    "CATEGORY_DIGIT": str.isdigit,
    "CATEGORY_WORD": lambda c: c.isalnum() or c == "_",
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_NOT_DIGIT": lambda c: not c.isdigit(),
    "CATEGORY_NOT_WORD": lambda c: not (c.isalnum() or c == "_"),
    "CATEGORY_NOT_SPACE": lambda c: not c.isspace(),
}


def matching(pattern: str, shortest: int = 0, seed: int = 0) -> str | None:
    """A string with a match of the pattern in it, of at least so many characters where that can be; None where not
    even Python reads it."""
    try:
        tree = _parser.parse(pattern)
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return None
    best: str | None = None
    for attempt in range(60):
        made = "".join(_made(tree, random.Random(seed * 1000 + attempt), attempt % (_REPEATS + 1), []))  # noqa: S311
        if compiled.search(made) is None:
            continue
        if len(made) >= shortest:
            return made
        best = best or made
    if best is not None and len(best) < shortest:
        padded = _padded(best, shortest)
        return next((text for text in padded if compiled.search(text)), best)
    return best


def _padded(text: str, length: int) -> Sequence[str]:
    missing = length - len(text)
    return [text + text[-1:] * missing, text + "a" * missing, text + "0" * missing, "a" * missing + text]


def _made(tree: Any, rng: random.Random, more: int, groups: list[str]) -> list[str]:
    """Pieces of text for a parsed pattern."""
    pieces: list[str] = []
    for op, value in tree:
        match str(op):
            case "LITERAL":
                pieces.append(chr(value))
            case "NOT_LITERAL":
                pieces.append("b" if chr(value) == "a" else "a")
            case "ANY":
                pieces.append(rng.choice("abcxyz"))
            case "IN":
                pieces.append(_of_set(value, rng))
            case "BRANCH":
                pieces += _made(rng.choice(value[1]), rng, more, groups)
            case "SUBPATTERN":
                inner = "".join(_made(value[-1], rng, more, groups))
                groups.append(inner)
                pieces.append(inner)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, inside = value
                for _ in range(min(least + more, int(most))):
                    pieces += _made(inside, rng, more, groups)
            case "GROUPREF":
                pieces.append(groups[value - 1] if value <= len(groups) else "")
            case "ATOMIC_GROUP":
                pieces += _made(value, rng, more, groups)
    return pieces


def _of_set(items: Any, rng: random.Random) -> str:
    """A character of a class: letters and digits before others."""
    negated = bool(items) and str(items[0][0]) == "NEGATE"
    tests = [_test(str(op), value) for op, value in items if str(op) != "NEGATE"]
    ranged = [chr(c) for op, value in items for c in _ends(str(op), value)]
    fitting = [c for c in [*_ALPHABET, *([] if negated else ranged)] if any(test(c) for test in tests) != negated]
    found: str = rng.choice(fitting[:40] or ["x"])
    return found


def _ends(op: str, value: Any) -> Sequence[int]:
    return (value,) if op == "LITERAL" else value if op == "RANGE" else ()


def _test(op: str, value: Any) -> Callable[[str], bool]:
    if op == "LITERAL":
        return lambda c: ord(c) == value
    if op == "RANGE":
        return lambda c: value[0] <= ord(c) <= value[1]
    return _CLASSES.get(str(value), lambda c: False)
