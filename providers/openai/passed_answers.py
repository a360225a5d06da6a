"""Answers that go to the client as they came, read for no more than errors, counts, ids and their end.

WholeDocument    a JSON document, held until it is known to be one and no error
EventStream      server-sent events
PlainBytes       anything else: sound, text, the content of a file

What is in a document that is too long to be read through is not looked at: errors are short, counts stand at the end.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Verbatim
from providers.contract.operation import Decoder
from providers.formats.json_tally import JsonTally
from providers.formats.jsontext import BODY_VALUES, mapping
from providers.formats.sse import ErrorData, SseLimit, SseReader
from providers.official.codes import Codes
from providers.official.errors import error_event, error_told
from providers.openai.usage import counts_tokens, usage_of
from providers.shared.whole_body import WholeBody

ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Of a whole answer: ten large pictures in base64, the vectors of some thousand texts."""
EVENT_BYTES: Final = 16 * 1024 * 1024
"""Of one event of a stream, which has one picture at most."""
_END_BYTES: Final = 4096
"""Of a long document, where its counts stand."""
_USAGE: Final = re.compile(rb'"usage"\s{0,10}:\s{0,10}(\{[^{}]{1,1000}\})')
_MEDIA_TYPE: Final = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}(?:; ?[\w-]{1,40}=\"?[\w.+/-]{1,80}\"?){0,4}", re.ASCII)
_ACTIVE: Final = ("text/html", "application/xhtml", "image/svg", "text/xml", "application/xml")
"""What a browser would run: an address of the gateway's never gives it."""
OCTETS: Final = "application/octet-stream"


def nothing(value: Mapping[str, Any], body: bytes) -> Iterable[Event]:
    """The events of a document of which nothing more is wanted."""
    return ()


def flawless(value: Mapping[str, Any]) -> str:
    """That of a document of which nothing is known."""
    return ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the answers of one API are read by."""

    codes: Codes
    told: Callable[[ProviderError], ProviderError] = lambda error: error
    """Adds what to do to an error."""
    found: Callable[[Mapping[str, Any], bytes], Iterable[Event]] = nothing
    """What else a document says, besides its counts: given it, and its bytes."""
    content_type: str = ""
    """Of the answer's head, where the client is told it."""
    flaw: Callable[[Mapping[str, Any]], str] = flawless
    """Why a document is no answer to its request; empty where it is one."""


def media_type(value: str) -> str:
    """The content type of an answer as it may be passed on."""
    value = value.strip()
    active = value.lower().startswith(_ACTIVE)
    return value if _MEDIA_TYPE.fullmatch(value) and not active else OCTETS


class WholeDocument(Decoder):
    """The Decoder of a whole answer: the document as it came, once it is known to be one and no error."""

    ended = False

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._body = WholeBody(ANSWER_BYTES)
        self._tally = JsonTally()
        self._over = False

    def feed(self, data: bytes) -> list[Event]:
        if self._over:
            return []
        self._tally.feed(data)
        if not self._body.take(data):
            self._over = True
            limit = f"{ANSWER_BYTES // (1024 * 1024)} MB"
            return [
                Failure(_down(f"The API's answer is larger than the {limit} that are read: ask for less at a time."))
            ]
        return []

    def close(self) -> list[Event]:
        if self._over:
            return []
        self._over = True
        body = self._body.taken()
        if self._tally.values > BODY_VALUES or self._tally.long_number:
            return self._unread(body)
        value = _object_in(body)
        if value is None:
            return [Failure(_cut_off())]
        if (error := error_event(value, self._reading.codes)) is not None and not value.get("data"):
            return [Failure(self._reading.told(error))]
        if flaw := self._reading.flaw(value):
            return [Failure(_down(flaw))]
        found = self._reading.found(value, body)
        return [*found, self._verbatim(body), *_usage_in(value), Finish("stop")]

    def _unread(self, body: bytes) -> list[Event]:
        """A document of more values than are read (vectors): it is no error, which are short."""
        if not (body.lstrip()[:1] == b"{" and body.rstrip()[-1:] == b"}"):
            return [Failure(_cut_off())]
        counts = _USAGE.findall(body[-_END_BYTES:])
        usage = _object_in(counts[-1]) if counts else None
        return [self._verbatim(body), *_usage_in({"usage": usage}), Finish("stop")]

    def _verbatim(self, body: bytes) -> Verbatim:
        return Verbatim(body, self._reading.content_type)


class EventStream(Decoder):
    """The Decoder of a stream: its events as they came. An API that does not stream answers with one document, which
    becomes one event."""

    ended = False

    def __init__(self, reading: Reading) -> None:
        self.unknown: Counter[str] = Counter()
        self._reading = reading
        self._whole: WholeDocument | None = None
        self._reader = SseReader(limit_bytes=EVENT_BYTES)
        self._buffer = bytearray()
        self._looked = 0
        self._done = self._over = False

    def feed(self, data: bytes) -> list[Event]:
        if self._over or not data:
            return []
        if self._whole is None and not self._buffer and not self._done and data.lstrip()[:1] == b"{":
            self._whole = WholeDocument(self._reading)
        if self._whole is not None:
            return self._whole.feed(data)
        self._buffer += data
        end = self._end_of_events()
        if end < 0:
            return self._failed(_down("An event of the API's stream is too large.")) if self._too_large() else []
        events = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._looked = 0
        return self._read(events)

    def close(self) -> list[Event]:
        if self._over:
            return []
        if self._whole is not None:
            self._over = True
            return [_as_event(event) for event in self._whole.close()]
        out = self._read(bytes(self._buffer) + b"\n\n")
        if any(isinstance(event, Failure) for event in out):
            return out
        self._over = True
        if self._done:
            return [*out, Finish("stop")]
        return [*out, Failure(_cut_stream())]

    def _end_of_events(self) -> int:
        """Behind the last blank line; -1 where there is none in what has come since."""
        begin, self._looked = max(0, self._looked - 3), len(self._buffer)
        ends = ((self._buffer.rfind(blank, begin), len(blank)) for blank in (b"\n\n", b"\r\n\r\n", b"\r\r"))
        return max((at + length for at, length in ends if at >= 0), default=-1)

    def _too_large(self) -> bool:
        return len(self._buffer) > EVENT_BYTES

    def _read(self, events: bytes) -> list[Event]:
        """Whole events, as they came; what they say of counts, the end and errors is noted."""
        try:
            payloads = self._reader.feed(events)
        except SseLimit as limit:
            return self._failed(_down(f"The API's stream cannot be read: {limit}."))
        out: list[Event] = []
        for payload in payloads:
            if payload.strip() == b"[DONE]" and not self._done:  # clients read no further
                return self._failed(_cut_stream())
            if isinstance(payload, ErrorData):
                return self._failed(self._reading.told(error_told(payload, self._reading.codes)))
            value = _object_in(payload)
            if value is None:
                continue
            kind = str(value.get("type", ""))
            if (value.get("error") or kind == "error") and (
                error := error_event(value, self._reading.codes)
            ) is not None:
                return self._failed(self._reading.told(error))
            self._done = self._done or kind.endswith(_LAST)
            out += _usage_in(value)
        return [Verbatim(events), *out] if payloads else []  # a comment alone is no beginning of an answer

    def _failed(self, error: ProviderError) -> list[Event]:
        self._over = True
        return [Failure(error)]


_LAST: Final = (".completed", ".done")
"""How the types of events end that end an answer: a picture's, a speech's, a transcript's."""


class PlainBytes(Decoder):
    """The Decoder of what is no document: its bytes go on while they come. Its end is HTTP's."""

    ended = False

    def __init__(self, reading: Reading) -> None:
        self._content_type = reading.content_type
        self._over = self._begun = False

    def feed(self, data: bytes) -> list[Event]:
        if self._over or not data:
            return []
        self._begun = True
        return [Verbatim(data, self._content_type)]

    def close(self) -> list[Event]:
        if self._over:
            return []
        self._over = True
        return [Finish("stop")] if self._begun else [Failure(_down("The API's answer is empty."))]


def _as_event(event: Event) -> Event:
    """A document as an event of a stream."""
    if not isinstance(event, Verbatim):
        return event
    return Verbatim(b"".join(b"data: " + line + b"\n" for line in event.data.splitlines()) + b"\n")


def _object_in(body: bytes) -> dict[str, Any] | None:
    try:
        value = from_json(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _usage_in(value: Mapping[str, Any]) -> list[Event]:
    usage = mapping(value.get("usage"))
    return [usage_of(usage)] if counts_tokens(usage) else []


def _cut_off() -> ProviderError:
    message = "The API's answer is no whole JSON object: it was cut off, or is none of an API of the OpenAI form."
    return ProviderError(ErrorKind.INCOMPLETE, message)


def _cut_stream() -> ProviderError:
    return ProviderError(ErrorKind.INCOMPLETE, "The API's stream ended before its answer was whole.")


def _down(message: str) -> ProviderError:
    return ProviderError(ErrorKind.PROVIDER_DOWN, message)
