"""The base of decoders of event streams of JSON frames: reading on, the end marks, the one terminal event."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, FinishReason
from providers.contract.operation import Decoder
from providers.formats.jsontext import EVENT_VALUES, INVALID, loads, mapping, text, unread
from providers.formats.sse import ErrorData, SseLimit, SseReader
from providers.formats.word_frames import WordFrames
from providers.shared.quotable import quotable

_KINDS_LIMIT: Final = 64
_KIND_CHARS: Final = 60
_FIRST_FAILURE: Final = 400
"""Of HTTP's numbers, which such servers give as `code`."""
_REFUSAL: Final = frozenset({"code", "message", "msg", "detail", "status", "data", "success", "request_id"})


class FrameDecoder(Decoder, ABC):
    """A Decoder (providers/contract/operation.py) of which a site writes only the meaning of its frames.

    `unknown` counts what could not be made sense of. A frame that is no JSON ends the answer: words may be lost in it.
    """

    site: ClassVar[str]
    """The site's name in messages."""
    end_marks: ClassVar[frozenset[bytes]] = frozenset({b"[DONE]"})
    bare_json: ClassVar[bool] = False
    ended = False
    """An answer of these sites is whole at its end mark and not before."""

    def __init__(self) -> None:
        self.unknown: Counter[str] = Counter()
        self._reader = SseReader(bare_json=self.bare_json)
        self._over = False
        self._alike = WordFrames()

    def feed(self, data: bytes) -> list[Event]:
        out: list[Event] = []
        if self._over:
            return out
        limit: SseLimit | None = None
        try:
            payloads = self._reader.feed(data)
        except SseLimit as e:
            payloads, limit = e.payloads, e
        for payload in payloads:
            self._payload(payload, out)
        if limit is not None:
            self._fail(self._unreadable(str(limit)), out)
        return out

    def close(self) -> list[Event]:
        out: list[Event] = []
        if self._over:
            return out
        for payload in self._reader.flush():
            self._payload(payload, out)
        if not self._over:
            self._cut_off(out)
        message = f"{self.site}'s stream ended without its end mark, so the answer is not complete."
        self._fail(ProviderError(ErrorKind.INCOMPLETE, message), out)
        return out

    def _count_unknown(self, kind: str) -> None:
        """Counts what had no meaning, under a bounded number of names: a mad stream must not fill the memory."""
        kind = kind[:_KIND_CHARS]
        self.unknown[kind if kind in self.unknown or len(self.unknown) < _KINDS_LIMIT else "others"] += 1

    # -- a site's part --------------------------------------------------------------------------------------------
    @abstractmethod
    def _frame(self, frame: dict[str, Any], out: list[Event]) -> None:
        """The events of one frame; ends with `_finish` or `_fail` where the frame ends the answer."""

    @abstractmethod
    def _end(self, out: list[Event]) -> FinishReason:
        """Emits what is still to be said of a complete answer, and why it ended."""

    def _words_in(self, frame: dict[str, Any]) -> tuple[str, str] | None:
        """The name of the member that a frame has its words in, and the words, if it holds nothing else that is told or
        counted: those behind it that are as it is but for their words are then given to `_goes_on`."""
        return None

    def _goes_on(self, words: str, out: list[Event]) -> None:
        """As `_frame` of one that is as the one before, of which `_words_in` knew the words, but for those."""
        raise NotImplementedError

    def _cut_off(self, out: list[Event]) -> None:
        """Emits what was held back when the stream ends without an end mark. A site may know it for the end all the
        same."""
        return

    # -- pieces ---------------------------------------------------------------------------------------------------
    def _payload(self, payload: bytes, out: list[Event]) -> None:
        if self._over:
            return
        if not isinstance(payload, ErrorData) and (words := self._alike.words(payload)) is not None:
            self._goes_on(words, out)
            return
        if payload.strip() in self.end_marks:
            self._finish(out)
            return
        value = loads(payload, EVENT_VALUES)
        if isinstance(payload, ErrorData):
            self._error(payload, value, out)
        elif value is INVALID:
            message = f"{self.site} sent a frame that {unread(payload, EVENT_VALUES)}."
            self._fail(ProviderError(ErrorKind.PROVIDER_DOWN, message), out)
        else:
            frame = value if isinstance(value, dict) else {}
            self._frame(frame, out)
            if not self._over and (words := refusal_in(frame)) is not None:
                self._fail(self._broken_off(words), out)
            if self._alike.learns:
                self._alike.forget()
                if (found := self._words_in(frame)) is not None:
                    self._alike.learn(payload, *found)

    def _error(self, payload: ErrorData, value: Any, out: list[Event]) -> None:
        """What the site calls an error, in its own words where its frames know none of these."""
        if isinstance(value, dict):
            self._frame(value, out)
        self._fail(self._broken_off(value if isinstance(value, str) else payload.decode("utf-8", "replace")), out)

    def _broken_off(self, words: str) -> ProviderError:
        said = quotable(words)
        message = f"{self.site} broke its answer off with an error." + (f" It said: {said}" if said else "")
        return ProviderError(ErrorKind.PROVIDER_DOWN, message)

    def _unreadable(self, why: str) -> ProviderError:
        return ProviderError(ErrorKind.PROVIDER_DOWN, f"{self.site}'s answer cannot be read on: {why}.")

    def _finish(self, out: list[Event]) -> None:
        if not self._over:
            reason = self._end(out)
            out.append(Finish(reason))
            self._over = True

    def _fail(self, error: ProviderError, out: list[Event], *, thought_alone: bool = False) -> None:
        if not self._over:
            out.append(Failure(error, thought_alone))
            self._over = True


def refusal_in(frame: Mapping[str, Any]) -> str | None:
    """What a frame says of a failure, in the shapes of servers in front of a site, of which its own decoder knows
    nothing; None where it tells of none."""
    error = frame.get("error")
    if isinstance(error, dict | str) and error:
        return text(error) or _words_in(mapping(error))
    if frame.get("success") is False or set(frame) == {"detail"}:
        return _words_in(frame)
    code = frame.get("code")
    if isinstance(code, int) and code >= _FIRST_FAILURE and frame.keys() <= _REFUSAL:
        return _words_in(frame)
    return None


def _words_in(place: Mapping[str, Any]) -> str:
    return next((words for name in ("message", "msg", "detail", "code") if (words := text(place.get(name)))), "")
