"""A provider's answer, byte by byte, to the bytes of the client's: unpack, decode, filter, encode. Sans-IO.

The same reader serves clients, replays and checks of recordings. Nothing here waits, logs or validates models.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from addons.dialects.base import Encoder
from addons.exchange.answer_source import AnswerSource
from addons.features.feature import Flaw
from addons.features.token_estimate import LateCounter, estimated
from addons.stream.port import State
from addons.transport.inflate import IdentityInflater, InflateError, Inflater, inflater
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import (
    Event,
    Failure,
    Finish,
    Issued,
    Passthrough,
    Reasoning,
    Revoked,
    Text,
    ToolCallDelta,
    Usage,
)
from providers.contract.operation import Decoder

REFUSAL_LIMIT_BYTES: Final = 256 * 1024
"""How much of a refusal is read; an error page is small, and what comes after this tells nothing more."""
_SAID: Final = (Text, Reasoning)
READ_BYTES: Final = 16 * 1024
"""Of an unpacked body, between two turns of others: as much as is read of a connection at once."""


def _is_word(event: Event) -> bool:
    """Whether an event is a part of the answer: any delta that holds something is, whatever it is called."""
    if isinstance(event, Passthrough):
        return event.scope == "delta" and any(value not in (None, "", [], {}) for value in event.fields.values())
    return not isinstance(event, Usage | Finish | Issued | Revoked)


def _unheard(plain: bytes) -> None:
    """Whom a reader calls that was let go."""


def _without_words(error: ProviderError) -> ProviderError:
    return ProviderError(error.kind, "")


class AnswerReader:
    """`head` first, then `feed` and, while `behind`, `read_on`; `close` at the end of the body.

    `received` is given each piece of the body, unpacked; `spoke` is called at the first word; `cleaned` makes
    of a failure what may be kept of it.
    """

    __slots__ = (  # each stream has one, and thirty attributes in a dict take 1.5 KB
        "_cleaned",
        "_clock",
        "_counter",
        "_decoder",
        "_encoder",
        "_held",
        "_inflater",
        "_lost",
        "_own",
        "_plain",
        "_read",
        "_received",
        "_refusal",
        "_says_first",
        "_source",
        "_spoke",
        "_status",
        "as_said",
        "asks_again",
        "begun",
        "behind",
        "closes_early",
        "ended",
        "error",
        "first_token_at",
        "flaw",
        "headers",
        "site_is_done",
        "state",
        "told",
        "usage",
        "waits",
    )

    def __init__(
        self,
        source: AnswerSource,
        encoder: Encoder,
        *,
        received: Callable[[bytes], None] = lambda plain: None,
        spoke: Callable[[], object] = lambda: None,
        cleaned: Callable[[ProviderError], ProviderError] = lambda error: error,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = State.OPEN
        self.error: ProviderError | None = None
        """Why it failed; None but in state FAILED."""
        self.usage: Usage | None = None
        """As the client is told: with what an earlier attempt spent."""
        self._own: Usage | None = None
        """Of this attempt alone, as far as the provider has told."""
        self.first_token_at: float | None = None
        """When the first word came, by `clock`."""
        self.begun = False
        """The client has the head of an answer: no other can take its place."""
        self.closes_early = False
        """The answer was complete before its body was."""
        self.behind = False
        """There is more to `read_on` of what was fed."""
        self.site_is_done = False
        """The site has said its last word, whatever became of that."""
        self.as_said = False
        """It is what the site has said, to the end: neither cut by the gateway nor filtered by the site."""
        self.ended = False
        """All was said, and only the end mark or the end of the body is missing."""
        self.waits = False
        """It is whole, and waits for the further ones."""
        self.headers: dict[str, str] = {}
        """Of the provider's head; names in lower case."""
        self.flaw: Flaw | None = None
        """Why a whole answer failed: it did not pass its source's check."""
        self.asks_again = False
        """It failed so that the same account may be asked once more."""
        self.told = False
        """It failed, and the client has the provider's own words of that."""
        self._source, self._encoder = source, encoder
        self._received, self._cleaned, self._clock = received, cleaned, clock
        self._says_first = spoke
        self._counter = LateCounter()
        self._inflater: Inflater | None = None
        """None for a body that is not packed, as nearly all are."""
        self._decoder: Decoder | None = None
        self._refusal = bytearray()
        self._status = 0
        self._lost = False
        """The stream was lost, and the site asked for the rest."""
        self._held: list[Event] = []
        self._spoke = False
        self._plain = b""
        """Of the body, unpacked: what came last."""
        self._read = 0
        """How much of that was read."""

    def let_go(self) -> None:
        """Forgets whom it calls, and who may hold it: nothing is read any more."""
        self._received, self._cleaned = _unheard, _without_words

    @property
    def accepted(self) -> bool:
        """The provider began a proper answer."""
        return self._decoder is not None

    @property
    def unknown(self) -> Mapping[str, int]:
        """What the decoder and the filters met and did not know, by kind."""
        found: Counter[str] = Counter()
        for one in (self._decoder, *self._source.filters):
            found.update(getattr(one, "unknown", {}))
        return found

    # -- the provider's bytes -------------------------------------------------------------------------------------
    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """The answer's head; names in lower case."""
        self._status, self.headers = status, dict(headers)
        if self._source.turn.accepts(status, self.headers):
            self._decoder = self._source.turn.decoder()
        try:
            found = inflater(self.headers.get("content-encoding", ""))
            self._inflater = None if isinstance(found, IdentityInflater) else found
        except InflateError as e:
            self._unreadable(e)

    def feed(self, chunk: bytes) -> bytes:
        """A piece of the body, as packed as it came; of what it unpacks to, only the first part is read."""
        if self.state is not State.OPEN:
            return b""
        try:
            plain = chunk if self._inflater is None else self._inflater.feed(chunk)
        except InflateError as e:
            self._unreadable(e)
            return b""
        self._received(plain)
        if self._decoder is None:
            self._refusal += plain
            if len(self._refusal) > REFUSAL_LIMIT_BYTES:
                self._refused()
            return b""
        self._plain, self._read = self._plain[self._read :] + plain, 0
        return self.read_on()

    def read_on(self) -> bytes:
        """The next part of what was fed: a small packet may have been packed a hundred times smaller still."""
        assert self._decoder is not None
        begin, self._read = self._read, self._read + READ_BYTES
        out = self._take(self._decoder.feed(self._plain[begin : self._read]))
        is_open = self.state is State.OPEN
        self.behind = is_open and self._read < len(self._plain)
        filters = self._source.filters
        all_said = self._decoder.ended or (bool(filters) and any(one.ended for one in filters))
        self.ended = is_open and all_said and not self.waits
        return out

    def close(self) -> bytes:
        """The body has ended."""
        if self.state is not State.OPEN:
            return b""
        if self._decoder is None:
            self._refused()
            return b""
        try:
            if self._inflater is not None:
                self._inflater.close()
        except InflateError as e:
            if self.ended:
                return self.settle()
            self.fail(ErrorKind.INCOMPLETE, f"{self._source.provider.name}: {e}")
            return b""
        return self._take(self._decoder.close())

    def settle(self) -> bytes:
        """The answer is complete, as `ended` says; whatever the body may still bring is not waited for."""
        assert self._decoder is not None
        self.closes_early = True
        return self._take(self._decoder.close())

    # -- failures -------------------------------------------------------------------------------------------------
    def said_at_last(self) -> ProviderError | None:
        """What the provider itself said of its failure before the connection broke (an error, half a page)."""
        if self.state is not State.OPEN or self._decoder is None:
            return None
        failures = [event.error for event in self._decoder.close() if isinstance(event, Failure)]
        return failures[0] if failures and failures[0].kind is not ErrorKind.INCOMPLETE else None

    def fail(self, kind: ErrorKind, message: str, code: str | None = None) -> None:
        self.failed(ProviderError(kind, message, site_code=code))

    def failed(self, error: ProviderError) -> None:
        """Every failure comes by here: it may quote the provider."""
        self.error = self._cleaned(error)
        self.state, self.behind, self.ended = State.FAILED, False, False

    # -- a stream that was lost -----------------------------------------------------------------------------------
    def lose(self) -> bool:
        """The stream has ended before the answer: whether its site may have the rest (`completed`, or `stays_lost`)."""
        if self._source.came is None or self._decoder is None or self._lost or self.waits:
            return False
        if self.state is State.OPEN and (error := self.said_at_last()) is not None:
            self.failed(error)
        if self.state is State.FAILED and (self.error is None or self.error.kind is not ErrorKind.INCOMPLETE):
            return False
        self._lost, self.state = True, State.OPEN
        return self.state is State.OPEN

    def completed(self, whole: Sequence[Event]) -> bytes:
        """The rest of an answer, of which the site has kept the `whole`. Nothing where what has come is not its
        beginning: it stays lost."""
        assert self._source.came is not None
        rest = self._source.came.rest(whole)
        if rest is None:
            return self.stays_lost()
        self.error = None
        return self._take(rest)

    def stays_lost(self) -> bytes:
        """The rest will not come: the failure that was met first is the answer's. Open still, where none was."""
        error, self.error = self.error, None
        return self._take([Failure(error)]) if error is not None else b""

    def _unreadable(self, error: InflateError) -> None:
        self.fail(ErrorKind.PROVIDER_DOWN, f"{self._source.provider.name} sent an answer that cannot be read: {error}")

    def _refused(self) -> None:
        body = bytes(self._refusal)[:REFUSAL_LIMIT_BYTES]
        error = self._source.turn.classify(self._status, self.headers, body)
        error.model = self._source.request.model
        self.failed(error)

    # -- answers --------------------------------------------------------------------------------------------------
    def _take(self, events: list[Event]) -> bytes:
        """Events of the decoder to bytes for the client; sets `state` at the terminal one."""
        if not events or self.waits:
            return b""
        source, last = self._source, events[-1]
        if isinstance(last, Finish | Failure):
            self.site_is_done = isinstance(last, Finish) or last.error.kind is not ErrorKind.INCOMPLETE
        if source.came is not None and not self._lost:
            source.came.add(events)
            if isinstance(last, Failure) and not self.site_is_done and not self.ended:
                out = self._take(events[:-1])  # what follows the failure depends on whether the site has kept the rest
                self.failed(last.error)
                return out
        for one in source.filters:
            events = one.filter(events)
        kept: list[Event] = []
        said: list[str] = []
        ended: Finish | None = None
        for event in events:
            if isinstance(event, _SAID):
                said.append(event.text)
            elif isinstance(event, ToolCallDelta):
                said.append(event.arguments)
            elif isinstance(event, Usage):
                self._own = event
                self.usage = event = event if source.spent is None else event.with_spent(source.spent)
            elif isinstance(event, Failure):
                self.told = event.told and self._spoke
                self.failed(event.error)
                break
            elif isinstance(event, Finish):
                ended = event
            kept.append(event)
        if said:
            self._counter.add(said)
        if source.told is not None:
            source.told.add(kept)
        if source.filters and any(one.done for one in source.filters):
            self.closes_early = True
        return self._complete(kept, ended) if ended is not None else self._pass_on(kept)

    def _pass_on(self, events: list[Event]) -> bytes:
        """Encodes; before the first word that matters, events are held: they must not commit the answer."""
        if not self._spoke:
            self._held += events
            if self.state is State.FAILED or not self._may_go_out(events):
                return b""
            events, self._held = self._held, []
            self._spoke = True
        return self._encoder.encode(events) if events else b""

    def _may_go_out(self, events: list[Event]) -> bool:
        """Whether what is held may be given out, now that these have come."""
        said, check = self._note_first(events), self._source.check
        return said if check is None else check.passes(events)

    def _note_first(self, events: list[Event]) -> bool:
        """Whether there is a word that matters among `events`; notes when the first came."""
        matters = any(map(_is_word, events))
        if matters and self.first_token_at is None:
            self.first_token_at = self._clock()
            self._says_first()
        return matters

    def _complete(self, events: list[Event], end: Finish) -> bytes:
        said = self._note_first(events) or self.first_token_at is not None
        provider = self._source.provider
        if not said and end.reason == "stop" and provider.web_session and not self.closes_early:
            message = f"{provider.name} answered with nothing at all; try again or another model."
            self.fail(ErrorKind.PROVIDER_DOWN, message)
            return b""
        if not said and end.reason == "content_filter" and self._source.filtered_fails and not self.begun:
            self.fail(ErrorKind.CONTENT_FILTERED, f"{provider.name} refuses the content.")
            return b""
        if self.usage is None:
            spent, self._own = self._source.spent, self._estimated_usage()
            self.usage = self._own if spent is None else self._own.with_spent(spent)
            events = [*events[:-1], self.usage, end]
        newest, events, self._held = events, [*self._held, *events], []
        if (flaw := self._flaw_of(newest, events)) is not None:
            self.flaw, self.asks_again = flaw, True
            self.failed(flaw.error)
            return b""
        self.behind = self.ended = False
        cut = any(one.done for one in self._source.filters)
        self.as_said = self.site_is_done and not cut and end.reason != "content_filter"
        out = self._encoder.encode(events)
        self._spoke = True
        self._done_with_all()
        return out

    # -- further answers ------------------------------------------------------------------------------------------
    def more(self) -> bytes:
        """What has come of further answers, when something has."""
        if self.state is not State.OPEN or not self._spoke:
            return b""
        out = self._encoder.encode(())
        if self.waits:
            self._done_with_all()
        return out

    def _done_with_all(self) -> None:
        further = self._source.further
        self.waits = further is not None and not further.over
        if not self.waits:
            self.state = State.DONE
            self.usage = self.usage if further is None else further.usage_with(self.usage)

    def _flaw_of(self, newest: list[Event], events: list[Event]) -> Flaw | None:
        """The flaw of an answer that has ended and of which nothing went out yet."""
        check = None if self._spoke else self._source.check
        return None if check is None or check.passes(newest) else check.flaw(events)

    @property
    def answered(self) -> int:
        """About how many tokens have come so far."""
        return self._counter.tokens

    def _estimated_usage(self) -> Usage:
        """A count of our own where the provider gives none (docs/configuration.md says how it is made)."""
        prompt, answered = estimated(self._source.request.words()), self._counter.tokens
        return Usage(prompt, answered, prompt + answered)

    @property
    def spent(self) -> Usage | None:
        """The tokens of this attempt alone: as told, or where it ended with some words before that, as counted."""
        told = self._own
        if self.state is State.DONE or self.first_token_at is None:
            return told
        if told is None:
            return self._estimated_usage()
        if self.site_is_done:
            return told
        missing = max(0, self._counter.tokens - told.completion_tokens)  # the first event of some forms counts one
        return told.with_spent(Usage(0, missing, missing)) if missing else told
