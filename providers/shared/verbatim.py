"""The base of decoders of answers that go to the client as they came, byte for byte: only what the gateway must know
of them is read.

An event of a stream is read where its name does not say that it is a mere piece of the answer; of all others nothing is
looked at but their name and their end. What comes before the first piece is held back, so that an error behind it can
still be answered by another attempt. Line ends of streams become LF.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from pydantic_core import from_json

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Verbatim
from providers.contract.operation import Decoder
from providers.formats.json_tally import JsonTally
from providers.formats.jsontext import BODY_VALUES, INVALID, loads
from providers.shared.body_form import BodyForm, form_of, without_lead

EVENT_BYTES: Final = 16 * 1024 * 1024
"""Of one event of a stream, and of all that is held back: the last one may repeat the whole answer."""
ANSWER_BYTES: Final = 16 * 1024 * 1024
"""Of a whole answer, which is read and written at once while all others wait."""
_LINES_LIMIT: Final = 10_000
"""Of one event; what has more is no JSON then."""
_ONE_LINE: Final = bytes.maketrans(b"\r\n", b"  ")
"""Of JSON, in whose texts no line ends."""
_PAGE_BYTES: Final = 64 * 1024
_EVENT: Final = b"event: "
_KINDS_LIMIT: Final = 64
_KIND_CHARS: Final = 60
_WORDS: Final = 2000
_CUT: Final = "The API's stream ended without its last event, so the answer is cut off. Try again."


class VerbatimDecoder(Decoder, ABC):
    """A Decoder that gives Verbatim, and beside it what a form's own part reads out of some events.

    `unknown` counts what could not be read. `stream`: what the client asked for.
    """

    quiet: ClassVar[frozenset[bytes]]
    """Names of events of which nothing needs to be read once the answer has begun."""
    opening: ClassVar[frozenset[str]]
    """Types of events that come before the first piece of an answer."""
    ended = False
    """Such an answer is whole at its last event, and not before."""

    def __init__(self, *, stream: bool) -> None:
        self.unknown: Counter[str] = Counter()
        self._wants_stream = stream
        self._body = BodyForm.UNKNOWN
        self._buffer = bytearray()
        """A stream's event that has not ended, or a whole body."""
        self._looked = 0
        self._after_cr = False
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._begun = False
        self._tally = JsonTally()
        self._over = False
        self._tells_failure = True
        """The API's own last event tells a client of the failure that it means."""
        self._last: bytes | None = None
        """What is told in the place of the API's last event, where that lacks something."""

    # -- a form's part ----------------------------------------------------------------------------------------------
    @abstractmethod
    def _read(self, kind: str, value: Mapping[str, Any]) -> Sequence[Event]:
        """What an event tells besides its bytes; a Finish or Failure at the end where it ends the answer."""

    @abstractmethod
    def _read_whole(self, value: Mapping[str, Any], written: bytes) -> Sequence[Event]:
        """The same of a whole answer: a Finish or Failure stands at the end. `written`: the value as it came, in one
        line: to write a large one anew takes as long as to read it."""

    @abstractmethod
    def _as_stream(self, value: Mapping[str, Any], written: bytes) -> bytes:
        """A whole answer as the events of a stream, where that was asked for."""

    @abstractmethod
    def _as_whole(self, value: Mapping[str, Any]) -> bytes | None:
        """The whole answer that the last event of a stream holds, where no stream was asked for; None for none."""

    @abstractmethod
    def _refused(self, body: bytes) -> ProviderError:
        """The meaning of a body that is neither a stream nor JSON."""

    # -- bytes ------------------------------------------------------------------------------------------------------
    def feed(self, data: bytes) -> list[Event]:
        if self._over:
            return []
        if self._body is BodyForm.STREAM:
            return self._stream(data)
        if self._body is BodyForm.UNKNOWN:
            data = without_lead(data)
            self._body = form_of(data)
            return self.feed(data) if data else []
        self._buffer += data
        if self._body is BodyForm.PAGE:
            del self._buffer[_PAGE_BYTES:]
            return []
        self._tally.feed(data)
        if len(self._buffer) > ANSWER_BYTES or self._tally.values > BODY_VALUES or self._tally.long_number:
            return self._failed(ErrorKind.PROVIDER_DOWN, "The API's answer is too large to be read.")
        return []

    def close(self) -> list[Event]:
        if self._over:
            return []
        out: list[Event] = []
        match self._body:
            case BodyForm.STREAM:
                rest = bytes(self._buffer)
                if loads(_fields(rest)[1], BODY_VALUES) is not INVALID:  # half an event is told to nobody
                    out = self._take(rest + b"\n\n")
                message = _CUT
            case BodyForm.WHOLE:
                return self._end_of_whole()
            case BodyForm.PAGE:
                return self._fail(self._refused(bytes(self._buffer)))
            case BodyForm.UNKNOWN:
                message = "The API closed the connection without a word. Try again."
        return out if self._over else [*out, *self._failed(ErrorKind.INCOMPLETE, message)]

    # -- streams ----------------------------------------------------------------------------------------------------
    def _stream(self, data: bytes) -> list[Event]:
        if self._after_cr or b"\r" in data:
            data = self._with_line_feeds(data)
        if self._buffer:
            self._buffer += data
            end = self._buffer.rfind(b"\n\n", max(0, self._looked - 1)) + 2
            self._looked = len(self._buffer)
            if end > 1:
                events, self._looked = bytes(self._buffer[:end]), 0
                del self._buffer[:end]
                return self._take(events)
        else:
            end = data.rfind(b"\n\n") + 2
            if end > 1:
                self._buffer += data[end:]
                return self._take(data if end == len(data) else data[:end])
            self._buffer += data
        if len(self._buffer) > EVENT_BYTES:
            return self._failed(ErrorKind.PROVIDER_DOWN, "An event of the API's stream is too large to be read.")
        return []

    def _with_line_feeds(self, data: bytes) -> bytes:
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r") or (self._after_cr and not data)
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _take(self, events: bytes) -> list[Event]:
        """Whole events, in order."""
        told: list[Event] = []
        quiet, at = self.quiet, 0
        for block in events.split(b"\n\n"):
            at += len(block) + 2
            if self._begun and block.startswith(_EVENT) and block[7 : block.find(b"\n")] in quiet:
                continue
            if block:
                told += self._look_at(block)
                if told and isinstance(told[-1], Finish | Failure):
                    return self._ended(events[:at], told, block)
        return self._passed(events, told)

    def _look_at(self, block: bytes) -> Sequence[Event]:
        name, payload = _fields(block)
        is_error = name.strip().lower() == b"error"
        if not is_error and not payload:
            return ()
        if payload.strip() == b"[DONE]":
            self._tells_failure = False  # clients read no further
            return (Failure(ProviderError(ErrorKind.INCOMPLETE, _CUT)),)
        value = loads(payload, BODY_VALUES)
        if not isinstance(value, dict) and is_error:
            self._tells_failure = False
            value = {"error": payload[:_WORDS].decode("utf-8", "replace") or "an error, and no more"}
        if not isinstance(value, dict):
            self._count("event that is no JSON object")
            return ()
        kind = value.get("type")
        if is_error:
            kind = "error"
        elif not isinstance(kind, str):
            kind = name.decode("ascii", "replace")
        found = self._read(kind, value)
        if kind not in self.opening and not (found and isinstance(found[-1], Failure)):
            self._begun = True
        return found

    def _passed(self, events: bytes, told: list[Event]) -> list[Event]:
        """The events for the client, once the first piece is among them."""
        if not self._wants_stream:
            return told
        if self._begun:
            if self._held:
                events, self._held = b"".join((*self._held, events)), []
            return [Verbatim(events), *told]
        self._held.append(events)
        self._held_bytes += len(events)
        if self._held_bytes > EVENT_BYTES:
            return self._failed(ErrorKind.PROVIDER_DOWN, "The API's stream does not come to its answer.")
        return told

    def _ended(self, events: bytes, told: list[Event], last: bytes) -> list[Event]:
        end = told[-1]
        if isinstance(end, Failure):
            told[-1] = replace(end, told=self._begun and self._wants_stream and self._tells_failure)
            if not self._tells_failure:
                events = events[: len(events) - len(last) - 2]
            out = self._passed(events, told) if self._begun else [told[-1]]
        elif self._wants_stream:
            if self._last is not None:
                events = events[: len(events) - len(last) - 2] + self._last
            out = self._passed(events, told)
        else:
            body = self._as_whole(loads(_fields(last)[1], BODY_VALUES))
            if body is None:
                return self._failed(ErrorKind.PROVIDER_DOWN, "The API answered with a stream, which was not asked for.")
            out = [Verbatim(body), *told]
        self._let_go()
        return out

    # -- whole answers ----------------------------------------------------------------------------------------------
    def _end_of_whole(self) -> list[Event]:
        body = bytes(self._buffer)
        try:
            value = from_json(body)
        except ValueError:
            value = INVALID
        if not isinstance(value, dict):
            return self._failed(ErrorKind.INCOMPLETE, "The API's answer broke off in the middle. Try again.")
        written = body.translate(_ONE_LINE) if b"\n" in body or b"\r" in body else body
        told = self._read_whole(value, written)
        self._let_go()
        if isinstance(told[-1], Failure):
            return list(told)
        return [Verbatim(self._as_stream(value, written) if self._wants_stream else body), *told]

    # -- ends -------------------------------------------------------------------------------------------------------
    def _failed(self, kind: ErrorKind, message: str) -> list[Event]:
        return self._fail(ProviderError(kind, message))

    def _fail(self, error: ProviderError) -> list[Event]:
        self._let_go()
        return [Failure(error)]

    def _let_go(self) -> None:
        self._over = True
        self._held = []
        self._buffer.clear()

    def _count(self, what: str) -> None:
        """Counts, under a bounded number of names."""
        name = what[:_KIND_CHARS]
        self.unknown[name if name in self.unknown or len(self.unknown) < _KINDS_LIMIT else "others"] += 1


def _fields(block: bytes) -> tuple[bytes, bytes]:
    """Name and data of an event."""
    name = b""
    data: list[bytes] = []
    for line in block.split(b"\n", _LINES_LIMIT):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return name, data[0] if len(data) == 1 else b"\n".join(data)
