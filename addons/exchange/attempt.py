"""One attempt at one provider: the UpstreamAttempt that turns its bytes into the client's format.

Per chunk: inflate, decode to events, keep the limits, encode. Nothing here waits, logs or validates models.
"""

import logging
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mitmproxy import http

from addons.accounts.way_in import way_in
from addons.cleaning.cleaner import Cleaner, handed_out
from addons.cleaning.fields import by_name
from addons.dialects.base import Encoder
from addons.errors import GatewayError
from addons.features.stop_limits import OutputLimits
from addons.features.token_estimate import TokenCounter, estimated
from addons.ingress.mirrored import mirrored
from addons.stream.port import Fault, State, Target, Timers
from addons.transport.inflate import Identity, InflateError, Inflater, inflater
from addons.transport.places import Place
from addons.transport.sealing import Owner, Seals, UnknownSecret
from addons.transport.unreachable import DETAIL_LIMIT, no_connection
from providers.contract.chat import ChatRequest
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Failure, Finish, Passthrough, Reasoning, Text, Usage
from providers.contract.provider import Decoder, Provider, ProviderOptions, Session

log = logging.getLogger("glassgate")

REFUSAL_LIMIT_BYTES = 256 * 1024
READ_BYTES = 16 * 1024
"""Of an unpacked body, between two turns of others: as much as is read of a connection at once."""
"""How much of a refusal is read; an error page is small, and what comes after this tells nothing more."""

ARRIVALS_LIMIT = 20_000
"""Pieces of a body whose arrival is remembered."""

_FAULTS: dict[Fault, tuple[str, str | None]] = {
    Fault.CLOSED: ("closed the connection before its answer was complete", None),
    Fault.PROTOCOL: ("answered with broken HTTP", None),
    Fault.FIRST_TOKEN_TIMEOUT: ("did not begin to answer in time", "timeout"),
    Fault.IDLE_TIMEOUT: ("fell silent in the middle of its answer", "timeout"),
    Fault.TOTAL_TIMEOUT: ("did not complete its answer in time", "timeout"),
    Fault.STOPPED: ("was still answering", "shutting_down"),
    Fault.INTERNAL: ("answered with something the gateway failed to read: a bug of the gateway", None),
}
"""What happened, and the code that addons/errors.py knows it by."""

_NO_CONNECTION: dict[Fault, str] = {
    Fault.CONNECT: "upstream_unreachable",
    Fault.CONNECT_TIMEOUT: "timeout",
    Fault.TLS: "upstream_tls",
}

_STREAM_HEAD = {
    "cache-control": "no-cache, no-transform",  # some proxies gather a stream to compress it
    "x-accel-buffering": "no",  # nginx and others that have taken it over pass each piece on at once
}
_SILENCES = frozenset({Fault.FIRST_TOKEN_TIMEOUT, Fault.IDLE_TIMEOUT, Fault.TOTAL_TIMEOUT})


@dataclass(slots=True)
class AttemptReport:
    """What is known of an attempt once it is over."""

    error: ProviderError | None = None
    fault: Fault | None = None
    accepted: bool = False
    """The provider began a proper answer: the prompt has been spent."""
    first_token_at: float | None = None
    usage: Usage | None = None
    received_bytes: int = 0
    arrivals: list[tuple[float, int]] = field(default_factory=list)
    """When the pieces of the body came, in seconds since the attempt began, and their lengths; up to a limit."""
    handed_over: "array[float]" = field(default_factory=lambda: array("d"))
    """`deliveries`, one number behind the other: 16 bytes a piece, for each stream, whether somebody looks or not."""
    cut: bool = False
    """The recorded body is only the beginning."""
    set_cookies: tuple[str, ...] = ()

    @property
    def deliveries(self) -> tuple[tuple[float, int], ...]:
        """As `arrivals`, of what went to the client."""
        return tuple(zip(self.handed_over[::2], map(int, self.handed_over[1::2]), strict=True))


@dataclass(frozen=True, slots=True)
class AttemptPlan:
    """Everything an attempt is made of; put together by the exchange."""

    provider: Provider[ProviderOptions]
    session: Session
    chat: ChatRequest
    target: Target
    timers: Timers
    decoder: Decoder
    seals: Seals
    places: tuple[Place, ...]
    """Where the session's secrets belong in the request."""
    cleaner: Cleaner
    record_limit_bytes: int
    answer_headers: tuple[tuple[str, str], ...] = ()
    """Headers of the client's answer besides the format's own."""
    clock: Callable[[], float] = time.monotonic
    begun: Callable[[], object] = lambda: None
    """Called at the first word of the answer."""
    filtered_fails: bool = False
    """A filter that ends the answer before its first word is a failure: another model stands in for that."""

    @property
    def owner(self) -> Owner:
        """Whose secrets stand in the flow by their names."""
        return Owner(self.provider.name, self.session.account)


def _is_word(event: Event) -> bool:
    """Whether an event is a part of the answer: any delta that holds something is, whatever it is called."""
    if isinstance(event, Passthrough):
        return event.scope == "delta" and any(value not in (None, "", [], {}) for value in event.fields.values())
    return not isinstance(event, Usage | Finish)


class Attempt:
    """The methods' contract: addons/stream/port.py. `encoder` writes the answer's body."""

    def __init__(self, plan: AttemptPlan, encoder: Encoder, limits: OutputLimits) -> None:
        self.plan = plan
        self.target = plan.target
        self.timers = plan.timers
        self.state = State.OPEN
        self.report = AttemptReport()
        self.cleaner = plan.cleaner
        """Knows what the answer's own head has handed out, too."""
        self.response: http.Response | None = None
        """The provider's answer as it stands in the flow: its head, cleaned."""
        self.built: http.Request | None = None
        self._fields_built: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}
        self._path_built: tuple[bytes, bytes] | None = None
        self._body_built: tuple[bytes, bytes] | None = None
        """What was cleaned for the eyes only: how it stands in the flow, and how it was built."""
        self.sent_at: float | None = None
        """When it was let go to the provider, by the clock."""
        self.streaming = encoder.streaming
        self.keepalive_before_first_token = False
        self.begun = False
        """The client got the head of an answer."""
        self.closes_early = False
        self.last_error: GatewayError | None = None
        """What the client is told when the gateway itself ends the attempt."""
        self.keepalive = encoder.keepalive
        self._encoder = encoder
        self._limits = limits
        self._counter = TokenCounter()
        self._inflater: Inflater = Identity()
        self._decoder: Decoder | None = None
        self._refusal: bytearray | None = None
        self._status = 0
        self._headers: dict[str, str] = {}
        self._held: list[Event] = []
        self._spoke = False
        self._recorded: list[bytes] = []
        self._delivered: list[bytes] = []
        self._delivered_bytes = 0
        self._began = plan.clock()
        self._plain = b""
        """Of the body, unpacked: what came last."""
        self._read = 0
        """How much of that was read."""

    # -- what goes out --------------------------------------------------------------------------------------------
    def wire_request(self, request: http.Request) -> http.Request | None:
        plan = self.plan
        self.sent_at = plan.clock()
        try:
            return plan.seals.wire_request(self._as_built(request), plan.places, plan.owner)
        except UnknownSecret as e:
            self._fail(ErrorKind.SESSION_EXPIRED, f"{e}.")
            return None

    def shows(self, request: http.Request) -> None:
        """`request` stands in the flow in the place of the one that was built: the same, its head cleaned."""
        assert self.built
        pairs = zip(request.headers.fields, self.built.headers.fields, strict=True)
        self._fields_built = {shown: built for shown, built in pairs if shown != built}
        if request.data.path != self.built.data.path:
            self._path_built = request.data.path, self.built.data.path

    def shows_body(self, shown: bytes, built: bytes) -> None:
        """As `shows`, for the body."""
        self._body_built = shown, built

    def body_as_built(self, body: bytes | None) -> bytes | None:
        """What is meant by a body as it stands in the flow; one that was edited is meant as it is."""
        return self._body_built[1] if self._body_built is not None and body == self._body_built[0] else body

    def _as_built(self, request: http.Request) -> http.Request:
        """The flow's request, edited or not, with what was cleaned for the eyes only as the adapter built it."""
        if not self._fields_built and self._path_built is None and self._body_built is None:
            return request
        found = request.copy()
        found.headers = http.Headers(self._fields_built.get(field, field) for field in request.headers.fields)
        if self._path_built is not None and request.data.path == self._path_built[0]:
            found.data.path = self._path_built[1]
        found.data.content = self.body_as_built(request.data.content)
        return found

    def response_head(self, body: bytes | None) -> http.Response:
        self.begun = True
        extra = dict((("content-type", self._encoder.content_type), *self.plan.answer_headers, *self.mirrored))
        if body is not None:
            return http.Response.make(200, body, extra)
        head = http.Response.make(200, b"", _STREAM_HEAD | extra)
        del head.headers["content-length"]
        return head

    def final_error_bytes(self) -> bytes:
        return self._hand_over(self._encoder.error(self.broken_off()))

    def broken_off(self) -> GatewayError:
        """What a client that already got a part of the answer is told, and the log too."""
        error = self.report.error or ProviderError(ErrorKind.INCOMPLETE, "the answer broke off")
        if self.last_error is not None:
            return self.last_error
        provider, account = self.plan.provider, self.plan.session.account
        return GatewayError.from_provider(error, provider.name, account, way_in(provider, account))

    # -- what comes in --------------------------------------------------------------------------------------------
    # A decoder is code of many odd cases. Should one raise after all, its stream ends and no other.
    def head(self, response: http.Response) -> None:
        try:
            self._head(response)
        except Exception:
            response.headers, response.data.reason = http.Headers(), b""  # it may not have been cleaned
            self._bug()

    def data(self, chunk: bytes) -> bytes:
        try:
            return self._data(chunk)
        except Exception:
            return self._bug()

    @property
    def behind(self) -> bool:
        return self._read < len(self._plain) and self.state is State.OPEN

    def read_on(self) -> bytes:
        try:
            return self._read_some()
        except Exception:
            return self._bug()

    def end(self) -> bytes:
        try:
            return self._end()
        except Exception:
            return self._bug()

    def _bug(self) -> bytes:
        name = self.plan.provider.name
        log.exception("the answer of %s could not be read: a fault of the gateway", name)
        self.fault(Fault.INTERNAL, "see the gateway's log")
        return b""

    def _head(self, response: http.Response) -> None:
        plan = self.plan
        self.response = response
        self.report.set_cookies = tuple(plan.cleaner.head(response, plan.owner))
        if self.report.set_cookies:
            self.cleaner = plan.cleaner.also(handed_out(self.report.set_cookies))
        self._status = response.status_code
        self._headers = by_name(response.headers.fields)
        if plan.provider.is_answer(self._status, self._headers, plan.chat):
            self._decoder = plan.decoder
            self.report.accepted = True
        else:
            self._refusal = bytearray()
        try:
            self._inflater = inflater(self._headers.get("content-encoding", ""))
            response.headers.pop("content-encoding", None)  # what is kept of the body is kept unpacked
        except InflateError as e:
            self._fail(ErrorKind.PROVIDER_DOWN, f"{plan.provider.name} sent an answer that cannot be read: {e}")

    def _data(self, chunk: bytes) -> bytes:
        if self.state is not State.OPEN:
            return b""
        try:
            plain = self._inflater.feed(chunk)
        except InflateError as e:
            self._fail(ErrorKind.PROVIDER_DOWN, f"{self.plan.provider.name} sent an answer that cannot be read: {e}")
            return b""
        self._record(plain)
        if self._decoder is None:
            self._read_refusal(plain)
            return b""
        self._plain, self._read = self._plain[self._read :] + plain, 0
        return self._read_some()

    def _read_some(self) -> bytes:
        """A small packet may have been packed a hundred times smaller still."""
        assert self._decoder is not None
        begin, self._read = self._read, self._read + READ_BYTES
        return self._hand_over(self._take(self._decoder.feed(self._plain[begin : self._read])))

    def _end(self) -> bytes:
        if self.state is not State.OPEN:
            return b""
        if self._decoder is None:
            self._refused()
            return b""
        try:
            self._inflater.close()
        except InflateError as e:
            if self.ended:
                return self.settle()
            self._fail(ErrorKind.INCOMPLETE, f"{self.plan.provider.name}: {e}")
            return b""
        return self._hand_over(self._take(self._decoder.close()))

    @property
    def ended(self) -> bool:
        return self.state is State.OPEN and self._decoder is not None and self._decoder.ended

    def settle(self) -> bytes:
        try:
            assert self._decoder is not None
            self.closes_early = True
            return self._hand_over(self._take(self._decoder.close()))
        except Exception:
            return self._bug()

    def fault(self, fault: Fault, detail: str) -> None:
        if self.state is State.FAILED:
            return
        broke_off = fault is Fault.CLOSED and self._decoder is not None
        kind = ErrorKind.INCOMPLETE if broke_off else ErrorKind.PROVIDER_DOWN
        self.report.fault = fault
        # Who was silent for so long has the whole request and may be at work on it.
        self.report.accepted = self.report.accepted or fault in _SILENCES
        if (error := self._said_at_last(fault)) is not None:
            self._failed(error)
            return
        name = self.plan.provider.name
        if (code := _NO_CONNECTION.get(fault)) is not None:
            in_time = fault is not Fault.CONNECT_TIMEOUT
            self._fail(kind, no_connection(name, self.target, detail, in_time=in_time), code)
            return
        what, code = _FAULTS[fault]
        self._fail(kind, f"{name} {what} ({detail[:DETAIL_LIMIT]}).", code)

    def _said_at_last(self, fault: Fault) -> ProviderError | None:
        """What the provider itself said of its failure before the connection broke (an error, half a page)."""
        if self.state is not State.OPEN or self._decoder is None or fault is Fault.INTERNAL:
            return None
        failures = [event.error for event in self._decoder.close() if isinstance(event, Failure)]
        return failures[0] if failures and failures[0].kind is not ErrorKind.INCOMPLETE else None

    @property
    def mirrored(self) -> tuple[tuple[str, str], ...]:
        """What the provider's head says of limits and of its own id for the request, for the client's answer."""
        return mirrored(self._headers)

    @property
    def recorded(self) -> Sequence[bytes]:
        """Nothing: a body gets onto a flow cleaned or not at all (addons/inspect/annotator.py)."""
        return ()

    @property
    def body(self) -> bytes:
        """The provider's body as it came, unpacked, up to the cap. Secrets may stand in it."""
        return b"".join(self._recorded)

    def recorded_from(self, count: int) -> Sequence[bytes]:
        """The pieces of `body` behind the first `count`."""
        return self._recorded[count:]

    def delivered_from(self, count: int) -> Sequence[bytes]:
        """The pieces of `delivered` behind the first `count`."""
        return self._delivered[count:]

    @property
    def took_s(self) -> float:
        """Seconds since it was planned."""
        return self.plan.clock() - self._began

    @property
    def unknown(self) -> Mapping[str, int]:
        """What the decoder met and did not know, by kind."""
        found: Mapping[str, int] = getattr(self.plan.decoder, "unknown", {})
        return found

    @property
    def delivered(self) -> bytes:
        """What the client was sent of the answer (without keep-alive comments), up to the cap."""
        return b"".join(self._delivered)

    def _hand_over(self, out: bytes) -> bytes:
        """Notes what goes to the client."""
        room = self.plan.record_limit_bytes - self._delivered_bytes
        if out and room > 0:
            self._delivered.append(out[:room])
            if len(self.report.handed_over) < 2 * ARRIVALS_LIMIT:
                self.report.handed_over.append(self.plan.clock() - self._began)
                self.report.handed_over.append(len(out))
        self._delivered_bytes += len(out)
        return out

    def _record(self, chunk: bytes) -> None:
        if len(self.report.arrivals) < ARRIVALS_LIMIT:
            self.report.arrivals.append((self.plan.clock() - self._began, len(chunk)))
        room = self.plan.record_limit_bytes - self.report.received_bytes
        self.report.received_bytes += len(chunk)
        if room >= len(chunk):
            self._recorded.append(chunk)
        else:
            self.report.cut = True
            if room > 0:
                self._recorded.append(chunk[:room])

    # -- refusals -------------------------------------------------------------------------------------------------
    def _read_refusal(self, plain: bytes) -> None:
        assert self._refusal is not None
        self._refusal += plain
        if len(self._refusal) > REFUSAL_LIMIT_BYTES:
            self._refused()

    def _refused(self) -> None:
        body = bytes(self._refusal or b"")[:REFUSAL_LIMIT_BYTES]
        error = self.plan.provider.classify(self._status, self._headers, body)
        error.model = self.plan.chat.model
        if error.refused:  # only what this request had: others may have taught the provider meanwhile
            asked = self.built.data.content if self.built is not None else None
            error.refused = frozenset(name for name in error.refused if b'"%s"' % name.encode() in (asked or b""))
        self._failed(error)

    def _fail(self, kind: ErrorKind, message: str, code: str | None = None) -> None:
        self._failed(ProviderError(kind, message, site_code=code))

    def _failed(self, error: ProviderError) -> None:
        """Every error of an attempt comes by here: it may quote the provider."""
        self.report.error = self.cleaner.error(error)
        self.state = State.FAILED

    # -- answers --------------------------------------------------------------------------------------------------
    def _take(self, events: list[Event]) -> bytes:
        """Events of the decoder to bytes for the client; sets `state` at the terminal one."""
        if not events:
            return b""
        events = self._limits.filter(events)
        kept: list[Event] = []
        ended: Finish | None = None
        for event in events:
            if isinstance(event, Text | Reasoning):
                self._counter.add(event.text)
            elif isinstance(event, Usage):
                self.report.usage = event
            elif isinstance(event, Failure):
                self._failed(event.error)
                break
            elif isinstance(event, Finish):
                ended = event
            kept.append(event)
        if self._limits.done:
            self.closes_early = True
        if ended is not None:
            return self._complete(kept, ended)
        return self._pass_on(kept)

    def _pass_on(self, events: list[Event]) -> bytes:
        """Encodes; before the first word that matters, events are held: they must not commit the answer."""
        if not self._spoke:
            self._held += events
            if self.state is State.FAILED or not self._note_first(events):
                return b""
            events, self._held = self._held, []
            self._spoke = True
        return self._encoder.encode(events) if events else b""

    def _note_first(self, events: list[Event]) -> bool:
        """Whether there is a word that matters among `events`; notes when the first came."""
        matters = any(map(_is_word, events))
        if matters and self.report.first_token_at is None:
            self.report.first_token_at = self.plan.clock()
            self.plan.begun()
        return matters

    def _complete(self, events: list[Event], end: Finish) -> bytes:
        said = self._note_first(events) or self.report.first_token_at is not None
        if not said and end.reason == "stop" and self.plan.provider.web_session and not self.closes_early:
            name = self.plan.provider.name
            self._fail(ErrorKind.PROVIDER_DOWN, f"{name} answered with nothing at all; try again or another model.")
            return b""
        if not said and end.reason == "content_filter" and self.plan.filtered_fails and not self.begun:
            self._fail(ErrorKind.CONTENT_FILTERED, f"{self.plan.provider.name} refuses the content.")
            return b""
        if self.report.usage is None:
            self.report.usage = self._estimated_usage()
            events = [*events[:-1], self.report.usage, end]
        self.state = State.DONE
        out = self._encoder.encode([*self._held, *events])
        self._held = []
        self._spoke = True
        return out

    def _estimated_usage(self) -> Usage:
        """A count of our own where the provider gives none (docs/configuration.md says how it is made)."""
        prompt = estimated(message.text() for message in self.plan.chat.messages)
        return Usage(prompt, self._counter.tokens, prompt + self._counter.tokens)
