"""Reader of hand-written YAML: plain values, with the line of every key.

    read_yaml     values as YAML 1.1 has them: numbers, truth, dates
    read_texts    config.yaml: every key and value is a plain word, as it was written (providers/contract/written.py)

Bounded while it is parsed, whatever it is: the depth, the number of values (what an alias stands for is counted each
time it is used, so a few lines cannot grow into billions), the length of one text. The parser hands over one event at
a time; between two of them other threads run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from addons.config.yaml_words import ReadingPlace, describe_error
from providers.contract.written import Nothing

DEPTH_LIMIT: Final = 32
VALUES_LIMIT: Final = 20_000
TEXT_LIMIT: Final = 64 * 1024
"""Characters of one key or value."""
SHORT: Final = 100
"""A plain word of more characters is text, whatever it looks like: a number of a megabyte takes minutes to read."""

_PREFIX: Final = "tag:yaml.org,2002:"
_TEXT: Final = f"{_PREFIX}str"
_MERGE: Final = f"{_PREFIX}merge"
_SCALARS: Final = frozenset(_PREFIX + name for name in ("str", "int", "float", "bool", "null", "timestamp"))
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

type KeyPath = tuple[str | int, ...]
"""The keys on the way to a value, and the numbers of entries in lists."""


class YamlProblem(Exception):
    """The text cannot be used. `line` counts from 1."""

    def __init__(self, words: str, line: int | None) -> None:
        super().__init__(words)
        self.line = line


@dataclass(slots=True)
class YamlValue:
    """A document. `lines` has the line of every key by its path, `twice` those that stood twice, with the first."""

    value: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    twice: dict[KeyPath, int] = field(default_factory=dict)


def read_yaml(text: str) -> YamlValue:
    """The only document in `text`; no value when there is none. Raises YamlProblem."""
    return _read(text, _Reader(text, _Scalars()))


def read_texts(text: str) -> YamlValue:
    """The same document with text for every value, and Nothing where there is none. Raises YamlProblem."""
    return _read(text, _Reader(text, _Words()))


def _read(text: str, reader: "_Reader") -> YamlValue:
    try:
        return reader.read()
    except yaml.YAMLError as e:
        words, line = describe_error(e, text, reader.place())
        raise YamlProblem(f"is not valid YAML: {words}", line) from None
    except (ValueError, OverflowError, RecursionError) as e:  # a date in a thirteenth month, 0b_
        raise YamlProblem(f"is not valid YAML: {e}", reader.line) from None


class _Scalars(SafeConstructor, Resolver):
    """YAML 1.1's words for numbers, truth, nothing and dates, as PyYAML reads them."""

    def __init__(self) -> None:
        SafeConstructor.__init__(self)
        Resolver.__init__(self)

    def value_of(self, event: Any) -> Any:
        """The value of a scalar event."""
        tag = self._tag(event)
        if tag == _TEXT:
            return event.value
        if tag not in _SCALARS or len(event.value) > SHORT:
            raise YamlProblem(f"has a value of a kind that is not read here ({tag[:100]})", event.start_mark.line + 1)
        node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        return self.yaml_constructors[tag](self, node)

    def key_of(self, event: Any) -> Any:
        return self.value_of(event)

    def is_merge(self, event: Any) -> bool:
        return self._tag(event) == _MERGE

    def _tag(self, event: Any) -> str:
        if event.tag is not None and event.tag != "!":
            return str(event.tag)
        if event.tag == "!" or not event.implicit[0] or len(event.value) > SHORT:
            return _TEXT
        resolve: Any = self.resolve
        return str(resolve(yaml.ScalarNode, event.value, event.implicit))


class _Words(_Scalars):
    """Reads every scalar as text: what it means is for the model of its key to say."""

    def value_of(self, event: Any) -> Any:
        if event.tag not in (None, "!", *_SCALARS):
            return super().value_of(event)  # refuses it
        plain = event.tag is None and event.implicit[0]
        return Nothing(event.value) if plain and event.value in _NULLS else event.value

    def key_of(self, event: Any) -> Any:
        return str(self.value_of(event))


@dataclass(slots=True)
class _Anchored:
    """The value an alias stands for, how many values that is, and the lines of the keys in it."""

    value: Any
    size: int


class _Reader:
    """One text. Methods take the event that begins a value and read to its end."""

    def __init__(self, text: str, scalars: _Scalars) -> None:
        self.line = 1
        self._events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
        self._scalars = scalars
        self._brackets: list[tuple[str, int]] = []
        """The `[` and `{` that are open, each with its line."""
        self._quoted: tuple[int, int] | None = None
        """First and last line of the last text in quotes that goes over several."""
        self._anchors: dict[str, _Anchored | None] = {}
        """None while the value is not complete: an alias to it would be a value that contains itself."""
        self._count = 0
        self._found = YamlValue()

    def read(self) -> YamlValue:
        """Raises YamlProblem, yaml.YAMLError, ValueError."""
        self._next()  # the stream begins
        if isinstance(event := self._next(), yaml.StreamEndEvent):
            return self._found
        event = self._next()
        self._found.lines[()] = event.start_mark.line + 1
        self._found.value = self._value(event, ())
        self._next()  # the document ends
        if not isinstance(event := self._next(), yaml.StreamEndEvent):
            raise self._problem("has more than one document")
        return self._found

    def place(self) -> ReadingPlace:
        """What is known of the place where reading came to its end."""
        return ReadingPlace(self.line, self._brackets[-1] if self._brackets else None, self._quoted)

    def _next(self) -> Any:
        event = next(self._events)
        self.line = event.start_mark.line + 1
        if isinstance(event, yaml.CollectionStartEvent) and event.flow_style:
            self._brackets.append(("[" if isinstance(event, yaml.SequenceStartEvent) else "{", self.line))
        elif isinstance(event, yaml.CollectionEndEvent) and self._brackets:
            # (what is inside of brackets is written with brackets: a block ends outside of all)
            self._brackets.pop()
        elif isinstance(event, yaml.ScalarEvent) and event.style in ("'", '"'):
            last = event.end_mark.line + 1 if event.end_mark else self.line
            self._quoted = (self.line, last) if last > self.line else self._quoted
        return event

    def _value(self, event: Any, path: KeyPath) -> Any:
        if len(path) > DEPTH_LIMIT:
            raise self._problem(f"is nested deeper than {DEPTH_LIMIT} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        self._counted(1)
        before = self._count
        anchor = event.anchor
        if anchor is not None:
            self._anchors[anchor] = None
        value = self._new(event, path)
        if anchor is not None:
            self._anchors[anchor] = _Anchored(value, 1 + self._count - before)
        return value

    def _new(self, event: Any, path: KeyPath) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalars.value_of(self._bounded(event))
        if event.tag not in (None, "!", f"{_PREFIX}map", f"{_PREFIX}seq"):
            raise self._problem(f"has a value of a kind that is not read here ({event.tag[:100]})")
        return self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._sequence(path)

    def _alias(self, event: Any) -> Any:
        known = self._anchors.get(event.anchor, False)
        if known is False:
            raise self._problem(f"has an alias to {event.anchor[:100]!r}, which is not defined before")
        if not isinstance(known, _Anchored):
            raise self._problem(f"has a value that contains itself ({event.anchor[:100]!r})")
        self._counted(known.size)
        return known.value

    def _sequence(self, path: KeyPath) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            inner = (*path, len(items))
            self._found.lines[inner] = event.start_mark.line + 1
            items.append(self._value(event, inner))
        return items

    def _mapping(self, path: KeyPath) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        merged: list[dict[Any, Any]] = []
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._problem("has a key that is not a plain word")
            self._counted(1)
            if self._scalars.is_merge(self._bounded(event)):
                merged += self._merged(self._value(self._next(), (*path, "<<")))
                continue
            key = self._scalars.key_of(event)
            inner = (*path, str(key))
            if inner in self._found.lines:
                self._found.twice.setdefault(inner, self._found.lines[inner])
            self._found.lines[inner] = self.line
            found[key] = self._value(self._next(), inner)
        for other in merged:  # of several the first goes first, and own keys before all
            found = {**other, **found}
        return found

    def _merged(self, value: Any) -> list[dict[Any, Any]]:
        """The mappings that `<<` brings in."""
        several = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in several):
            raise self._problem("has a '<<' that brings in something else than mappings")
        return several

    def _bounded(self, event: Any) -> Any:
        if len(event.value) > TEXT_LIMIT:
            raise self._problem(f"has a text of more than {TEXT_LIMIT // 1024} KB")
        if "\0" in event.value:
            raise self._problem("has a text with a zero byte")
        event.value.encode()  # half a surrogate, written as an escape, can be in no file name, header or log
        return event

    def _counted(self, more: int) -> None:
        self._count += more
        if self._count > VALUES_LIMIT:
            raise self._problem(f"has more than {VALUES_LIMIT} values (what aliases stand for included)")

    def _problem(self, words: str) -> YamlProblem:
        return YamlProblem(words, self.line)
