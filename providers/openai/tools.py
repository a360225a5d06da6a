"""The assembler of tool calls from fragments as APIs really send them: dense indexes, id and name once, whole JSON.

Two ends decide what belongs together: the end of a call's JSON, behind which another object is another call, and the
end of the answer, at which a call without arguments has none (`{}`). Seen in real answers:

    no index at all, or every parallel call at index 0, with own ids, without ids, or without a second name
    an id or a name repeated in each fragment, another id in each, an id or a name in several pieces, a late name
    arguments "" or null or absent, as an object, `{}` before the real ones, whole once more at the end
    calls without `function` around name and arguments; indexes as text; one call or a table of calls instead of a list
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, Final, NamedTuple

from providers.contract.events import Event, ToolCallDelta
from providers.formats.jsontext import EVENT_VALUES, loads, mapping, text, whole
from providers.openai.json_end import JsonEnd

_KNOWN: Final = frozenset({"index", "id", "type", "function"})
_FLAT: Final = frozenset({"name", "arguments", "input", "parameters"})
_NAMELESS_LIMIT: Final = 64
"""Fragments to wait for a name."""
_CALLS_LIMIT: Final = 1024
_WORD_LIMIT: Final = 1024
"""Characters of an id or a name that comes in pieces."""
_SETTLED_ID: Final = 9
"""An id of so many characters is a whole one (Mistral's have nine), not the `call_` of one in pieces."""
_EMPTY_OBJECTS: Final = re.compile(r"(?:\s*+\{\s*+\})++")
_MAYBE_OPEN: Final = re.compile(r"\s*+\{?\s*+")
"""What may still turn out to be an empty object that only holds the place of the real arguments."""
_LEAD: Final = re.compile(r"\s*+(\S)")
_EMPTY: Final = "{}"
_EMPTY_LIMIT: Final = 1000
"""Longer arguments than this are no empty object, however blank."""
_SNAPSHOT_CHARS: Final = 4
"""Arguments that begin with so much of what was told already are not their next piece, but all of them so far."""
_TEXT_LIMIT: Final = 1024 * 1024
_DEPTH_LIMIT: Final = 3


class CallFragment(NamedTuple):
    """A fragment of a tool call. `free`: a custom tool, whose input is no JSON."""

    place: int | None
    """The API's index, which is not always one."""
    id: str
    name: str
    arguments: str
    extra: dict[str, Any]
    free: bool


class _Call:
    __slots__ = (
        "_digest", "extra", "free", "held", "id", "index", "json", "name", "pending", "said_id", "size", "started",
    )  # fmt: skip

    def __init__(self, index: int) -> None:
        self.index = index
        self.said_id = ""
        self.id: str | None = None
        """The id to tell; None where the API gave none, or one that another call has already."""
        self.name = ""
        self.started = False
        self.free = False
        self.held = ""
        """The beginning of the arguments, while it may be an empty object before the real ones."""
        self.pending: list[str] = []
        self.extra: dict[str, Any] = {}
        self.json = JsonEnd()
        self.size = 0
        """Characters of the arguments that were told."""
        self._digest = hashlib.blake2b(digest_size=16)

    @property
    def blank(self) -> bool:
        """No arguments so far, not even an empty object."""
        return not self.json.begun and not self.held

    @property
    def open(self) -> bool:
        """Whether the arguments have begun and not ended."""
        return not self.free and not self.json.ended and (self.json.begun or not self.whole_object)

    @property
    def whole_object(self) -> bool:
        """An empty object is all there is so far."""
        return "}" in self.held

    def append(self, arguments: str) -> None:
        self.size += len(arguments)
        self._digest.update(arguments.encode("utf-8", "surrogatepass"))

    def same_as(self, arguments: str) -> bool:
        if len(arguments) != self.size:
            return False
        other = hashlib.blake2b(arguments.encode("utf-8", "surrogatepass"), digest_size=16)
        return other.digest() == self._digest.digest()


class ToolCallAssembler:
    """The assembler of one candidate. `names`: the tools of the request; they tell a name from a piece of one."""

    def __init__(self, choice: int, names: Set[str] = frozenset()) -> None:
        self._choice = choice
        self._names = names
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._waiting = 0
        """The first call that was not told yet."""
        self._row: list[_Call] = []
        """The calls that the last delta with several began; where nothing else names them, their place in it does."""

    def __bool__(self) -> bool:
        return bool(self._calls)

    @property
    def unfinished(self) -> bool:
        """Whether the end of the answer would now cut a call: its arguments are not all there, or not at all."""
        return any(call.open for call in self._calls)

    @property
    def broken_off(self) -> bool:
        """Whether the JSON of a call has begun and not ended, whatever the API says of the answer's end."""
        return any(not call.free and (call.json.inside or call.held == "{") for call in self._calls)

    def read(self, fragments: Sequence[Mapping[str, Any]], out: list[Event], *, complete: bool) -> None:
        """Fragments of a delta, or the `complete` calls of a whole message; as `listed` gives them."""
        before = len(self._calls)
        parsed = list(map(_parse_fragment, fragments))
        row = self._row if len(parsed) == len(self._row) and not any(map(_has_identity, parsed)) else []
        for position, fragment in enumerate(parsed):
            known = self._calls[position] if complete and position < before else None
            if known is not None and (
                self._is_repetition(known, fragment) or self._is_growing_snapshot(known, fragment, out)
            ):
                continue
            if complete and (known is None or not known.open):
                call = self._new(fragment)
            elif known is not None and not fragment.id and not fragment.name:
                call = known
            else:
                call = row[position] if row and row[position].open else self._find(fragment)
            if known is not None or not self._is_growing_snapshot(call, fragment, out):
                self._add(call, fragment, out)
        if len(parsed) > 1 and len(self._calls) - before == len(parsed):
            self._row = self._calls[before:]

    def flush(self, out: list[Event], *, complete: bool = True) -> None:
        """Emits what was held back. `complete` False: the answer was cut, and no call is given what it never said."""
        for call in self._calls:
            arguments = _EMPTY if call.whole_object or (complete and call.blank and not call.free) else call.held
            call.held = ""
            if call.started:
                self._emit_call(call, arguments, {}, out)
            elif call.said_id or call.name or call.pending or arguments != _EMPTY:
                call.pending.append(arguments)
                self._start(call, out)

    # -- which call -----------------------------------------------------------------------------------------------
    def _find(self, fragment: CallFragment) -> _Call:
        """The call a fragment belongs to, a new one if need be."""
        last = self._calls[-1] if self._calls else None
        if fragment.place is None:
            known = self._by_id.get(fragment.id) if fragment.id else last
            if known is None and last is not None and self._continues_under_new_id(last, fragment):
                known = last
        else:
            known = self._by_index.get(fragment.place)
            named = self._by_id.get(fragment.id) if fragment.id else None
            if named is not None and named.open and (known is not None or not fragment.name):
                known = named  # of two calls at one index the id tells them apart
        if known is not None and self._continues(known, fragment):
            return known
        if len(self._calls) >= _CALLS_LIMIT and last is not None:
            return last
        return self._new(fragment, like=known)

    def _continues_under_new_id(self, last: _Call, fragment: CallFragment) -> bool:
        """An unknown id, and no index: the same call under another id, while its JSON is open and none begins."""
        begins = not fragment.arguments.strip() or fragment.arguments.lstrip()[0] == "{"
        return last.json.begun and last.open and (not fragment.name or (fragment.name == last.name and not begins))

    def _continues(self, call: _Call, fragment: CallFragment) -> bool:
        """Whether the fragment is more of `call`, not the beginning of the next one."""
        new_id = bool(fragment.id and call.said_id and fragment.id != call.said_id)
        renamed = bool(fragment.name and call.name and fragment.name != call.name)
        if call.free or fragment.free:
            return not new_id
        arguments = fragment.arguments.strip()
        if call.blank:
            if renamed:
                return not new_id and self._is_name_piece(call, fragment)
            return not (new_id and fragment.name and call.name and not arguments)
        if renamed:
            return False
        repeated = bool(fragment.id) and not new_id
        if call.json.ended:
            if not arguments or arguments == _EMPTY:
                return not fragment.name or ((repeated or not arguments) and not new_id)
            if arguments[0] not in "{[":
                return True
            return (repeated or not (fragment.name or new_id)) and call.same_as(arguments)
        if call.json.begun:
            return True
        if arguments == _EMPTY:
            return repeated or not (fragment.name or new_id)
        return not (new_id and fragment.name)

    def _is_name_piece(self, call: _Call, fragment: CallFragment) -> bool:
        """Whether another name before any arguments is the next piece of the name."""
        if fragment.name.startswith(call.name) and fragment.name not in self._names:
            return True
        if self._names:
            joined = call.name + fragment.name
            return any(name.startswith(joined) for name in self._names) or call.name not in self._names
        return fragment.place is not None

    def _is_repetition(self, call: _Call, fragment: CallFragment) -> bool:
        """Whether a whole call is one that was told before: a message that is sent again as it grows."""
        same = fragment.id == call.said_id if fragment.id and call.said_id else fragment.name == call.name
        arguments = fragment.arguments.strip()
        return same and (call.same_as(arguments) or (not call.json.begun and arguments in ("", _EMPTY)))

    def _is_growing_snapshot(self, call: _Call, fragment: CallFragment, out: list[Event]) -> bool:
        """Whether a fragment says all of a call so far once more, and some more of it; that is then told."""
        if not (call.started and call.open and call.size >= _SNAPSHOT_CHARS and len(fragment.arguments) > call.size):
            return False
        named = (fragment.name and fragment.name == call.name) or (fragment.id and fragment.id == call.said_id)
        if not named:
            return False
        if not call.same_as(fragment.arguments[: call.size]):
            return False
        self._add(call, fragment._replace(arguments=fragment.arguments[call.size :]), out)
        return True

    def _new(self, fragment: CallFragment, like: _Call | None = None) -> _Call:
        call = _Call(len(self._calls))
        self._calls.append(call)
        if fragment.place is not None:
            self._by_index[fragment.place] = call
        if like is not None and not fragment.name and fragment.arguments:
            call.name = like.name  # a second object without a name of its own
        return call

    # -- what it says ---------------------------------------------------------------------------------------------
    def _add(self, call: _Call, fragment: CallFragment, out: list[Event]) -> None:
        call.free = call.free or fragment.free
        self._identify(call, fragment)
        started, before, first = call.started, len(out), call
        if not started:
            call.extra |= fragment.extra
        arguments, at = fragment.arguments, 0
        if not call.whole_object:
            arguments, call.held = call.held + arguments, ""
        while True:
            at = self._take_arguments(call, arguments, at, out)
            if not call.started and self._may_start(call):
                self._start(call, out)
            if at >= len(arguments):
                break
            call = self._new(fragment._replace(name="", id=""), like=call)  # another object behind the end of this one
        if started and fragment.extra:
            told = out[before] if len(out) > before else None
            if isinstance(told, ToolCallDelta) and told.index == first.index:
                out[before] = replace(told, extra=fragment.extra)
            else:
                self._emit_call(first, "", fragment.extra, out)

    def _identify(self, call: _Call, fragment: CallFragment) -> None:
        """Id and name, as far as this fragment has them."""
        if fragment.id and fragment.id != call.said_id and not call.started:
            more = not fragment.name and not fragment.arguments and call.blank
            if not call.said_id or more:
                grown = (
                    fragment.id if fragment.id.startswith(call.said_id) else (call.said_id + fragment.id)[:_WORD_LIMIT]
                )
                if self._by_id.get(call.said_id) is call:
                    del self._by_id[call.said_id]
                call.said_id = grown
                call.id = grown if self._by_id.setdefault(grown, call) is call else None
        if fragment.name and not call.started:
            if fragment.name.startswith(call.name) or not call.blank:
                call.name = fragment.name if call.blank or not call.name else call.name
            elif fragment.name != call.name:
                call.name = (call.name + fragment.name)[:_WORD_LIMIT]

    def _take_arguments(self, call: _Call, arguments: str, at: int, out: list[Event]) -> int:
        """Takes the arguments from `at` on that are the call's; gives where behind the end of its JSON another begins.

        Positions, not copies of the rest: a fragment may be megabytes of objects.
        """
        while at < len(arguments) and not call.json.ended:
            if call.whole_object:
                lead = _LEAD.match(arguments, at)
                if lead is None:
                    return len(arguments)
                held, call.held = call.held, ""
                if lead[1] != "{":  # the empty object was the value; else it held the place of these
                    call.json.read(held)
                    self._emit(call, held, out)
                    break
            if not call.json.begun:
                if empty := _EMPTY_OBJECTS.match(arguments, at):
                    call.held, at = _EMPTY, empty.end()
                    continue
                if len(arguments) - at <= _EMPTY_LIMIT and _MAYBE_OPEN.fullmatch(arguments, at):
                    call.held = arguments[at:].strip()
                    return len(arguments)
            end = call.json.read(arguments, at)
            self._emit(call, arguments[at:end], out)
            at = end
        return self._take_rest(call, arguments, at, out)

    def _take_rest(self, call: _Call, arguments: str, at: int, out: list[Event]) -> int:
        """What stands behind the end of a call's JSON: nothing, the same once more, another object, or odd words."""
        lead = _LEAD.match(arguments, at)
        if lead is None:
            return len(arguments)
        if len(arguments) - at <= max(_EMPTY_LIMIT, 2 * call.size):  # in what is longer both are lost
            behind = arguments[at:].strip()
            if behind == _EMPTY or call.same_as(behind):
                return len(arguments)
        if lead[1] in "{[" and len(self._calls) < _CALLS_LIMIT:
            return lead.start(1)
        self._emit(call, arguments[at:], out)
        return len(arguments)

    def _emit(self, call: _Call, arguments: str, out: list[Event]) -> None:
        call.append(arguments)
        if call.started:
            self._emit_call(call, arguments, {}, out)
        else:
            call.pending.append(arguments)

    def _may_start(self, call: _Call) -> bool:
        """Whether name and id are whole: the arguments have begun, or the name is one of the request's tools."""
        if call.free:
            return bool(call.name)
        if len(call.pending) > _NAMELESS_LIMIT:
            return True
        if not call.name:
            return False
        if call.json.begun or call.held:
            return True
        if len(call.said_id) < _SETTLED_ID or call.name not in self._names:
            return False
        return not any(name != call.name and name.startswith(call.name) for name in self._names)

    def _start(self, call: _Call, out: list[Event]) -> None:
        """Tells a call, and before it those that came first: clients count calls as they come."""
        for earlier in self._calls[self._waiting : call.index]:
            if not earlier.started and earlier.name:
                self._begin(earlier, out)
        self._begin(call, out)
        while self._waiting < len(self._calls) and self._calls[self._waiting].started:
            self._waiting += 1

    def _begin(self, call: _Call, out: list[Event]) -> None:
        call.started = True
        arguments = "".join(call.pending)
        call.pending = []
        out.append(ToolCallDelta(call.index, call.id, call.name, arguments, self._choice, call.extra or None))

    def _emit_call(self, call: _Call, arguments: str, extra: dict[str, Any], out: list[Event]) -> None:
        if arguments or extra:
            out.append(ToolCallDelta(call.index, None, None, arguments, self._choice, extra or None))


def listed(value: Any, depth: int = 0) -> list[Mapping[str, Any]]:
    """The fragments in `tool_calls`: a list, one call, a table of calls by index, or one of these as JSON in a text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "[") and len(value) <= _TEXT_LIMIT:
        value = loads(value.encode("utf-8", "surrogatepass"), EVENT_VALUES)
    if isinstance(value, list):
        if depth == 0 and all(type(entry) is dict for entry in value):  # nearly always
            return value
        return [found for entry in value for found in listed(entry, depth + 1)] if depth < _DEPTH_LIMIT else []
    if not isinstance(value, dict) or not value:
        return []
    if depth or value.keys() & {"function", "id", "name", "arguments", "custom"}:
        return [value]
    return [{"index": key, **entry} for key, entry in value.items() if isinstance(entry, dict)]


def _parse_fragment(fragment: Mapping[str, Any]) -> CallFragment:
    function = fragment.get("function")
    if isinstance(function, str):
        function = {**fragment, "name": function}
    flat = not isinstance(function, dict)
    place = fragment if flat else mapping(function)
    custom = mapping(fragment.get("custom"))
    arguments = place.get("arguments")
    if arguments is None:  # Anthropic's and Llama's names for them
        arguments = next((place[name] for name in ("input", "parameters") if isinstance(place.get(name), dict)), None)
    return CallFragment(
        place=_index(fragment.get("index")),
        id=_word(fragment.get("id")),
        name=text(place.get("name")) or text(custom.get("name")),
        arguments=_arguments(arguments),
        extra=_extra(fragment, _KNOWN | _FLAT if flat and not custom else _KNOWN),
        free=bool(custom),
    )


def _has_identity(fragment: CallFragment) -> bool:
    """Whether a fragment says of itself which call it belongs to."""
    return fragment.place is not None or bool(fragment.id or fragment.name)


def _index(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value[:9]) if value.isascii() and value.removeprefix("-").isdigit() else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e9 else None
    return whole(value)


def _word(value: Any) -> str:
    number = whole(value)
    return str(number) if number is not None and abs(number) < 1 << 64 else text(value)


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        return "" if value.strip() == "null" else value
    if value is None or value == []:
        return ""
    return json.dumps(value, ensure_ascii=False)


def _extra(fragment: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """Fields without a place of their own: `extra_content`, `custom` …"""
    kind = text(fragment.get("type"))
    if fragment.keys() <= known and kind in ("function", ""):
        return {}
    extra = {name: value for name, value in fragment.items() if name not in known and value is not None}
    if kind not in ("", "function", "tool_use", "tool_call"):
        extra["type"] = kind
    return extra
