"""Fills any JSON schema with a value, from the words of a prompt where names match. Pure.

Where a schema leaves a choice (branches, members of an enum, optional parts) the filler takes the first way, judges the
whole value, and goes other ways until one fits. What nothing can fit is filled as well as it goes.
"""

import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import jsonschema_rs

from providers.sandbox.models.patterns import matching
from providers.sandbox.models.schema_merging import Schemas, kinds_of
from providers.sandbox.models.words import Words

TRIES: Final = 400
_DEEP: Final = 5
"""Below this depth only what is required is filled."""
_FORMATS: Final[Mapping[str, Sequence[str]]] = {
    "date-time": ("2026-03-17T09:30:00Z", "2026-03-18T09:30:00Z"),
    "date": ("2026-03-17", "2026-03-18"),
    "time": ("09:30:00Z", "10:30:00Z"),
    "duration": ("PT30M", "PT45M"),
    "email": ("person@example.com", "other@example.com"),
    "idn-email": ("person@example.com",),
    "hostname": ("example.com", "example.org"),
    "uri": ("https://example.com/", "https://example.org/"),
    "uri-reference": ("/sandbox", "/other"),
    "iri": ("https://example.com/",),
    "url": ("https://example.com/", "https://example.org/"),
    "uuid": ("11111111-2222-4333-8444-555555555555", "66666666-7777-4888-9999-aaaaaaaaaaaa"),
    "ipv4": ("192.0.2.1", "192.0.2.2"),
    "ipv6": ("2001:db8::1", "2001:db8::2"),
    "json-pointer": ("/a/b",),
    "regex": ("^a+$",),
    "byte": ("c2FuZA==", "Ym94"),
}


def fill(schema: Mapping[str, Any], words: Words | None = None) -> Any:
    """A value for the schema; only where a schema cannot be fitted does it not fit."""
    said = words or Words("")
    try:
        judge = jsonschema_rs.validator_for(dict(schema), offline=True)
    except (ValueError, TypeError, RecursionError):
        judge = None
    value: Any = None
    for tape in _tapes(lambda tape: _Filler(schema, said.fresh(), tape).value()):
        value = tape.result
        if judge is None or judge.is_valid(value):
            return value
    return value


class Tape:
    """The choices of one try: at each place the way to go, and how many there were."""

    def __init__(self, ways: Sequence[int] = ()) -> None:
        self._ways = ways
        self.options: list[int] = []
        self.result: Any = None

    def choose(self, options: int) -> int:
        at = len(self.options)
        self.options.append(options)
        return min(self._ways[at], options - 1) if at < len(self._ways) else 0


def _tapes(run: Any) -> Iterator[Tape]:
    """Tries with their results: the first ways; each place changed alone; then ways at random, the same each time."""
    first = Tape()
    first.result = run(first)
    yield first
    count = 1
    for at, options in enumerate(first.options[:60]):
        for way in range(1, min(options, 8)):
            yield _tried(run, [*[0] * at, way])
            count += 1
    rng = random.Random(7)  # noqa: S311
    for _ in range(TRIES - count):
        yield _tried(run, [rng.randrange(options) if rng.random() < 0.4 else 0 for options in first.options + [6] * 9])


def _tried(run: Any, ways: Sequence[int]) -> Tape:
    tape = Tape(ways)
    tape.result = run(tape)
    return tape


class _Filler:
    def __init__(self, root: Mapping[str, Any], words: Words, tape: Tape) -> None:
        self._schemas = Schemas(root)
        self._words = words
        self._tape = tape
        self._made = itertools.count()

    def value(self) -> Any:
        return self._fill(self._schemas.root, "", 0)

    def _fill(self, schema: Any, name: str, depth: int) -> Any:
        if schema is True or schema == {}:
            return self._words.text(name) or "yes"
        if not isinstance(schema, Mapping) or depth > 40:
            return None
        flat = self._schemas.flat(schema, lambda options, nulls: self._branch(options, nulls, name, depth))
        if "const" in flat:
            return flat["const"]
        if members := flat.get("enum"):
            return self._member(members, name)
        kinds = kinds_of(flat)
        kind = kinds[self._tape.choose(len(kinds))] if len(kinds) > 1 else kinds[0]
        match kind:
            case "object":
                return self._object(flat, depth)
            case "array":
                return self._array(flat, name, depth)
            case "string":
                return self._string(flat, name)
            case "integer" | "number":
                return self._number(flat, name, whole=kind == "integer")
            case "boolean":
                said = self._words.truth(name)
                default = flat.get("default")
                first = said if said is not None else default if isinstance(default, bool) else True
                return first if self._tape.choose(2) == 0 else not first
        return None

    def _branch(self, options: int, nulls: Sequence[int], name: str, depth: int) -> int:
        """The way to go among branches: a null only where things have become deep."""
        order = [at for at in range(options) if at not in nulls] + list(nulls)
        if depth > _DEEP:
            order.reverse()
        return order[self._tape.choose(options)]

    def _member(self, members: Sequence[Any], name: str) -> Any:
        said = self._words.member(members, name)
        order = sorted(range(len(members)), key=lambda at: at != said)
        return members[order[self._tape.choose(len(members))]]

    # -- objects and arrays ----------------------------------------------------------------------------------------
    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema.get("properties") or {}
        names = self._wanted(schema, properties, depth)
        most = schema.get("maxProperties", 10_000)
        made = {name: self._fill(self._of_property(schema, name), name, depth + 1) for name in names[: int(most)]}
        missing = int(schema.get("minProperties", 0)) - len(made)
        for name in itertools.islice(self._more_names(schema, made), max(missing, 0)):
            made[name] = self._fill(self._of_property(schema, name), name, depth + 1)
        return made

    def _wanted(self, schema: Mapping[str, Any], properties: Mapping[str, Any], depth: int) -> list[str]:
        """Required names, then those the prompt names; all of them where nothing says what is required."""
        required = [name for name in schema.get("required") or () if isinstance(name, str)]
        names = list(dict.fromkeys(required))
        optional = [name for name in properties if name not in names and properties[name] is not False]
        way = self._tape.choose(3) if optional else 0
        if way == 1:
            names += optional
        elif way == 0 and depth <= _DEEP:
            said = [name for name in optional if self._words.mentions(name)]
            names += said if required or depth > 2 or "default" in str(properties) else said or optional
        for name in names:
            names += [n for n in (schema.get("dependentRequired") or {}).get(name, ()) if n not in names]
        return sorted(names, key=lambda name: list(properties).index(name) if name in properties else len(properties))

    def _of_property(self, schema: Mapping[str, Any], name: str) -> Any:
        found = [schema["properties"][name]] if name in (schema.get("properties") or {}) else []
        found += self._schemas.of_patterns(schema, name)
        if not found:
            found = [schema.get("additionalProperties", schema.get("unevaluatedProperties", True))]
        return found[0] if len(found) == 1 else {"allOf": found}

    def _more_names(self, schema: Mapping[str, Any], made: Mapping[str, Any]) -> Iterator[str]:
        yield from (name for name in schema.get("properties") or {} if name not in made)
        for pattern in schema.get("patternProperties") or {}:
            found = [matching(pattern, seed=n) for n in range(6)]
            some = [name for name in found if name is not None]
            more = [f"{name}{n}" for n, name in enumerate(some)]
            yield from (name for name in dict.fromkeys([*some, *more]) if name not in made and _searched(pattern, name))
        rule = schema.get("propertyNames")
        if isinstance(rule, Mapping):
            yield from (str(self._fill({"type": "string", **rule}, "", 9)) for _ in range(12))
        yield from (f"key{n}" for n in itertools.count(1))

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        least, most = int(schema.get("minItems", 0)), int(schema.get("maxItems", 10_000))
        first: Sequence[Any] = schema.get("prefixItems") or ()
        rest = schema.get("items", True)
        if isinstance(rest, list):
            first, rest = rest, schema.get("additionalItems", True)
        contains = schema.get("contains")
        listed = self._words.listed(name) if rest is not False and kinds_of(rest)[0] == "string" else []
        usual = len(listed) or (0 if depth > _DEEP else 1)
        wanted = [max(usual, len(first)), least, max(least, len(first)), 0, 2][self._tape.choose(5)]
        if rest is False:
            wanted = min(wanted, len(first))
        needed = int(schema.get("minContains", 1)) if contains is not None else 0
        length = min(max(wanted, least, needed), most)
        made: list[Any] = []
        for at in range(length):
            inner = first[at] if at < len(first) else rest
            if at >= length - needed:
                inner = contains if inner is True else {"allOf": [inner, contains]}
            made.append(self._item(schema, inner, name, depth, made))
        return made

    def _item(self, schema: Mapping[str, Any], inner: Any, name: str, depth: int, made: list[Any]) -> Any:
        value = self._fill(inner, name, depth + 1)
        if schema.get("uniqueItems"):
            for _ in range(20):
                if value not in made:
                    break
                value = self._fill(self._other(inner, made), name, depth + 1)
        return value

    def _other(self, inner: Any, made: list[Any]) -> Any:
        """The schema of an item without the values that are there: by the members left, or by a higher number."""
        flat = self._schemas.flat(inner, lambda options, nulls: len(made) % options) if inner is not True else {}
        if members := flat.get("enum"):
            return {"enum": [member for member in members if member not in made] or members}
        kind = kinds_of(flat)[0]
        if kind == "boolean":
            return {"enum": [value for value in (True, False) if value not in made] or [True]}
        numbers = [value for value in made if isinstance(value, int | float)]
        if kind in ("integer", "number") and numbers:
            return {**flat, "exclusiveMinimum": max(numbers)}
        if kind == "string" and "pattern" not in flat and "format" not in flat:
            length = max(int(flat.get("minLength", 0)), 3)
            text = f"{len(made):0{length}d}"
            return {"const": text[-int(flat.get("maxLength", len(text))) :]}
        return inner

    # -- strings and numbers ---------------------------------------------------------------------------------------
    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", 1_000_000))
        number, ways = next(self._made), self._tape.choose(4)
        default = schema.get("default")
        if pattern := schema.get("pattern"):
            said = self._words.text(name)
            if said and ways == 0 and least <= len(said) <= most and _searched(str(pattern), said):
                return said
            return matching(str(pattern), least, number + ways) or "x"
        if kind := _FORMATS.get(str(schema.get("format"))):
            return self._words.of_format(str(schema["format"])) or kind[number % len(kind)]
        said = self._words.text(name, str(schema.get("description", "")))
        text = said or (default if isinstance(default, str) else "") or f"sandbox {name}".strip()
        text = (text, f"sandbox {name}", f"{text} {number}", "x")[ways]
        if len(text) < least:
            text += "." * (least - len(text))
        return text[:most]

    def _number(self, schema: Mapping[str, Any], name: str, *, whole: bool) -> int | float:
        step = schema.get("multipleOf") or (1 if whole else 0)
        step = step if not whole or float(step).is_integer() else 1
        least, most = _bounds(schema, whole=whole, step=step)
        said = self._words.number(name, whole=whole)
        default = schema.get("default")
        candidates = [said, default if isinstance(default, int | float) else None, 1 if whole else 1.5, least, most, 0]
        usable = [value for value in candidates if value is not None and not isinstance(value, bool)]
        fitting = [v for value in usable if (v := _on_step(value, step)) is not None and _within(v, least, most)]
        if not fitting and least is not None:
            fitting = [_on_step(least, step, up=True)]
        elif not fitting and most is not None:
            fitting = [_on_step(most, step)]
        if not fitting:
            return 0
        found = fitting[self._tape.choose(len(fitting))]
        return int(found) if whole else found


def _searched(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def _bounds(schema: Mapping[str, Any], *, whole: bool, step: float) -> tuple[float | None, float | None]:
    """The least and the greatest value; exclusive ones are moved by a step."""
    least, most = schema.get("minimum"), schema.get("maximum")
    below, above = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if below is True:
        below, least = least, None
    if above is True:
        above, most = most, None
    nudge = step or _nudge(below, above)
    if isinstance(below, int | float) and not isinstance(below, bool):
        least = max(x for x in (least, below + nudge) if x is not None)
    if isinstance(above, int | float) and not isinstance(above, bool):
        most = min(x for x in (most, above - nudge) if x is not None)
    if whole:
        least = None if least is None else -int(-least // 1)
        most = None if most is None else int(most // 1)
    return least, most


def _nudge(below: Any, above: Any) -> float:
    """A step that stays between two exclusive bounds."""
    if isinstance(below, int | float) and isinstance(above, int | float):
        return min(0.5, (above - below) / 4) or 0.5
    return 0.5


def _within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _on_step(value: float, step: float, *, up: bool = False) -> Any:
    """The multiple of the step at or below the value, or at or above it."""
    if not step:
        return value
    times = value / step
    near = round(times)
    if abs(times - near) > 1e-9:
        near = int(times // 1) + (1 if up else 0)
    return near * step
