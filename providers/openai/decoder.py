"""The decoder of answers of the OpenAI form: streams of chunks, and whole completions through the same reading.

What a body is shows in its first character, not in what was asked: some APIs answer a stream request with one JSON
object (an error, a proxy that does not stream), and the other way round.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from enum import Enum, auto
from typing import Any, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Reasoning, Text, ToolCallDelta
from providers.contract.operation import Decoder
from providers.formats.json_end import JsonEnd
from providers.formats.json_tally import JsonTally
from providers.formats.jsontext import BODY_VALUES, EVENT_VALUES, loads
from providers.formats.sse import ErrorData, SseLimit, SseReader
from providers.formats.word_frames import WordFrames
from providers.official.errors import classify, error_event, error_told
from providers.official.reasons import CUT_CALL, LOST_CALL
from providers.openai.answer import ENTRIES_LIMIT, OpenAIAnswer, has_more_entries, unwrapped, words_in
from providers.openai.choice import ReadingOptions
from providers.openai.form import Form
from providers.openai.frames import DONE, BrokenFrame, Frames, glued
from providers.openai.merge import PassthroughMerger
from providers.shared.quotable import quotable

LIMIT_BYTES: Final = 10 * 1024 * 1024
"""Of one event and of a whole answer: a picture in base64 fits."""

NAMES_LIMIT: Final = 100_000
"""Names in a whole answer, of all objects together."""

_BOM: Final = b"\xef\xbb\xbf"
_LEAD: Final = re.compile(rb"(?:\s|\xef\xbb\xbf)*+")
_FIELDS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")
_NO_DATA: Final = (b":", b"event:", b"id:", b"retry:")
_LINE_LIMIT_BYTES: Final = 1024 * 1024
"""A first line longer than this is no chunk of JSON lines; the body is then read as one value."""
_MARK: Final = "[DONE]"
"""The end mark in quotes."""
_START_LIMIT_BYTES: Final = 2000
_CUT_OFF: Final = "The API's answer ended without its end mark or a finish_reason; it is cut off. Try again."


class _Body(Enum):
    UNKNOWN = auto()
    STREAM = auto()
    LINES = auto()
    """A JSON value a line (NDJSON)."""
    WHOLE = auto()
    """One JSON value, read at the end."""
    PAGE = auto()


class OpenAIDecoder(Decoder):
    """The Decoder of the official form. `unknown` counts what was met and not understood."""

    def __init__(
        self,
        form: Form,
        *,
        stream: bool = True,
        candidates: int = 1,
        reading: ReadingOptions | None = None,
        limit_bytes: int = LIMIT_BYTES,
        told: Callable[[ProviderError], ProviderError] = lambda error: error,
    ) -> None:
        """`told` adds to a failure what its provider knows besides."""
        self._told = told
        self.unknown: Counter[str] = Counter()
        self._form = form
        reading = replace(reading or ReadingOptions(), tag_form=form.think_tags, gathers=not stream)
        self._answer = OpenAIAnswer(form, self.unknown, candidates=candidates, reading=reading)
        self._reader = SseReader(limit_bytes=limit_bytes, bare_json=True)
        self._frames = Frames()
        self._alike = WordFrames()
        self._pile = None if stream else PassthroughMerger()
        self._limit_bytes = limit_bytes
        self._body = _Body.UNKNOWN
        self._buffer = bytearray()
        self._has_events = False
        self._start = b""
        """The beginning of a stream that has said nothing yet, to be quoted if it is none."""
        self._one_value: bool | None = None
        """Whether a body that begins as JSON is one value; None until its first line is whole."""
        self._json = JsonEnd()
        self._tally = JsonTally()
        """Of a whole body as it comes, so that its end finds little left to do."""
        self._glued: tuple[int, list[Any], str] = (0, [], "")
        """What was read of a whole body of that length."""
        self._whole_answer: bool | None = None
        """Whether the JSON value of a body has ended and is an answer; None while it goes on."""
        self._gathers = not stream or form.think_tags == "implicit"
        """Whether text of the answer is kept until the end, so that its size needs a limit."""
        self._received = 0
        self._ended = False

    @property
    def ended(self) -> bool:
        if self._ended:
            return False
        return self._is_whole() if self._body is _Body.WHOLE else self._answer.finished

    def feed(self, data: bytes) -> list[Event]:
        if self._ended or not data:
            return []
        if self._gathers:
            data = data[: self._limit_bytes + 1 - self._received]
            self._received += len(data)
        if self._body is not _Body.STREAM:
            data = self._sorted(data)
            if not data:
                return self._waited()
        out: list[Event] = []
        try:
            payloads = self._lines(data) if self._body is _Body.LINES else self._reader.feed(data)
        except SseLimit as limit:
            self._take(limit.payloads, out)
            self._fail(ErrorKind.PROVIDER_DOWN, "The API sent an event too large to be read.", out)
        else:
            if len(self._start) < _START_LIMIT_BYTES:
                self._start += data[: _START_LIMIT_BYTES - len(self._start)]
            self._take(payloads, out)
            if self._received > self._limit_bytes:
                self._fail(ErrorKind.PROVIDER_DOWN, "The API's answer is too large to be read.", out)
        return self._sifted(out)

    def close(self) -> list[Event]:
        if self._ended:
            return []
        out: list[Event] = []
        match self._body:
            case _Body.STREAM:
                self._take(self._reader.flush(), out)
                self._end_of_stream(out)
            case _Body.LINES:
                self._take([bytes(self._buffer)] if self._buffer.strip() else [], out)
                self._end_of_stream(out)
            case _Body.WHOLE:
                self._whole(*self._read_whole(), out)
            case _Body.PAGE:
                self._end(Failure(classify(200, {}, bytes(self._buffer), self._form.error_codes)), out)
            case _Body.UNKNOWN:
                self._fail(ErrorKind.INCOMPLETE, "The API closed the connection without a word. Try again.", out)
        self._buffer.clear()
        return self._sifted(out)

    def _sorted(self, data: bytes) -> bytes:
        """Finds out what the body is; gives what the stream or line reader may read."""
        if self._body is _Body.UNKNOWN:
            start = _without_lead(bytes(self._buffer) + data)
            self._buffer.clear()
            if _BOM.startswith(start):
                self._buffer += start
                return b""
            first = start[:1]
            self._body = _Body.WHOLE if first in b"{[" else _Body.PAGE if first == b"<" else _Body.STREAM
            data = start
            if self._body is _Body.STREAM:
                return data
        if self._body is _Body.LINES:
            return data
        known = len(self._buffer)
        self._buffer += data
        if self._body is _Body.WHOLE:
            self._tally.feed(data)
            if not self._json.ended:
                self._json.read(data.decode("latin-1"))
        if self._body is _Body.WHOLE and self._one_value is None and self._has_lines(known):
            self._body = _Body.LINES
            data = bytes(self._buffer)
            self._buffer.clear()
            return data
        return b""

    def _has_lines(self, known: int) -> bool:
        """Whether the first line is a chunk of its own. Looked at once, when the line is whole."""
        end = self._buffer.find(b"\n", known)
        if end < 0 and len(self._buffer) < _LINE_LIMIT_BYTES:
            return False
        self._one_value = not 0 < end < _LINE_LIMIT_BYTES or not _is_chunk(loads(bytes(self._buffer[:end])))
        return not self._one_value

    def _lines(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes. Raises SseLimit."""
        lines: list[bytes] = []
        rest = data
        if b"\n" in data:
            *lines, rest = (bytes(self._buffer) + data if self._buffer else data).split(b"\n")
            self._buffer.clear()
        self._buffer += rest
        found = [stripped for line in lines if (stripped := line.strip()) and not stripped.startswith(_NO_DATA)]
        if len(self._buffer) > self._limit_bytes:
            raise SseLimit(self._limit_bytes, found)
        return found

    def _is_whole(self) -> bool:
        """Whether a whole answer is there, though its body has not ended."""
        if self._whole_answer is None and self._json.ended:
            values, _ = self._read_whole()
            first = values[0] if values else None
            found = isinstance(first, dict) and bool(unwrapped(first).get("choices"))
            self._whole_answer = found or error_event(first, self._form.error_codes) is not None
        return bool(self._whole_answer)

    def _read_whole(self) -> tuple[list[Any], str]:
        """The values of a whole body, and the text that is none; read once for each length it has."""
        if self._glued[0] != len(self._buffer):
            self._glued = (len(self._buffer), *glued(bytes(self._buffer)))
        return self._glued[1:]

    def _waited(self) -> list[Event]:
        """Nothing could be read yet; a body that has become too large ends here."""
        tally = self._tally
        if len(self._buffer) > self._limit_bytes:
            why = "is too large to be read"
        elif self._body is not _Body.WHOLE:
            return []
        elif tally.values > BODY_VALUES or tally.long_number:
            why = f"holds more than {BODY_VALUES} values; it is not read"
        elif tally.names > NAMES_LIMIT:
            why = f"holds more than {NAMES_LIMIT} names; it is not read"
        else:
            return []
        out: list[Event] = []
        self._buffer.clear()
        self._fail(ErrorKind.PROVIDER_DOWN, f"The API's answer {why}.", out)
        return out

    def _take(self, payloads: list[bytes], out: list[Event]) -> None:
        self._has_events = self._has_events or bool(payloads)
        for payload in payloads:
            if self._ended:
                return
            if isinstance(payload, ErrorData):
                self._end(Failure(error_told(payload, self._form.error_codes)), out)
                return
            if (words := self._alike.words(payload)) is not None:
                self._answer.goes_on(self._alike.name, words, out)
                continue
            said = len(out)
            try:
                values = self._frames.read(payload)
            except BrokenFrame as broken:
                if not self._answer.finished:
                    self._broken(broken, out)
                    return
                self.unknown["broken frame after the end"] += 1  # all words were said: at most usage is lost
                values = broken.values
            self._values(values, out)
            self._learn(payload, values, out[said:])

    def _learn(self, payload: bytes, values: list[Any], told: list[Event]) -> None:
        """Takes note of a frame that brought words and nothing else: the next ones may be alike."""
        alike = self._alike
        if not alike.learns:
            return
        alike.forget()
        if len(values) == 1 and len(told) == 1 and (found := words_in(values[0])) is not None:
            field, words = found
            if _says(told[0], words):
                alike.learn(payload, field, words)

    def _values(self, values: list[Any], out: list[Event]) -> None:
        for value in values:
            if self._ended:
                return
            self._value(value, out)

    def _value(self, value: Any, out: list[Event]) -> None:
        if value is DONE or value == _MARK:
            self._done(out)
        elif isinstance(value, list) and value and isinstance(value[0], dict) and "choices" in value[0]:
            self._values(value, out)
        elif isinstance(value, dict):
            if (failure := self._answer.read(value, out)) is not None:
                self._end(failure, out)
        elif (error := error_event(value, self._form.error_codes)) is not None:
            self._end(Failure(error), out)
        else:
            self.unknown["frame that is no object"] += 1

    def _done(self, out: list[Event]) -> None:
        if self._ended:
            return
        if self._answer.began and self._answer.answered:
            self._complete(out)
        else:
            self._fail(ErrorKind.PROVIDER_DOWN, "The API ended its stream without an answer. Try again.", out)

    def _complete(self, out: list[Event]) -> None:
        if self._answer.cut:
            self._fail(ErrorKind.INCOMPLETE, CUT_CALL, out)
        elif self._answer.lost:
            self._fail(ErrorKind.PROVIDER_DOWN, LOST_CALL, out)
        else:
            self._end(self._answer.finish(out), out)

    def _end_of_stream(self, out: list[Event]) -> None:
        if self._ended:
            return
        if self._answer.finished:
            self._complete(out)
        elif not self._has_events and self._start.strip() and not self._start.lstrip().startswith(_FIELDS):
            words = quotable(self._start.decode("utf-8", "replace"))[:120]
            message = f"The API answered with text that is no chat answer. It said: {words}. Check base_url."
            self._fail(ErrorKind.PROVIDER_DOWN, message, out)
        else:
            self._fail(ErrorKind.INCOMPLETE, _CUT_OFF, out)

    def _broken(self, broken: BrokenFrame, out: list[Event]) -> None:
        for value in broken.values:
            if (error := error_event(value, self._form.error_codes)) is not None:
                self._end(Failure(error), out)  # the API says itself what happened
                return
        words = f" It said: {quotable(broken.words)[:120]}" if broken.words else ""
        self._fail(
            ErrorKind.PROVIDER_DOWN,
            f"The API sent a frame that cannot be read, so part of the answer is lost. Try again.{words}",
            out,
        )

    def _whole(self, values: list[Any], rest: str, out: list[Event]) -> None:
        value = values[0] if len(values) == 1 and not rest else DONE
        if value is DONE:
            self._pieces(values, rest, out)
            return
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            value = value[0]
        if isinstance(value, list) and value and all(isinstance(one, dict) and "choices" in one for one in value):
            self._pieces(value, "", out)  # the chunks of a stream in a list
            return
        if isinstance(value, dict):
            value = unwrapped(value)
        if has_more_entries([value], ENTRIES_LIMIT):
            self._too_many_parts(out)
            return
        if (error := error_event(value, self._form.error_codes)) is not None:
            self._end(Failure(error), out)
        elif not isinstance(value, dict) or not value.get("choices"):
            self._fail(ErrorKind.PROVIDER_DOWN, "The API answered with JSON that holds no choices. Try again.", out)
        else:
            self._value(value, out)
            self._done(out)

    def _pieces(self, values: list[Any], rest: str, out: list[Event]) -> None:
        """A body that is no one JSON value: several of them, or one that broke off."""
        if has_more_entries(values, EVENT_VALUES):
            self._too_many_parts(out)
            return
        self._values(values, out)
        if rest and not self._ended and not self._answer.finished:
            self._fail(ErrorKind.INCOMPLETE, "The API's answer broke off in the middle. Try again.", out)
        self._end_of_stream(out)

    def _too_many_parts(self, out: list[Event]) -> None:
        self._fail(ErrorKind.PROVIDER_DOWN, "The API's answer has too many parts to be read.", out)

    def _fail(self, kind: ErrorKind, message: str, out: list[Event]) -> None:
        self._end(Failure(ProviderError(kind, message)), out)

    def _end(self, terminal: Event, out: list[Event]) -> None:
        if self._ended:
            return
        self._ended = True
        if self._pile is not None:
            out[:] = [*self._pile.sift(out), *self._pile.rest()]
        if (usage := self._answer.usage()) is not None:
            out.append(usage)
        out.append(Failure(self._told(terminal.error)) if isinstance(terminal, Failure) else terminal)

    def _sifted(self, out: list[Event]) -> list[Event]:
        return out if self._pile is None or self._ended else self._pile.sift(out)


def _says(event: Event, words: str) -> bool:
    """Whether the event tells these words and no more."""
    if isinstance(event, ToolCallDelta):
        return event.arguments == words and event.id is event.name is None
    return isinstance(event, Text | Reasoning) and event.text == words


def _is_chunk(value: Any) -> bool:
    choices = value.get("choices") if isinstance(value, dict) else None
    return isinstance(choices, list) and any(isinstance(choice, dict) and "delta" in choice for choice in choices)


def _without_lead(data: bytes) -> bytes:
    """Without byte order marks, and the blank lines that keep a waiting connection alive."""
    lead = _LEAD.match(data)
    return data[lead.end() :] if lead else data
