"""Reader of the calls of tools in a response: each begun once, its argument told once, wherever that stands.

An argument is told in pieces, or whole at the end of its item; some relays tell it in `…arguments.done`, at the
beginning of the item or in the last event alone. Some give every item the same `output_index`: the call's own id tells
that another has begun.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from providers.contract.events import Event, ToolCallDelta
from providers.formats.json_end import JsonEnd
from providers.formats.jsontext import dumps, mapping, text

CALLS: Final[Mapping[str, str]] = {"function_call": "arguments", "custom_tool_call": "input"}
"""Items that are calls of tools, and where their argument stands."""
_EMPTY: Final = "{}"


@dataclass(slots=True)
class _Call:
    number: int
    custom: bool
    given: str
    """The argument that the item had when it began."""
    named: bool = False
    """It has an id."""
    said: bool = False
    """Some of the argument was told."""
    json: JsonEnd = field(default_factory=JsonEnd)


class CallReader:
    """The reader of an answer's calls. A place is where an event says that its item stands."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at: dict[Any, _Call] = {}
        self._by_id: dict[str, _Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def broken_off(self) -> bool:
        """Whether the end of the answer would now cut an argument in the middle of its JSON."""
        return any(call.json.inside for call in self._calls)

    def begin(self, place: Any, item: Mapping[str, Any], out: list[Event]) -> None:
        """The beginning of a call, unless it has begun."""
        ids = _ids_of(item)
        known = next((self._by_id[id] for id in ids if id in self._by_id), None)
        there = self._at.get(place)
        if known is None and there is not None and not (ids and there.named):
            known = there
        call = self._at[place] = known or self._new(item, out)
        call.named = call.named or bool(ids)
        self._by_id |= dict.fromkeys(ids, call)

    def _new(self, item: Mapping[str, Any], out: list[Event]) -> _Call:
        call = _Call(len(self._calls), item.get("type") == "custom_tool_call", argument_of(item))
        self._calls.append(call)
        name = text(item.get("name"))
        extra = {"type": "custom", "custom": {"name": name, "input": ""}} if call.custom else None
        out.append(ToolCallDelta(call.number, next(iter(_ids_of(item)), None), name, "", 0, extra))
        return call

    def piece(self, place: Any, said: str, out: list[Event]) -> bool:
        """The next piece of the argument of the call that stands there; False where none does."""
        call = self._at.get(place)
        if call is not None and said:
            _say(call, said, out)
        return call is not None

    def whole(self, place: Any, said: str, out: list[Event]) -> bool:
        """All of the argument of the call that stands there, which is told where none of it was; False for no call."""
        call = self._at.get(place)
        if call is not None and said and not call.said:
            _say(call, said, out)
        return call is not None

    def rest(self, items: list[Any], out: list[Event]) -> None:
        """What the last event's items tell of calls that nothing else did."""
        for index, item in enumerate(map(mapping, items)):
            if text(item.get("type")) in CALLS and (_ids_of(item) or not self._calls):
                place = ("end", index)
                self.begin(place, item, out)
                self.whole(place, argument_of(item), out)

    def close(self, out: list[Event], *, complete: bool) -> None:
        """The arguments that were held back. Those of a `complete` answer's functions are JSON: of nothing an empty
        object."""
        for call in self._calls:
            if not call.said and (said := call.given or (_EMPTY if complete and not call.custom else "")):
                _say(call, said, out)


def argument_of(item: Mapping[str, Any]) -> str:
    """The argument of a call, in its text; an object is written as one."""
    value = item.get(CALLS[text(item.get("type"))])
    return dumps(value).decode() if isinstance(value, dict) and value else text(value)


def _ids_of(item: Mapping[str, Any]) -> list[str]:
    """The id of the call, and that of the item."""
    return [id for name in ("call_id", "id") if (id := text(item.get(name)))]


def _say(call: _Call, said: str, out: list[Event]) -> None:
    call.said = True
    if not call.custom:
        call.json.read(said)
    extra = {"custom": {"input": said}} if call.custom else None
    out.append(ToolCallDelta(call.number, None, None, "" if call.custom else said, 0, extra))
