"""The decoder of a response that goes to a client of the same form as it came.

Source of the events: the API's reference of streaming events, and the types of its SDK.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from providers.contract.errors import ProviderError
from providers.contract.events import Event, Failure, Finish, Issued
from providers.formats.jsontext import dumps, mapping, text
from providers.official.codes import Codes
from providers.official.errors import classify, error_event
from providers.openai.responses.ends import ENDS, end_of, usage_in
from providers.openai.responses.event_names import OPENING, PIECES
from providers.shared.verbatim import VerbatimDecoder

_ITEMS_LIMIT: Final = 1000
_ITEM: Final = ("added", "done")
_ID: Final = re.compile(r"[\x21-\x7e]{1,256}")


class PassedResponse(VerbatimDecoder):
    """The Decoder. `told` adds to a failure what its provider knows besides."""

    opening: ClassVar[frozenset[str]] = OPENING
    quiet: ClassVar[frozenset[bytes]] = frozenset(name.encode() for name in OPENING | PIECES)

    def __init__(self, codes: Codes, told: Callable[[ProviderError], ProviderError], *, stream: bool) -> None:
        super().__init__(stream=stream)
        self._codes, self._told = codes, told

    def _read(self, kind: str, value: Mapping[str, Any]) -> Sequence[Event]:
        status = kind.removeprefix("response.")
        if status in ENDS:
            response = mapping(value.get("response"))
            end = self._end(end_of(response, status, self._codes))
            self._tells_failure = status != "completed"
            return *usage_in(response), *_issued(response, dumps(response)), end
        if status == "error" or (value.get("error") and not kind):
            error = error_event(value, self._codes)
            return (self._end(end_of({}, "failed", self._codes) if error is None else Failure(error)),)
        return ()

    def _read_whole(self, value: Mapping[str, Any], written: bytes) -> Sequence[Event]:
        if not isinstance(value.get("output"), list) and (error := error_event(value, self._codes)) is not None:
            return (self._end(Failure(error)),)
        end = end_of(value, text(value.get("status")) or "completed", self._codes)
        return *usage_in(value), *_issued(value, written), self._end(end)

    def _end(self, end: Finish | Failure) -> Event:
        return Failure(self._told(end.error)) if isinstance(end, Failure) else end

    def _as_stream(self, value: Mapping[str, Any], written: bytes) -> bytes:
        """As few events as clients can live with: each item is told once it is whole."""
        frames = [_frame("created", 0, b'"response":' + dumps({**value, "status": "in_progress", "output": []}))]
        output = value.get("output")
        for index, item in enumerate(output if isinstance(output, list) else ()):
            told = b'"output_index":%d,"item":%b' % (index, dumps(item))
            frames += [_frame(f"output_item.{what}", len(frames) + at, told) for at, what in enumerate(_ITEM)]
        status = text(value.get("status"))
        frames.append(_frame(status if status in ENDS else "completed", len(frames), b'"response":' + written))
        return b"".join(frames)

    def _as_whole(self, value: Mapping[str, Any]) -> bytes | None:
        response = value.get("response")
        return dumps(response) if isinstance(response, dict) else None

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


def _frame(kind: str, number: int, members: bytes) -> bytes:
    """An event. `members`: those of its object beside type and number, written."""
    name = f"response.{kind}".encode()
    return b'event: %b\ndata: {"type":"%b",%b,"sequence_number":%d}\n\n' % (name, name, members, number)
