"""Answers to a client that speaks the Messages form too: the API's own bytes, event by event, as they came.

What comes before the first real content is held back, so that an error in an answer with status 200 can still be made
good elsewhere; counts, the end and errors are read for the gateway. Source of the events: docs.claude.com, streaming.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from providers.anthropic.assembled import Assembled
from providers.anthropic.errors import classify, error_of, error_told
from providers.anthropic.framed import as_events
from providers.anthropic.issued import container_in, files_in
from providers.anthropic.mended import counted, data_of, ended, event_of, is_half
from providers.anthropic.passed_blocks import PassedBlocks
from providers.anthropic.reasons import end_of
from providers.anthropic.usage import UsageReader
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, FinishReason, Issued, Usage, Verbatim
from providers.contract.operation import Decoder
from providers.formats.json_tally import JsonTally
from providers.formats.jsontext import BODY_VALUES, EVENT_VALUES, INVALID, dumps, loads, mapping, text
from providers.formats.sse import SseReader
from providers.official.reasons import CUT_CALL, LOST_CALL, End, broken_off
from providers.shared.body_form import BodyForm, form_of, without_lead
from providers.shared.whole_body import WholeBody

EVENT_BYTES: Final = 4 * 1024 * 1024
ANSWER_BYTES: Final = 8 * 1024 * 1024
"""Of a whole answer: words, which are read and written at once while all others wait."""
HELD_BYTES: Final = 256 * 1024
"""Of what is held back before the first content; more is given out."""
_BLANK: Final = re.compile(rb"\r?\n\r?\n|\r\r")
_BOM: Final = b"\xef\xbb\xbf"
_NAMED: Final = re.compile(rb"^event:", re.MULTILINE)
_ERROR: Final = re.compile(rb"^(?:event:[ ]?error[ ]*\r?$|error:)", re.MULTILINE | re.IGNORECASE)
"""An event that is called an error, whatever it holds."""
_WORD: Final = re.compile(r"[a-z_.]{1,60}")
_LEAD: Final = re.compile(rb"(?:\s|\xef\xbb\xbf)*+")
_DELTA: Final = (b"event: content_block_delta\n", b"event:content_block_delta\n", b"event: content_block_delta\r")
_INPUT: Final = b"input_json_delta"
_IS_ERROR: Final = b'"error"'
_ONE_LINE: Final = bytes.maketrans(b"\r\n", b"  ")
"""Of JSON, in whose texts no line ends."""
_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_SILENT: Final = frozenset({"text", "thinking"})
"""Blocks whose beginning says nothing yet."""
_KNOWN: Final = frozenset(
    {"message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "ping"}
)
_KINDS_LIMIT: Final = 64
_CUT: Final = "The API's stream ended without its message_stop, so the answer is not complete. Try again."


class PassedOn(Decoder):
    """The Decoder of a stream. An API that does not stream answers with one document, which becomes events."""

    def __init__(self, told: Callable[[ProviderError], ProviderError]) -> None:
        self.unknown: Counter[str] = Counter()
        self._told = told
        self._whole: WholePassedOn | None = None
        self._buffer = bytearray()
        self._looked = 0
        self._begun = False
        self._held: list[bytes] | None = []
        """What came before the first content; None once that is out."""
        self._held_bytes = 0
        self._blocks = PassedBlocks()
        self._usage = UsageReader()
        self._reason: FinishReason | None = None
        self._word = ""
        """That reason, as the API says it."""
        self._sequence: str | None = None
        self._seen = False
        self._over = False

    @property
    def ended(self) -> bool:
        return not self._over and self._reason is not None

    def feed(self, data: bytes) -> list[Event]:
        if self._over or not data:
            return []
        if not self._begun:
            data = self._first(data)
        if not data:
            return []
        if self._whole is not None:
            return self._whole.feed(data)
        self._buffer += data
        return self._read_on()

    def close(self) -> list[Event]:
        if self._over:
            return []
        if self._whole is not None:
            self._over = True
            return self._whole.close()
        out: list[Event] = []
        rest = bytes(self._buffer)
        self._buffer.clear()
        if rest.strip() and not is_half(rest):
            self._block(rest, rest.rstrip(b"\r\n") + b"\n\n", out)
        if out and isinstance(out[-1], Finish | Failure):
            return out
        self._over = True
        if self._reason is not None:
            self._release(out)
            self._give(_STOP, out)
            out.append(Finish(self._reason, stop_sequence=self._sequence))
        elif not self._seen and rest.strip():
            out.append(Failure(self._told(classify(200, {}, rest[:EVENT_BYTES]))))
        else:
            out.append(Failure(ProviderError(ErrorKind.INCOMPLETE, _CUT)))
        return out

    def _first(self, data: bytes) -> bytes:
        """What is to be read of the first bytes, blanks before them left out; they show what the body is."""
        held = bytes(self._buffer) + data
        self._buffer.clear()
        lead = _LEAD.match(held)
        held = held[lead.end() :] if lead is not None else held
        if _BOM.startswith(held):
            self._buffer += held
            return b""
        self._begun = True
        if held[:1] == b"{":
            self._whole = WholePassedOn(self._told, streams=True)
        return held

    # -- events ---------------------------------------------------------------------------------------------------
    def _read_on(self) -> list[Event]:
        out: list[Event] = []
        done = 0
        for end in [found.end() for found in _BLANK.finditer(self._buffer, max(0, self._looked - 3))]:
            block = bytes(self._buffer[done:end])
            done = end
            self._block(block, block, out)
            if self._over:
                self._buffer.clear()
                return out
        if done:
            del self._buffer[:done]
        self._looked = len(self._buffer)
        if self._looked > EVENT_BYTES:
            self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, "An event of the API's stream is too large."), out)
        return out

    def _block(self, block: bytes, shown: bytes, out: list[Event]) -> None:
        """One event, with the blank line behind it. `shown`: as it goes out."""
        is_plain = not (self._blocks.reads_deltas or _INPUT in block or _IS_ERROR in block)
        if is_plain and block.startswith(_DELTA):
            self._seen = True
            self._release(out)
            self._give(shown, out)
            return
        payload = data_of(block)
        if payload is None and (stray := block.strip()).startswith(b"{"):  # a plain line of JSON in the stream
            payload, shown = stray, b"data: " + stray.translate(_ONE_LINE) + b"\n\n"
        if _ERROR.search(block):
            self._seen = True
            self._fail(self._told(error_told(payload or b"")), out)
            return
        if payload is None or payload.strip() == b"[DONE]":
            if payload is None:
                self._give(shown, out)  # a comment
            return
        value = loads(payload, EVENT_VALUES)
        if not isinstance(value, dict):
            why = "is no JSON" if value is INVALID else "is no object"
            self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, f"The API sent an event that {why}. Try again."), out)
            return
        self._seen = True
        if (error := error_of(value)) is not None:
            self._fail(self._told(error), out)
            return
        self._event(value, shown, out)

    def _event(self, value: dict[str, Any], shown: bytes, out: list[Event]) -> None:
        kind = text(value.get("type"))
        if not _NAMED.search(shown) and _WORD.fullmatch(kind):
            shown = b"event: " + kind.encode() + b"\n" + shown  # clients of the form read events by their names alone
        match kind:
            case "content_block_delta":
                self._release(out)
                shown = self._blocks.goes_on(value, shown)
            case "content_block_start":
                shown = self._blocks.begins(value, shown)
                if _says(block := mapping(value.get("content_block"))):
                    self._release(out)
                    out += files_in(block)
            case "content_block_stop":
                shown = self._blocks.ends(value, shown)
            case "message_start":
                message = mapping(value.get("message"))
                out += container_in(message)
                self._count(message.get("usage"), out)
                if (whole := counted(message)) is not None:
                    shown = event_of({**value, "message": whole})
            case "message_delta":
                delta = mapping(value.get("delta"))
                if (end := end_of(delta.get("stop_reason"))) is not None:
                    self._reason, self._word = end.reason, text(delta.get("stop_reason"))
                    if (error := self._fault_of(end)) is not None:
                        self._fail(error, out)
                        return
                out += container_in(delta)
                self._sequence = text(delta.get("stop_sequence")) or self._sequence
                self._count(value.get("usage"), out)
                if (whole := ended(value, self._word, self._usage.output_tokens)) is not None:
                    shown = event_of(whole)
                shown = self._blocks.rest() + shown
            case "message_stop":
                self._stop(shown, out)
                return
            case _ if kind not in _KNOWN:
                name = f"event: {kind[:60]}"
                self.unknown[name if name in self.unknown or len(self.unknown) < _KINDS_LIMIT else "others"] += 1
        self._give(shown, out)

    def _fault_of(self, end: End) -> ProviderError | None:
        """Why an answer that ended so is none."""
        if end.reason == "tool_calls" and not self._blocks.any:
            return ProviderError(ErrorKind.PROVIDER_DOWN, LOST_CALL)
        if end.reason in ("stop", "tool_calls") and self._blocks.cut:
            return ProviderError(ErrorKind.INCOMPLETE, CUT_CALL)
        return broken_off(end, "stop_reason")

    def _stop(self, shown: bytes, out: list[Event]) -> None:
        """The end. Without a stop_reason nobody said that the answer is whole."""
        if self._reason is None:
            self._fail(ProviderError(ErrorKind.INCOMPLETE, _CUT), out)
            return
        self._release(out)
        self._give(shown, out)
        out.append(Finish(self._reason, stop_sequence=self._sequence))
        self._over = True

    # -- pieces ---------------------------------------------------------------------------------------------------
    def _give(self, shown: bytes, out: list[Event]) -> None:
        if not shown:
            return
        if self._held is None:
            out.append(Verbatim(shown))
            return
        self._held.append(shown)
        self._held_bytes += len(shown)
        if self._held_bytes > HELD_BYTES:
            self._release(out)

    def _release(self, out: list[Event]) -> None:
        if self._held:
            out.append(Verbatim(b"".join(self._held)))
        self._held = None

    def _count(self, usage: Any, out: list[Event]) -> None:
        if (told := self._usage.read(usage)) is not None:
            out.append(told)

    def _fail(self, error: ProviderError, out: list[Event]) -> None:
        out.append(Failure(error))
        self._over = True


class WholePassedOn(Decoder):
    """The Decoder of a whole answer: the document as it came, once it is known to be a message and no error.

    `streams`: the client wants events, which are made of it."""

    ended = False

    def __init__(self, told: Callable[[ProviderError], ProviderError], *, streams: bool = False) -> None:
        self.unknown: Counter[str] = Counter()
        self._told, self._streams = told, streams
        self._body = WholeBody(ANSWER_BYTES)
        self._tally = JsonTally()
        self._over = False

    def feed(self, data: bytes) -> list[Event]:
        if self._over:
            return []
        self._tally.feed(data)
        if not self._body.take(data) or self._tally.values > BODY_VALUES or self._tally.long_number:
            self._over = True
            self._body.taken()
            return [Failure(ProviderError(ErrorKind.PROVIDER_DOWN, "The API's answer is too large to be read."))]
        return []

    def close(self) -> list[Event]:
        if self._over:
            return []
        self._over = True
        body = self._body.taken()
        value = loads(body, BODY_VALUES)
        if value is INVALID and not self._streams and form_of(without_lead(body)) is BodyForm.STREAM:
            return self._of_stream(body)
        if not isinstance(value, dict):
            return [Failure(self._told(_no_message(body)))]
        if (error := error_of(value)) is not None:
            return [Failure(self._told(error))]
        if not isinstance(value.get("content"), list):
            return [Failure(self._told(classify(200, {"content-type": "application/json"}, body)))]
        usage = UsageReader().read(value.get("usage"))
        said = end_of(value.get("stop_reason"))
        if said is None:
            return [Failure(ProviderError(ErrorKind.INCOMPLETE, "The API's answer says no stop_reason. Try again."))]
        if (error := broken_off(said, "stop_reason")) is not None:
            return [Failure(error)]
        end = Finish(said.reason, stop_sequence=text(value.get("stop_sequence")) or None)
        whole = counted(value)
        shown = as_events(value) if self._streams else body if whole is None else dumps(whole)
        return [Verbatim(shown), *_issued_in(value), *([usage] if usage is not None else []), end]

    def _of_stream(self, body: bytes) -> list[Event]:
        """The message of a stream that nobody has asked for."""
        stream, made = PassedOn(self._told), Assembled()
        events = [*stream.feed(body), *stream.close()]
        if not isinstance(events[-1], Finish):
            return events[-1:]
        shown = b"".join(event.data for event in events if isinstance(event, Verbatim))
        for payload in SseReader(limit_bytes=EVENT_BYTES).feed(shown):
            made.read(mapping(loads(payload, EVENT_VALUES)))
        usage = [event for event in events if isinstance(event, Usage)][-1:]
        issued = [event for event in events if isinstance(event, Issued)]
        return [Verbatim(dumps(made.message())), *issued, *usage, events[-1]]


def _issued_in(message: dict[str, Any]) -> Iterator[Issued]:
    yield from container_in(message)
    for block in map(mapping, message["content"]):
        yield from files_in(block)


def _no_message(body: bytes) -> ProviderError:
    start = body[:EVENT_BYTES].lstrip()
    if start[:1] == b"{" or not start:
        return ProviderError(ErrorKind.INCOMPLETE, "The API's answer was cut off, or is no JSON. Try again.")
    return classify(200, {}, start)


def _says(block: dict[str, Any]) -> bool:
    """Whether the beginning of a block says something already: a call does, a text that is empty does not."""
    kind = text(block.get("type"))
    return kind not in _SILENT or bool(block.get("text") or block.get("thinking"))
