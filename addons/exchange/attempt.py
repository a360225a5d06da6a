"""One attempt at one provider: the UpstreamAttempt of the stream layer, around the reader of its answer.

What the answer says is answer_reader.py's; here are its secrets, what is kept of it, and the faults of the connection.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from mitmproxy import http

from addons.accounts.way_in import way_in
from addons.cleaning.cleaner import Cleaner, handed_out
from addons.cleaning.fields import by_name
from addons.dialects.base import Encoder
from addons.errors import GatewayError
from addons.exchange.answer_reader import AnswerReader
from addons.exchange.answer_source import AnswerSource
from addons.exchange.read_back import ReadBack
from addons.exchange.timed_pieces import TimedPieces
from addons.framing.fields import headers_of, value_of
from addons.ingress.upstream_headers import upstream_headers
from addons.stream.port import Fault, State, Timers
from addons.transport.places import Place
from addons.transport.sealing import Owner, Seals, UnknownSecret
from addons.transport.unreachable import DETAIL_LIMIT, kind_of, no_connection
from addons.transport.upstream_request import goes_on
from addons.upstream.port import Target
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Event, Usage
from providers.contract.provider import AnyProvider
from providers.contract.session import Session

log = logging.getLogger("glassgate")

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

STREAM_HEAD = {
    "cache-control": "no-cache, no-transform",  # some proxies gather a stream to compress it
    "x-accel-buffering": "no",  # nginx and others that have taken it over pass each piece on at once
}
_name_bytes = lru_cache(maxsize=64)(str.encode)
"""A header's name; there are few, and each is kept as long as its stream."""
_LOSSES = frozenset({Fault.CLOSED, Fault.PROTOCOL, Fault.IDLE_TIMEOUT})
"""What may happen to a stream while the site goes on with its answer."""
_SILENCES = frozenset({Fault.FIRST_TOKEN_TIMEOUT, Fault.IDLE_TIMEOUT, Fault.TOTAL_TIMEOUT})


@dataclass(slots=True)
class AttemptReport:
    """What is known of an attempt once it is over."""

    reader: AnswerReader
    fault: Fault | None = None
    received_bytes: int = 0
    arrivals: TimedPieces = field(default_factory=TimedPieces)
    """Of the provider's body."""
    deliveries: TimedPieces = field(default_factory=TimedPieces)
    """Of what went to the client."""
    cut: bool = False
    """The recorded body is only the beginning."""
    set_cookies: tuple[str, ...] = ()

    @property
    def error(self) -> ProviderError | None:
        return self.reader.error

    @property
    def accepted(self) -> bool:
        """The prompt has been spent: an answer was begun, or who was silent for so long may be at work on it."""
        return self.reader.accepted or self.fault in _SILENCES

    @property
    def first_token_at(self) -> float | None:
        return self.reader.first_token_at

    @property
    def usage(self) -> Usage | None:
        return self.reader.usage


@dataclass(frozen=True, slots=True)
class AttemptSpec:
    """Everything an attempt is made of (addons/exchange/attempt_plan.py)."""

    source: AnswerSource
    session: Session
    target: Target
    timers: Timers
    seals: Seals
    places: tuple[Place, ...]
    """Where the session's secrets belong in the request."""
    cleaner: Cleaner
    record_limit_bytes: int
    answer_headers: tuple[tuple[str, str], ...] = ()
    """Headers of the client's answer besides the format's own."""
    own_limits: bool = False
    """The client's key has limits of its own, which the client is told; the provider's get names of ours."""
    clock: Callable[[], float] = time.monotonic
    more_bytes: int | None = 0
    """Of the request's body, behind what the request has; None where nobody knows."""
    begun: Callable[[], object] = lambda: None
    """Called at the first word of the answer."""
    read_back: Callable[[Callable[[], object]], ReadBack] | None = None
    """Begins to ask the site for an answer whose stream was lost; what it is given is called when that is over."""

    @property
    def provider(self) -> AnyProvider:
        return self.source.provider

    @property
    def owner(self) -> Owner:
        """Whose secrets stand in the flow by their names."""
        return Owner(self.provider.name, self.session.account)


class Attempt:
    """The methods' contract: addons/stream/port.py. `encoder` writes the answer's body."""

    def __init__(self, spec: AttemptSpec, encoder: Encoder) -> None:
        self.spec = spec
        self.target = spec.target
        self.timers = spec.timers
        self.cleaner = spec.cleaner
        """Knows what the answer's own head has handed out, too."""
        self.reader = AnswerReader(
            spec.source, encoder, received=self._record, spoke=spec.begun, cleaned=self._cleaned, clock=spec.clock
        )
        self.report = AttemptReport(self.reader)
        self.response: http.Response | None = None
        """The provider's answer as it stands in the flow: its head, cleaned."""
        self.built: http.Request | None = None
        self._planned: tuple[object, ...] | None = None
        """What is to be sent, until it is."""
        self._fields_built: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}
        self._path_built: tuple[bytes, bytes] | None = None
        self._body_built: tuple[bytes, bytes] | None = None
        """What was cleaned for the eyes only: how it stands in the flow, and how it was built."""
        self.sent_at: float | None = None
        """When it was let go to the provider, by the clock."""
        self.edited = False
        """A person has edited it in the inspector before: the answer is one to another question."""
        self.streaming = encoder.streaming
        self.keepalive = encoder.keepalive
        self.keepalive_before_first_token = self.silent_until_whole = False
        self.beside = spec.source.further
        self.last_error: GatewayError | None = None
        """What the client is told when the gateway itself ends the attempt."""
        self._encoder = encoder
        self._recorded: list[bytes] = []
        self._delivered: list[bytes] = []
        self._delivered_bytes = 0
        self._read_back: ReadBack | None = None
        self._loss = Fault.CLOSED, ""
        self._began = spec.clock()

    @property
    def begun(self) -> bool:
        """The client got the head of an answer."""
        return self.reader.begun

    # -- what goes out --------------------------------------------------------------------------------------------
    def wire_request(self, request: http.Request) -> http.Request | None:
        spec = self.spec
        self.sent_at = spec.clock()
        try:
            meant = self._as_built(request)
            self.edited = self._planned is not None and _parts(meant) != self._planned
            self._planned = None
            found = spec.seals.wire_request(meant, spec.places, spec.owner)
        except UnknownSecret as e:
            self.reader.fail(ErrorKind.SESSION_EXPIRED, f"{e}.")
            return None
        if spec.more_bytes != 0:  # a person may have edited what is here of it
            goes_on(found, spec.more_bytes)
        return found

    def shows(self, request: http.Request) -> None:
        """`request` stands in the flow in the place of the one that was built: the same, its head cleaned."""
        assert self.built
        self._planned = _parts(self.built)
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
        found.headers = headers_of(self._fields_built.get(field, field) for field in request.headers.fields)
        if self._path_built is not None and request.data.path == self._path_built[0]:
            found.data.path = self._path_built[1]
        found.data.content = self.body_as_built(request.data.content)
        return found

    def response_head(self, body: bytes | None) -> http.Response:
        self.reader.begun = True
        extra = dict((("content-type", self._encoder.content_type), *self.spec.answer_headers, *self.mirrored))
        if body is None:
            fields, content = STREAM_HEAD | extra, b""
        else:
            fields, content = extra | {"content-length": str(len(body))}, body
        headers = headers_of(
            (_name_bytes(name), value.encode("utf-8", "surrogateescape")) for name, value in fields.items()
        )
        now = time.time()
        return http.Response(b"HTTP/1.1", 200, b"OK", headers, content, None, now, now)

    def final_error_bytes(self) -> bytes:
        if self.reader.told:
            return b""
        return self._hand_over(self._encoder.error(self.broken_off()))

    def broken_off(self) -> GatewayError:
        """What a client that already got a part of the answer is told, and the log too."""
        error = self.report.error or ProviderError(ErrorKind.INCOMPLETE, "the answer broke off")
        if self.last_error is not None:
            return self.last_error
        provider, account = self.spec.provider, self.spec.session.account
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
        return self._guarded(self.reader.feed, chunk)

    def read_on(self) -> bytes:
        return self._guarded(self.reader.read_on)

    def is_lost(self, fault: Fault, detail: str, wake: Callable[[], object]) -> bool:
        if self.spec.read_back is None or fault not in _LOSSES or not self.reader.lose():
            return False
        self._loss, self.report.cut = (fault, detail), True
        self._read_back = self.spec.read_back(wake)
        return True

    def leave_site(self) -> None:
        """Nothing is wanted of its site any more."""
        if self._read_back is not None:
            self._read_back.leave()

    def more(self) -> bytes:
        if self._read_back is not None and self._read_back.over:
            return self._from_site(self._read_back.found)
        if self.last_error is not None:
            self.fault(Fault.STOPPED, "another answer to the same request failed")
        return self._guarded(self.reader.more)

    def _from_site(self, whole: Sequence[Event] | None) -> bytes:
        """The rest of a lost answer, or what was lost with it."""
        self._read_back = None
        out = self._guarded(self.reader.completed, whole) if whole else self._guarded(self.reader.stays_lost)
        if self.reader.state is State.OPEN:
            self.fault(*self._loss)
        return out

    def end(self) -> bytes:
        return self._guarded(self.reader.close)

    def settle(self) -> bytes:
        return self._guarded(self.reader.settle)

    def _guarded[*P](self, read: Callable[[*P], bytes], *given: *P) -> bytes:
        try:
            return self._hand_over(read(*given))
        except Exception:
            self._bug()
            return b""

    def _bug(self) -> None:
        name = self.spec.provider.name
        log.exception("the answer of %s could not be read: a fault of the gateway", name)
        self.fault(Fault.INTERNAL, "see the gateway's log")

    def _head(self, response: http.Response) -> None:
        spec = self.spec
        self.response = response
        self.report.set_cookies = tuple(spec.cleaner.head(response, spec.owner))
        if self.report.set_cookies:
            self.cleaner = spec.cleaner.also(handed_out(self.report.set_cookies))
        self.reader.head(response.status_code, by_name(response.headers.fields))
        if self.reader.state is State.OPEN and value_of(response.headers.fields, b"content-encoding") is not None:
            del response.headers["content-encoding"]  # what is kept of the body is kept unpacked

    def fault(self, fault: Fault, detail: str) -> None:
        if self.reader.state is State.FAILED:
            return
        broke_off = fault is Fault.CLOSED and self.reader.accepted
        kind = ErrorKind.INCOMPLETE if broke_off else ErrorKind.PROVIDER_DOWN
        self.report.fault = fault
        if fault is not Fault.INTERNAL and (error := self.reader.said_at_last()) is not None:
            self.reader.failed(error)
            return
        name = self.spec.provider.name
        if (code := _NO_CONNECTION.get(fault)) is not None:
            in_time = fault is not Fault.CONNECT_TIMEOUT
            self.reader.fail(kind_of(detail), no_connection(name, self.target, detail, in_time=in_time), code)
            return
        what, code = _FAULTS[fault]
        self.reader.fail(kind, f"{name} {what} ({detail[:DETAIL_LIMIT]}).", code)

    def _cleaned(self, error: ProviderError) -> ProviderError:
        """What may be kept of a failure: it may quote the provider."""
        if error.refused:  # only what this request had: others may have taught the provider meanwhile
            asked = self.built.data.content if self.built is not None else None
            error.refused = frozenset(name for name in error.refused if b'"%s"' % name.encode() in (asked or b""))
        return self.cleaner.error(error)

    @property
    def mirrored(self) -> tuple[tuple[str, str], ...]:
        """What the provider's head says of limits and of its own id for the request, for the client's answer."""
        return upstream_headers(self.reader.headers, own_limits=self.spec.own_limits)

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
        """Seconds since it was made."""
        return self.spec.clock() - self._began

    @property
    def delivered_bytes(self) -> int:
        """Of what the client was sent of the answer, all of it."""
        return self._delivered_bytes

    @property
    def sent_bytes(self) -> int:
        """Of the body that was built for the provider."""
        return len(self.built.data.content or b"") if self.built is not None else 0

    @property
    def unknown(self) -> Mapping[str, int]:
        """What the decoder met and did not know, by kind."""
        return self.reader.unknown

    @property
    def delivered(self) -> bytes:
        """What the client was sent of the answer (without keep-alive comments), up to the cap."""
        return b"".join(self._delivered)

    def _hand_over(self, out: bytes) -> bytes:
        """Notes what goes to the client."""
        room = self.spec.record_limit_bytes - self._delivered_bytes
        if out and room > 0:
            self._delivered.append(out[:room])
            self.report.deliveries.add(self.spec.clock() - self._began, len(out))
        self._delivered_bytes += len(out)
        return out

    def _record(self, chunk: bytes) -> None:
        self.report.arrivals.add(self.spec.clock() - self._began, len(chunk))
        room = self.spec.record_limit_bytes - self.report.received_bytes
        self.report.received_bytes += len(chunk)
        if room >= len(chunk):
            self._recorded.append(chunk)
        else:
            self.report.cut = True
            if room > 0:
                self._recorded.append(chunk[:room])


def _parts(request: http.Request) -> tuple[object, ...]:
    """All that a provider is told by a request, as it stands now: the request itself may be edited later."""
    data = request.data
    return data.method, data.path, data.headers.fields, data.content
