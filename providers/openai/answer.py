"""Reader of completion objects: one chunk of a stream, or a whole completion, to events."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, FinishReason, Passthrough, Usage
from providers.formats.jsontext import mapping, text, whole
from providers.official.errors import error_event, says_error
from providers.official.reasons import broken_off, end_of, joined
from providers.openai.choice import ARGUMENTS, WORD_FIELDS, Choice, ReadingOptions, arguments_in
from providers.openai.citations import from_web_search
from providers.openai.form import Form
from providers.openai.usage import best, counts_tokens, usage_of

CHOICES_LIMIT: Final = 1024
ENTRIES_LIMIT: Final = 5000
"""Fields, parts, tool calls and sources of a whole answer; each becomes an event, or a field of one."""
_DEPTH_LIMIT: Final = 8
_UNKNOWN_LIMIT: Final = 64
_FIELDS_LIMIT: Final = 256
"""Names of fields beside the choices, over all chunks; they are remembered."""
_ID: Final = re.compile(r"[\x21-\x7e]{1,256}")
_CHUNK_KNOWN: Final = frozenset({"id", "object", "created", "model", "choices", "usage", "error"})
_WINDOW: Final = frozenset({"model_context_window_exceeded", "context_length_exceeded"})
"""Finish reasons (Z.AI, Anthropic's form) that say `length` of an answer, and too long of a conversation."""
_WRAPPERS: Final = ("data", "result", "response", "output")
"""Names under which relays put the completion into an envelope of their own."""

_TOLD: Final = ("finish_reason", "finishReason", "usage", "message", "error")
"""What says something beside a choice's delta."""
_FORGOTTEN: Final = object()
"""Stands for a field's value that is too large to be remembered: it is equal to none, so it is told each time."""
_NAMED_FIELDS: Final = 5
_SMALL_PARTS: Final = 200
_SMALL_CHARS: Final = 4000


class OpenAIAnswer:
    """The reader of one answer. `candidates`: how many were asked for."""

    def __init__(self, form: Form, unknown: Counter[str], *, candidates: int, reading: ReadingOptions) -> None:
        self._form = form
        self._unknown = unknown
        self._candidates = candidates
        self._reading = reading
        self._choices: dict[int, Choice] = {}
        self._ended = 0
        """How many candidates gave their finish_reason."""
        self._newest: Choice | None = None
        """The candidate that was last heard of."""
        self._first: int | None = None
        """The index that the API gave the only candidate."""
        self._identified = False
        self._joined: set[int] = set()
        """Indexes that are parts of the only candidate."""
        self._fields: dict[str, Any] = {}
        self._usage: Mapping[str, Any] | None = None
        self._cited: set[str] = set()

    @property
    def began(self) -> bool:
        return bool(self._choices)

    @property
    def answered(self) -> bool:
        """Whether every candidate that gave no reason said something."""
        return all(choice.reason or choice.answered for choice in self._choices.values())

    @property
    def lost(self) -> bool:
        """Whether a candidate ends with a tool call that never came."""
        return any(choice.lost for choice in self._choices.values())

    @property
    def cut(self) -> bool:
        """Whether a candidate is in the middle of a tool call."""
        return any(choice.cut for choice in self._choices.values())

    @property
    def finished(self) -> bool:
        """Whether every candidate gave its finish_reason."""
        return self._ended == len(self._choices) and self._ended >= self._candidates

    def read(self, completion: Mapping[str, Any], out: list[Event]) -> Failure | None:
        """Events of a chunk or a whole completion; a Failure when the answer ends with it."""
        completion = unwrapped(completion)
        choices = _listed(completion.get("choices"))
        error = None
        if not choices or says_error(completion):
            error = error_event(completion, self._form.error_codes)
        if choices is not None:
            self._identify(completion, out)
            fresh = self._around(completion, out)
            for position, choice in enumerate(choices):
                failure = self._choice(choice, position, out, failed=error is not None, alone=len(choices) == 1)
                if failure is not None:
                    return failure
        if error is not None:
            return Failure(error)
        if choices is None:
            self._keep_usage(completion)
            if not _tells_usage_alone(completion):
                self._count(f"frame without choices: {_named(completion)}")
        elif fresh:
            self._cite(fresh, out)
        return None

    def goes_on(self, field: str, words: str, out: list[Event]) -> None:
        """As `read` of a chunk that is as the one before, of which `words_in` knew the words, but for those."""
        if words and self._newest is not None:
            self._newest.goes_on(field, words, out)

    def finish(self, out: list[Event]) -> Finish:
        """Emits what was held back, and the Finish."""
        reasons: dict[int, FinishReason] = {}
        for index, choice in sorted(self._choices.items()):
            choice.close(out)
            reasons[index] = choice.end()
        return Finish(reasons.pop(0, "stop"), tuple(reasons.items()))

    def usage(self) -> Usage | None:
        return None if self._usage is None else usage_of(self._usage)

    # -- candidates -----------------------------------------------------------------------------------------------
    def _choice(self, value: Any, position: int, out: list[Event], *, failed: bool, alone: bool) -> Failure | None:
        if isinstance(value, str):
            value = {"text": value}
        if not isinstance(value, dict):
            self._count("choice that is no object")
            return None
        index = self._index(value, position, alone=alone)
        choice = self._choices.get(index)
        if choice is None:
            if not 0 <= index < CHOICES_LIMIT:
                self._count("choice out of range")
                return None
            choice = self._choices[index] = Choice(index, self._reading, self._unknown)
        self._newest = choice
        choice.read(value, out)
        if "usage" in value:  # Moonshot
            self._keep_usage(value)
        elif "usage" in (delta := mapping(value.get("delta"))):
            self._keep_usage(delta)
        if failed:
            return None
        if (error := self._error_inside(value)) is not None:
            return Failure(error)
        reason = value.get("finish_reason") or value.get("finishReason")
        if not reason and "finish_reason" in (delta := mapping(value.get("delta"))):
            reason = delta["finish_reason"]
        return self._end_choice(choice, reason) if reason else None

    def _error_inside(self, value: Mapping[str, Any]) -> ProviderError | None:
        """The error that an entry of `choices` has, or its delta or message (OpenRouter, when a provider of its own
        fails)."""
        for place in (value, value.get("delta"), value.get("message")):
            if isinstance(place, dict) and place.get("error"):
                return error_event({"error": place["error"]}, self._form.error_codes)
        return None

    def _index(self, value: Mapping[str, Any], position: int, *, alone: bool) -> int:
        """Where one candidate was asked for it is index 0, whatever the API counts by."""
        said = value.get("index")
        index = int(said) if isinstance(said, str) and said.isascii() and said[:9].isdigit() else whole(said)
        if index is None:
            index = position
        if self._candidates != 1:
            return index
        if self._first is None and alone:
            self._first = index
        if index == self._first:
            return 0
        first = self._choices.get(0)
        if index in self._joined:
            return 0
        message = mapping(value.get("delta")) or mapping(value.get("message"))
        if first is None or first.calls or not message.get("tool_calls") or message.get("content"):
            return index
        self._joined.add(index)  # Copilot tells the calls of an answer in a choice of their own
        return 0

    def _end_choice(self, choice: Choice, said: Any) -> Failure | None:
        end = end_of(said, self._form.finish_reasons)
        if end is None:
            return None
        if not end.known:
            self._count(f"finish_reason: {end.word}")
        if (error := broken_off(end, "finish_reason")) is not None:
            return Failure(error)
        if end.word in _WINDOW and choice.silent:
            words = "The conversation is too long for the model: its context window ended before the first word."
            return Failure(ProviderError(ErrorKind.TOO_LONG, words, site_code=end.word))
        if choice.reason is None:
            self._ended += 1
        choice.reason = joined(choice.reason, end.reason)
        return None

    # -- beside the candidates ------------------------------------------------------------------------------------
    def _identify(self, completion: Mapping[str, Any], out: list[Event]) -> None:
        """The API's id of the answer, before its first word."""
        said = completion.get("id")
        if not self._identified and isinstance(said, str) and _ID.fullmatch(said):
            self._identified = True
            out.append(Passthrough("chunk", {"id": said}))

    def _around(self, completion: Mapping[str, Any], out: list[Event]) -> Mapping[str, Any] | None:
        """Usage, and the fields beside the choices: each is passed on, before the words it came with, when it is new.

        Gives those fields."""
        if completion.get("usage"):
            self._keep_usage(completion)
        if completion.keys() <= _CHUNK_KNOWN:
            return None
        fresh = {
            name: value
            for name, value in completion.items()
            if name not in _CHUNK_KNOWN and (name not in self._fields or self._fields[name] != value)
        }
        if len(self._fields) + len(fresh) > _FIELDS_LIMIT:
            self._count("more fields beside the choices")
            fresh = {name: value for name, value in fresh.items() if name in self._fields}
        if not fresh:
            return None
        self._fields |= {name: value if _is_small(value) else _FORGOTTEN for name, value in fresh.items()}
        out.append(Passthrough("chunk", fresh))
        self._keep_usage(mapping(fresh.get("x_groq")))
        return fresh

    def _cite(self, fresh: Mapping[str, Any], out: list[Event]) -> None:
        results = fresh.get("web_search")
        if isinstance(results, list):
            citations = from_web_search(results, self._cited)
            self._cited |= {citation.url for citation in citations}
            out += citations

    def _keep_usage(self, place: Mapping[str, Any]) -> None:
        usage = place.get("usage")
        if isinstance(usage, dict) and counts_tokens(usage):
            self._usage = best(self._usage, usage)

    def _count(self, what: str) -> None:
        """Counts, under a bounded number of names."""
        name = what[:80] if what in self._unknown or len(self._unknown) < _UNKNOWN_LIMIT else "more"
        self._unknown[name] += 1


def _tells_usage_alone(completion: Mapping[str, Any]) -> bool:
    """Whether a frame without choices is the last one of the official form, in which some APIs leave `choices` out."""
    return completion.keys() <= _CHUNK_KNOWN and counts_tokens(mapping(completion.get("usage")))


def _named(completion: Mapping[str, Any]) -> str:
    """The frame's name for itself; one that has none, by the names of its fields."""
    named = text(completion.get("type")) or text(completion.get("object"))
    fields = ", ".join(map(str, islice(completion, _NAMED_FIELDS)))
    return named or (f"fields {fields}" if fields else "an empty object")


def unwrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The completion in a relay's envelope (`{"code": 0, "data": {"choices": …}}`), else the value itself."""
    if "choices" in value:
        return value
    for name in _WRAPPERS:
        inner = value.get(name)
        if isinstance(inner, dict) and _listed(inner.get("choices")):
            usage = {"usage": value["usage"]} if "usage" in value else {}
            return {**usage, **inner}
    return value


def words_in(completion: Any) -> tuple[str, str] | None:
    """The field (WORD_FIELDS) and the words of a chunk that holds nothing else which is told or counted."""
    choices = completion.get("choices") if isinstance(completion, dict) else None
    if not isinstance(choices, list) or len(choices) != 1 or completion.get("usage"):
        return None
    choice = choices[0]
    if not isinstance(choice, dict) or any(choice.get(name) for name in _TOLD):
        return None
    filled = [item for item in mapping(choice.get("delta")).items() if item[1] and item[0] != "role"]
    if len(filled) != 1:
        return None
    name, value = filled[0]
    if name == "tool_calls":
        name, value = ARGUMENTS, arguments_in(value)
    return (name, value) if name in WORD_FIELDS and isinstance(value, str) else None


def _listed(choices: Any) -> list[Any] | None:
    """`choices` as a list; some APIs send one as an object. None where there are none."""
    if isinstance(choices, list):
        return choices
    if not isinstance(choices, dict) or not choices:
        return None
    return [choices] if choices.keys() & {"delta", "message", "finish_reason", "text"} else list(choices.values())


def has_more_entries(values: list[Any], most: int) -> bool:
    """Whether whole completions have more choices, fields, parts, tool calls and sources; looks at so many at most."""
    entries = chain.from_iterable(map(_entries_of, values))
    return next(islice(entries, most, None), None) is not None


_LISTS: Final = ("content", "tool_calls", "annotations", "reasoning_content", "reasoning", "reasoning_details")


def _entries_of(value: Any) -> Iterator[object]:
    if isinstance(value, list):
        for one in value:
            yield from _entries_of(mapping(one))
        return
    completion = unwrapped(mapping(value))
    yield from completion
    for choice in map(mapping, _listed(completion.get("choices")) or ()):
        yield choice
        yield from choice
        message = mapping(choice.get("message"))
        yield from message
        for name in _LISTS:
            yield from _entries(message.get(name))


def _entries(value: Any, depth: int = 0) -> Iterator[object]:
    """Entries of a list and of the lists in them, and parts of a part."""
    if depth > _DEPTH_LIMIT:
        return
    if isinstance(value, dict):
        for name in ("parts", "content", "text"):
            yield from _entries(value.get(name), depth + 1)
    elif isinstance(value, list):
        for entry in value:
            yield True
            yield from _entries(entry, depth + 1)


def _is_small(value: Any) -> bool:
    """Looks at a bounded number of parts, however large the value is."""
    rest, chars, parts = [value], 0, 0
    while rest:
        one = rest.pop()
        parts += 1
        if isinstance(one, dict):
            parts += len(one)
            rest += islice(one.values(), _SMALL_PARTS)
            chars += sum(map(len, islice(one, _SMALL_PARTS)))
        elif isinstance(one, list):
            parts += len(one)
            rest += islice(one, _SMALL_PARTS)
        elif isinstance(one, str):
            chars += len(one)
        if parts > _SMALL_PARTS or chars > _SMALL_CHARS:
            return False
    return True
