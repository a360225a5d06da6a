"""The decoder of a response that was asked for in a chat's stead: its stream, or the whole of it, to events."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish
from providers.contract.operation import Decoder
from providers.formats.json_tally import JsonTally
from providers.formats.jsontext import BODY_VALUES, INVALID, loads, text, unread
from providers.formats.sse import ErrorData, SseLimit, SseReader
from providers.official.codes import Codes
from providers.official.errors import classify, error_event, error_told
from providers.openai.responses.answer import ResponseAnswer, TooManyParts
from providers.openai.responses.ends import ENDS, end_of
from providers.shared.body_form import BodyForm, form_of, without_lead

LIMIT_BYTES: Final = 16 * 1024 * 1024
"""Of one event, and of a whole answer: pictures in base64 fit."""
_PAGE_BYTES: Final = 64 * 1024
_CUT_OFF: Final = "The API's answer ended without its last event; it is cut off. Try again."
_TOO_LARGE: Final = "The API's answer is too large to be read."


class ResponseDecoder(Decoder):
    """The Decoder. `told` adds to a failure what its provider knows besides; `unknown` counts what was not
    understood."""

    ended = False
    """Such an answer is whole at its last event, and not before."""

    def __init__(self, codes: Codes, told: Callable[[ProviderError], ProviderError] = lambda error: error) -> None:
        self.unknown: Counter[str] = Counter()
        self._codes, self._told = codes, told
        self._answer = ResponseAnswer(codes, self.unknown)
        self._reader = SseReader(limit_bytes=LIMIT_BYTES, bare_json=True)
        self._body = BodyForm.UNKNOWN
        self._buffer = bytearray()
        self._tally = JsonTally()
        self._over = False

    def feed(self, data: bytes) -> list[Event]:
        out: list[Event] = []
        if self._over:
            return out
        if self._body is BodyForm.UNKNOWN:
            data = without_lead(data)
            self._body = form_of(data)
        match self._body:
            case BodyForm.STREAM:
                self._stream(data, out)
            case BodyForm.WHOLE:
                self._buffer += data
                self._tally.feed(data)
                if len(self._buffer) > LIMIT_BYTES or self._tally.values > BODY_VALUES or self._tally.long_number:
                    self._fail(ErrorKind.PROVIDER_DOWN, _TOO_LARGE, out)
            case BodyForm.PAGE:
                self._buffer += data[: _PAGE_BYTES - len(self._buffer)]
        return out

    def close(self) -> list[Event]:
        out: list[Event] = []
        if self._over:
            return out
        match self._body:
            case BodyForm.STREAM:
                self._take(self._reader.flush(), out)
                self._fail(ErrorKind.INCOMPLETE, _CUT_OFF, out)
            case BodyForm.WHOLE:
                self._whole(loads(bytes(self._buffer), BODY_VALUES), out)
            case BodyForm.PAGE:
                self._end(Failure(classify(200, {}, bytes(self._buffer), self._codes)), out)
            case BodyForm.UNKNOWN:
                self._fail(ErrorKind.INCOMPLETE, "The API closed the connection without a word. Try again.", out)
        return out

    def _stream(self, data: bytes, out: list[Event]) -> None:
        try:
            payloads = self._reader.feed(data)
        except SseLimit as limit:
            self._take(limit.payloads, out)
            self._fail(ErrorKind.PROVIDER_DOWN, _TOO_LARGE, out)
        else:
            self._take(payloads, out)

    def _take(self, payloads: list[bytes], out: list[Event]) -> None:
        for payload in payloads:
            if self._over:
                return
            if payload == b"[DONE]":
                self._fail(ErrorKind.INCOMPLETE, _CUT_OFF, out)
                return
            value = loads(payload, BODY_VALUES)
            if isinstance(payload, ErrorData):
                self._end(Failure(error_told(payload, self._codes)), out)
            elif value is INVALID:
                message = f"The API sent an event that {unread(payload, BODY_VALUES)}. Try again."
                self._fail(ErrorKind.PROVIDER_DOWN, message, out)
            elif isinstance(value, dict):
                self._event(value, out)
            else:
                self._answer.count("event that is no object")

    def _event(self, event: Mapping[str, Any], out: list[Event]) -> None:
        kind = text(event.get("type"))
        status = kind.removeprefix("response.")
        response = event.get("response")
        if status == "done":  # of the same API over web sockets, and of relays that speak to it so
            status = "completed"
        if status in ENDS:
            self._last(response if isinstance(response, dict) else {}, status, out)
        elif status == "error" or (not kind and event.get("error")):
            error = error_event(event, self._codes)
            self._end(end_of({}, "failed", self._codes) if error is None else Failure(error), out)
        else:
            self._read(lambda: self._answer.read(kind, event, out), out)

    def _whole(self, value: Any, out: list[Event]) -> None:
        if not isinstance(value, dict):
            self._fail(ErrorKind.INCOMPLETE, "The API's answer broke off in the middle. Try again.", out)
        elif isinstance(value.get("output"), list):
            self._last(value, text(value.get("status")) or "completed", out)
        elif (error := error_event(value, self._codes)) is not None:
            self._end(Failure(error), out)
        else:
            self._fail(ErrorKind.PROVIDER_DOWN, "The API answered with JSON that is no response. Try again.", out)

    def _last(self, response: Mapping[str, Any], status: str, out: list[Event]) -> None:
        """The whole response, at its end."""
        self._read(lambda: self._end(self._answer.end(response, status, out), out), out)

    def _read(self, reading: Callable[[], None], out: list[Event]) -> None:
        try:
            reading()
        except TooManyParts:
            self._fail(ErrorKind.PROVIDER_DOWN, "The API's answer has too many parts to be read.", out)

    def _fail(self, kind: ErrorKind, message: str, out: list[Event]) -> None:
        self._end(Failure(ProviderError(kind, message)), out)

    def _end(self, end: Finish | Failure, out: list[Event]) -> None:
        if not self._over:
            self._over = True
            self._buffer.clear()
            out.append(Failure(self._told(end.error)) if isinstance(end, Failure) else end)
