"""The decoder of a response that goes to a client of the same form as it came.

Source of the events: the API's reference of streaming events, and the types of its SDK.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Issued
from providers.formats.jsontext import dumps, mapping, text, whole
from providers.official.codes import Codes
from providers.official.errors import classify, error_event
from providers.openai.responses.ends import ENDS, end_of, usage_in
from providers.openai.responses.event_names import OPENING, PIECES
from providers.openai.responses.seen_items import SeenItems
from providers.openai.responses.told_items import Teller
from providers.shared.verbatim import VerbatimDecoder

_ITEMS_LIMIT: Final = 1000
_ITEM_EVENTS: Final = frozenset({"response.output_item.added", "response.output_item.done"})
_NO_RESPONSE: Final = "The API answered with JSON that is no response. Try again."
_ID: Final = re.compile(r"[\x21-\x7e]{1,256}")


class PassedResponse(VerbatimDecoder):
    """The Decoder. `told` adds to a failure what its provider knows besides."""

    opening: ClassVar[frozenset[str]] = OPENING
    quiet: ClassVar[frozenset[bytes]] = frozenset(name.encode() for name in (OPENING | PIECES) - _ITEM_EVENTS)

    def __init__(self, codes: Codes, told: Callable[[ProviderError], ProviderError], *, stream: bool) -> None:
        super().__init__(stream=stream)
        self._codes, self._told = codes, told
        self._items = SeenItems()

    def _read(self, kind: str, value: Mapping[str, Any]) -> Sequence[Event]:
        status = kind.removeprefix("response.")
        if status in ENDS:
            end = self._end(end_of(response := mapping(value.get("response")), status, self._codes))
            self._tells_failure = status != "completed"
            if isinstance(end, Finish) and response:
                response = self._mended(kind, value, response)
            return *usage_in(response), *_issued(response, dumps(response)), end
        if kind in _ITEM_EVENTS:
            self._items.read(kind, value)
            return ()
        if status == "error" or (value.get("error") and not kind):
            error = error_event(value, self._codes)
            return (self._end(end_of({}, "failed", self._codes) if error is None else Failure(error)),)
        return ()

    def _read_whole(self, value: Mapping[str, Any], written: bytes) -> Sequence[Event]:
        if not isinstance(value.get("output"), list):
            error = error_event(value, self._codes)
            return (self._end(Failure(error or ProviderError(ErrorKind.PROVIDER_DOWN, _NO_RESPONSE))),)
        end = end_of(value, text(value.get("status")) or "completed", self._codes)
        return *usage_in(value), *_issued(value, written), self._end(end)

    def _end(self, end: Finish | Failure) -> Event:
        return Failure(self._told(end.error)) if isinstance(end, Failure) else end

    def _mended(self, kind: str, value: Mapping[str, Any], response: dict[str, Any]) -> dict[str, Any]:
        """The response of a last event. What it lacks, and what it alone tells, is told in that event's place."""
        teller = Teller(whole(value.get("sequence_number")) or 0)
        before = self._items.untold(response, teller)
        completed = self._items.completed(response)
        if before or completed is not None:
            response = response if completed is None else completed
            self._last = before + teller.event(kind.removeprefix("response."), {"response": response})
        return response

    def _as_stream(self, value: Mapping[str, Any], written: bytes) -> bytes:
        teller = Teller()
        begun = {"response": {**value, "status": "in_progress", "output": []}}
        frames = [teller.event("created", begun), teller.event("in_progress", begun)]
        output = value.get("output")
        items = enumerate(map(mapping, output if isinstance(output, list) else ()))
        frames += (teller.item(index, item) for index, item in items)
        status = text(value.get("status"))
        frames.append(teller.written(status if status in ENDS else "completed", b'"response":' + written))
        return b"".join(frames)

    def _as_whole(self, value: Mapping[str, Any]) -> bytes | None:
        response = value.get("response")
        return dumps(self._items.completed(response) or response) if isinstance(response, dict) else None

    def _refused(self, body: bytes) -> ProviderError:
        return self._told(classify(200, {}, body, self._codes))


def _issued(response: Mapping[str, Any], written: bytes) -> tuple[Event, ...]:
    """The id by which later requests go on from the response. Who does not say that it is stored may not have it."""
    id = response.get("id")
    made = _containers(response)
    if not isinstance(id, str) or not _ID.fullmatch(id):
        return made
    stored = response.get("store") is True
    answer = Issued("response", id, written, there=stored)
    return (answer, *made, *(Issued("item", item) for item in _items(response))) if stored else (answer, *made)


def _containers(response: Mapping[str, Any]) -> tuple[Event, ...]:
    """The places in which its code ran, which later requests may go on in."""
    output = response.get("output")
    found = {
        id: Issued("container", id)
        for item in map(mapping, output[:_ITEMS_LIMIT] if isinstance(output, list) else ())
        for id in (item.get("container_id"), mapping(item.get("environment")).get("container_id"))
        if isinstance(id, str) and _ID.fullmatch(id)
    }
    return tuple(found.values())


def _items(response: Mapping[str, Any]) -> Iterator[str]:
    """The ids of what a response that is stored consists of, which later requests may name in its stead."""
    output = response.get("output")
    for item in output[:_ITEMS_LIMIT] if isinstance(output, list) else ():
        if isinstance(id := mapping(item).get("id"), str) and _ID.fullmatch(id):
            yield id
