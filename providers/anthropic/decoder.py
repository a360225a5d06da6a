"""The decoder of answers of the Messages form for clients of other forms: streams, and whole messages.

What a body is shows in its first character, not in what was asked: some APIs answer a stream request with one message,
and the other way round.
"""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from providers.anthropic.answer import MessageReader
from providers.anthropic.errors import classify, error_of, error_told
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish
from providers.contract.operation import Decoder
from providers.formats.json_tally import JsonTally
from providers.formats.jsontext import BODY_VALUES, EVENT_VALUES, INVALID, loads, mapping
from providers.formats.sse import ErrorData, SseLimit, SseReader
from providers.shared.quotable import quotable

LIMIT_BYTES: Final = 10 * 1024 * 1024
"""Of one event, and of a whole answer."""
ENTRIES_LIMIT: Final = 5000
"""Blocks of a whole message; each becomes events."""
_LEAD: Final = re.compile(rb"(?:\s|\xef\xbb\xbf)*+")
_START_BYTES: Final = 2000
_CUT: Final = "The API's answer ended without its stop_reason; it is cut off. Try again."


class MessagesDecoder(Decoder):
    """The Decoder. `unknown` counts what was met and not understood; `told` adds to a failure what its provider
    knows."""

    def __init__(
        self,
        names: Callable[[str], str] = lambda name: name,
        told: Callable[[ProviderError], ProviderError] = lambda error: error,
    ) -> None:
        self.unknown: Counter[str] = Counter()
        self._told = told
        self._message = MessageReader(names, self.unknown)
        self._reader = SseReader(limit_bytes=LIMIT_BYTES, bare_json=True)
        self._start = bytearray()
        """The beginning of a body of which it is not clear yet what it is; all of one that is whole."""
        self._is_stream: bool | None = None
        self._tally = JsonTally()
        self._has_events = False
        self._over = False

    @property
    def ended(self) -> bool:
        return not self._over and self._is_stream is True and self._message.stopped

    def feed(self, data: bytes) -> list[Event]:
        out: list[Event] = []
        if self._over or not data:
            return out
        if self._is_stream is None:
            data = self._sorted(data)
        if self._is_stream:
            self._stream(data, out)
        elif self._is_stream is False:
            self._gather(data, out)
        return out

    def close(self) -> list[Event]:
        out: list[Event] = []
        if self._over:
            return out
        if self._is_stream is False:
            self._whole(bytes(self._start), out)
            return out
        for payload in self._reader.flush():
            self._payload(payload, out)
        if out and isinstance(out[-1], Finish | Failure):
            return out
        if self._message.stopped:
            self._finish(out)
        elif not self._has_events and self._start.strip():
            words = quotable(self._start.decode("utf-8", "replace"))[:120]
            message = f"The API answered with what is no message. It said: {words}. Check base_url."
            self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, message), out)
        else:
            self._fail(ProviderError(ErrorKind.INCOMPLETE, _CUT), out)
        return out

    # -- what it is -----------------------------------------------------------------------------------------------
    def _sorted(self, data: bytes) -> bytes:
        """Finds out what the body is; gives what is to be read of it."""
        held = bytes(self._start) + data
        lead = _LEAD.match(held)
        at = lead.end() if lead is not None else 0
        if at == len(held) or b"\xef\xbb\xbf".startswith(held[at:]):
            self._start = bytearray(held[at:])
            return b""
        self._start.clear()
        self._is_stream = held[at : at + 1] not in (b"{", b"[", b"<")
        return held[at:]

    def _stream(self, data: bytes, out: list[Event]) -> None:
        if not self._has_events and len(self._start) < _START_BYTES:
            self._start += data[: _START_BYTES - len(self._start)]
        limit: SseLimit | None = None
        try:
            payloads = self._reader.feed(data)
        except SseLimit as e:
            payloads, limit = e.payloads, e
        for payload in payloads:
            self._payload(payload, out)
        if limit is not None:
            self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, "The API sent an event too large to be read."), out)

    def _gather(self, data: bytes, out: list[Event]) -> None:
        self._start += data
        self._tally.feed(data)
        if len(self._start) > LIMIT_BYTES or self._tally.values > BODY_VALUES or self._tally.long_number:
            self._start.clear()
            self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, "The API's answer is too large to be read."), out)

    # -- what it says ---------------------------------------------------------------------------------------------
    def _payload(self, payload: bytes, out: list[Event]) -> None:
        if self._over or payload.strip() == b"[DONE]":
            return
        self._has_events = True
        if isinstance(payload, ErrorData):
            self._fail(self._told(error_told(payload)), out)
            return
        value = loads(payload, EVENT_VALUES)
        if not isinstance(value, dict):
            if not self._message.stopped:
                what = "that cannot be read" if value is INVALID else "that is no object"
                self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, f"The API sent an event {what}. Try again."), out)
            return
        self._value(value, out)

    def _value(self, value: dict[str, Any], out: list[Event]) -> None:
        if value.get("type") == "message_stop":
            if self._message.stopped:
                self._finish(out)
            else:
                self._fail(ProviderError(ErrorKind.INCOMPLETE, _CUT), out)
        elif (error := error_of(value)) is not None:
            self._fail(self._told(error), out)
        else:
            self._message.read(value, out)
            if self._message.failure is not None:
                self._fail(self._message.failure, out)

    def _whole(self, body: bytes, out: list[Event]) -> None:
        value = loads(body, BODY_VALUES)
        content = mapping(value).get("content")
        if (error := error_of(value)) is not None:
            self._fail(self._told(error), out)
        elif isinstance(content, list) and len(content) <= ENTRIES_LIMIT:
            self._message.read_whole(mapping(value), out)
            if self._message.failure is not None:
                self._fail(self._message.failure, out)
            elif self._message.stopped:
                self._finish(out)
            else:
                self._fail(ProviderError(ErrorKind.INCOMPLETE, _CUT), out)
        elif isinstance(content, list):
            self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, "The API's answer has too many parts to be read."), out)
        elif value is INVALID and body[:1] != b"<":
            self._fail(ProviderError(ErrorKind.INCOMPLETE, "The API's answer broke off in the middle. Try again."), out)
        else:
            self._fail(self._told(classify(200, {}, body)), out)

    def _finish(self, out: list[Event]) -> None:
        if (error := self._message.finish(out)) is not None:
            self._fail(error, out)
        self._over = True

    def _fail(self, error: ProviderError, out: list[Event]) -> None:
        if not self._over:
            out.append(Failure(error))
            self._over = True
