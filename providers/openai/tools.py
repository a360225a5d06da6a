"""The assembler of tool calls from fragments as APIs really send them: dense indexes, id and name once, whole JSON.

Two ends decide what belongs together: the end of a call's JSON, behind which another object is another call, and the
end of the answer, at which a call without arguments has none (`{}`). Seen in real answers:

    no index at all, or every parallel call at index 0, with own ids, without ids, or without a second name
    an id or a name repeated in each fragment, another id in each, an id or a name in several pieces, a late name
    arguments "" or null or absent, as an object, `{}` before the real ones, whole once more at the end
    calls without `function` around name and arguments; indexes as text; one call or a table of calls instead of a list
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, Final

from providers.contract.events import Event, ToolCallDelta
from providers.openai.call import Call
from providers.openai.call_fragments import CallFragment, has_identity, parse_fragment

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


class ToolCallAssembler:
    """The assembler of one candidate. `names`: the tools of the request; they tell a name from a piece of one."""

    def __init__(self, choice: int, names: Set[str] = frozenset()) -> None:
        self._choice = choice
        self._names = names
        self._calls: list[Call] = []
        self._by_index: dict[int, Call] = {}
        self._by_id: dict[str, Call] = {}
        self._waiting = 0
        """The first call that was not told yet."""
        self._row: list[Call] = []
        """The calls that the last delta with several began; where nothing else names them, their place in it does."""

    def __bool__(self) -> bool:
        return any(call.said for call in self._calls)

    @property
    def unfinished(self) -> bool:
        """Whether the end of the answer would now cut a call: its arguments are not all there, or not at all."""
        return any(call.open for call in self._calls)

    @property
    def broken_off(self) -> bool:
        """Whether the JSON of a call has begun and not ended, whatever the API says of the answer's end."""
        return any(call.broken_off for call in self._calls)

    def read(self, fragments: Sequence[Mapping[str, Any]], out: list[Event], *, complete: bool) -> None:
        """Fragments of a delta, or the `complete` calls of a whole message; as `listed` gives them."""
        before = len(self._calls)
        parsed = list(map(parse_fragment, fragments))
        row = self._row if len(parsed) == len(self._row) and not any(map(has_identity, parsed)) else []
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
            arguments = _EMPTY if call.whole_object or (complete and call.blank and not call.free) else call.rest()
            call.held = ""
            if call.started:
                self._emit_call(call, arguments, {}, out)
            elif call.said_id or call.name or call.pending or arguments != _EMPTY:
                call.pending.append(arguments)
                self._start(call, out)

    # -- which call -----------------------------------------------------------------------------------------------
    def _find(self, fragment: CallFragment) -> Call:
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

    def _continues_under_new_id(self, last: Call, fragment: CallFragment) -> bool:
        """An unknown id, and no index: the same call under another id, while its JSON is open and none begins."""
        begins = not fragment.arguments.strip() or fragment.arguments.lstrip()[0] == "{"
        return last.json.begun and last.open and (not fragment.name or (fragment.name == last.name and not begins))

    def _continues(self, call: Call, fragment: CallFragment) -> bool:
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

    def _is_name_piece(self, call: Call, fragment: CallFragment) -> bool:
        """Whether another name before any arguments is the next piece of the name."""
        if fragment.name.startswith(call.name) and fragment.name not in self._names:
            return True
        if self._names:
            joined = call.name + fragment.name
            return any(name.startswith(joined) for name in self._names) or call.name not in self._names
        return fragment.place is not None

    def _is_repetition(self, call: Call, fragment: CallFragment) -> bool:
        """Whether a whole call is one that was told before: a message that is sent again as it grows."""
        same = fragment.id == call.said_id if fragment.id and call.said_id else fragment.name == call.name
        arguments = fragment.arguments.strip()
        return same and (call.same_as(arguments) or (not call.json.begun and arguments in ("", _EMPTY)))

    def _is_growing_snapshot(self, call: Call, fragment: CallFragment, out: list[Event]) -> bool:
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

    def _new(self, fragment: CallFragment, like: Call | None = None) -> Call:
        call = Call(len(self._calls))
        self._calls.append(call)
        if fragment.place is not None:
            self._by_index[fragment.place] = call
        if like is not None and not fragment.name and fragment.arguments:
            call.name = like.name  # a second object without a name of its own
        return call

    # -- what it says ---------------------------------------------------------------------------------------------
    def _add(self, call: Call, fragment: CallFragment, out: list[Event]) -> None:
        call.free = call.free or fragment.free
        self._identify(call, fragment)
        started, before, first = call.started, len(out), call
        if not started:
            call.extra |= fragment.extra
        arguments, at = call.read_now(fragment.arguments), 0
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

    def _identify(self, call: Call, fragment: CallFragment) -> None:
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

    def _take_arguments(self, call: Call, arguments: str, at: int, out: list[Event]) -> int:
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

    def _take_rest(self, call: Call, arguments: str, at: int, out: list[Event]) -> int:
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
        return len(arguments)  # half a tag of the model's, one bracket too many: with it, it would be no JSON

    def _emit(self, call: Call, arguments: str, out: list[Event]) -> None:
        call.append(arguments)
        if call.started:
            self._emit_call(call, arguments, {}, out)
        else:
            call.pending.append(arguments)

    def _may_start(self, call: Call) -> bool:
        """Whether name and id are whole: the arguments have begun, or the name is one of the request's tools."""
        if call.free:
            return bool(call.name)
        if len(call.pending) > _NAMELESS_LIMIT:
            return True
        if not call.name:
            return False
        if not call.blank:
            return True
        if len(call.said_id) < _SETTLED_ID or call.name not in self._names:
            return False
        return not any(name != call.name and name.startswith(call.name) for name in self._names)

    def _start(self, call: Call, out: list[Event]) -> None:
        """Tells a call, and before it those that came first: clients count calls as they come."""
        for earlier in self._calls[self._waiting : call.index]:
            if not earlier.started and earlier.name:
                self._begin(earlier, out)
        self._begin(call, out)
        while self._waiting < len(self._calls) and self._calls[self._waiting].started:
            self._waiting += 1

    def _begin(self, call: Call, out: list[Event]) -> None:
        call.started = True
        arguments = "".join(call.pending)
        call.pending = []
        out.append(ToolCallDelta(call.index, call.id, call.name, arguments, self._choice, call.extra or None))

    def _emit_call(self, call: Call, arguments: str, extra: dict[str, Any], out: list[Event]) -> None:
        if arguments or extra:
            out.append(ToolCallDelta(call.index, None, None, arguments, self._choice, extra or None))
