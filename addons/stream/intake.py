"""Receiving the client's request: answered at its head where it is refused, else bounded in size and time; no I/O."""

import time
from abc import abstractmethod
from enum import Enum, auto
from typing import Final

from mitmproxy import http
from mitmproxy.proxy.layers.http._hooks import HttpRequestHeadersHook

from addons.errors import GatewayError, shutting_down
from addons.framing.fields import value_of
from addons.stream.client_end import ClientSide
from addons.stream.client_events import Data, End, Head, Left, Refused
from addons.stream.commands import LOOK_IF_LEFT, READ_PAST, Hold, SendHead
from addons.stream.course import Course
from addons.stream.deps import StreamDeps
from addons.stream.machine_events import MachineEvent, Ticked
from addons.stream.own_answers import NEVER, OwnAnswers
from addons.stream.passed_body import LOOK_S, PassedBody
from addons.stream.port import UploadReading

PIECE_BYTES: Final = 64 * 1024
"""Of a body that may be passed on, what is looked at at once: no more of it is kept than is needed."""


class Receiving(Enum):
    """What becomes of what the client sends."""

    HEAD = auto()
    BODY = auto()
    PASSED_ON = auto()
    """The body goes to the provider as it comes."""
    DONE = auto()
    DROPPED = auto()


class RequestIntake(OwnAnswers):
    """A request until it is complete; `_complete` is what then happens.

    Who is refused at the head (no key, no such path, too many) is answered at once: the driver then ends the request
    that nobody wants, and none of its body is kept.
    """

    __slots__ = (
        "_body",
        "_holders",
        "_host",
        "_is_whole_form",
        "_kept_bytes",
        "_reading",
        "_receiving",
        "_version",
        "body",
    )

    def __init__(self, side: ClientSide, deps: StreamDeps) -> None:
        super().__init__(side, deps)
        self._receiving = Receiving.HEAD
        self._body = bytearray()
        self._kept_bytes = 0
        self._host = ""
        """The client's address."""
        self._version = ""
        self._holders: tuple[str, ...] = ()
        self._is_whole_form = False
        """It is a form that could not be passed on while it came."""
        self._reading: UploadReading | None = None
        """What says when enough of the body has come."""
        self.body: PassedBody | None = None
        """The rest of the body, where that is passed on while it comes."""

    @property
    def client_id(self) -> str:
        return self._side.client.id

    @abstractmethod
    def _complete(self) -> Course:
        """The request is complete."""

    @abstractmethod
    def _client_left(self, why: str) -> Course: ...

    def _handle(self, event: MachineEvent) -> Course | None:
        if isinstance(event, Data):
            return self._on_data(event.data)
        if isinstance(event, Head):
            return self._on_head(event)
        if isinstance(event, End):
            return self._on_end()
        if isinstance(event, Ticked):
            return self._on_tick()
        if isinstance(event, Left):
            return self._client_left(event.why)
        if isinstance(event, Refused) and self._receiving in (Receiving.BODY, Receiving.PASSED_ON):
            return self._refuse(event.error)
        return None

    # -- the head -----------------------------------------------------------------------------------------------------
    def _on_head(self, event: Head) -> Course:
        """The head was checked and its credentials taken off before."""
        side, request = self._side, event.request
        flow = self.flow = http.HTTPFlow(side.client, side.server)
        flow.request = request
        flow.live = True
        fields = request.headers.fields
        self._host = self.deps.tracker.client_address(side.client.peername, fields)
        self._extra_headers = self.deps.extra_headers(fields)
        self._path, self._fields, self._version = request.path, fields, request.http_version
        assert side.server.address
        request.data.host, request.data.port = side.server.address[:2]
        request.scheme = "https" if side.server.tls else "http"
        is_held = not event.ends and self._may_be_large
        if is_held:  # what comes while the head is judged would all be kept
            self._out.append(Hold(held=True))
        yield HttpRequestHeadersHook(flow)
        if is_held:
            self._out.append(Hold(held=False))
        if (yield from self._is_killed()):
            return
        self._receiving = Receiving.BODY
        if not event.ends:
            yield from self._begin_body()

    def _begin_body(self) -> Course:
        """Decides at the head whether the body is wanted."""
        if self.flow.response is not None:
            yield from self._answer_early(self.flow.response)
            return
        request = self.flow.request
        port, limits = self.deps.find(self.flow), self.deps.limits
        self._reading = port.uploading if port is not None else None
        most, message = limits.body_bytes, limits.body_message
        if self._reading is not None:
            most, message = limits.upload_bytes, limits.upload_message
        if self._said_bytes > most:
            yield from self._refuse(GatewayError(413, message, code="request_too_large"))
            return
        self._holders = self._body_holders()
        self.deadline = self.deps.clock() + self.deps.limits.body_s
        if (value_of(request.headers.fields, b"expect") or b"").lower() == b"100-continue":
            go_on = http.Response.make(100)
            go_on.headers.clear()
            request.headers.pop("expect")
            self._out.append(SendHead(go_on))

    @property
    def _said_bytes(self) -> int:
        """How long the body is, as the head says (which was checked); 0 where it does not say."""
        return int(value_of(self.flow.request.headers.fields, b"content-length") or 0)

    @property
    def _may_be_large(self) -> bool:
        """Whether the body may be more than one read of the connection or two."""
        said = value_of(self.flow.request.headers.fields, b"content-length")
        return said is None or int(said) > PIECE_BYTES

    # -- the body -----------------------------------------------------------------------------------------------------
    def _on_data(self, data: bytes) -> Course | None:
        if self._receiving is Receiving.PASSED_ON:
            return self._pass_on(data)
        if self._receiving is not Receiving.BODY:
            return None
        if self._reading is None or len(data) <= PIECE_BYTES:
            return self._keep_data(data)
        return self._keep_pieces(data)

    def _keep_pieces(self, data: bytes) -> Course:
        """What came while the head was judged is one piece."""
        for at in range(0, len(data), PIECE_BYTES):
            yield from self._on_data(data[at : at + PIECE_BYTES]) or ()

    def _on_end(self) -> Course | None:
        if self._receiving is Receiving.PASSED_ON:
            return self._end_passed_on()
        if self._receiving is not Receiving.BODY:
            return None
        self._receiving = Receiving.DONE
        return self._take_body()

    def _take_body(self) -> Course:
        """The request goes on with what has come of its body."""
        self.deadline = NEVER
        self._reading = None
        self.flow.request.timestamp_end = time.time()
        self.flow.request.data.content = bytes(self._body)
        if self._kept_bytes and self.deps.find(self.flow) is not None:
            self.deps.body_budget.complete(self.flow.id, self._holders, self._kept_bytes)
            self._kept_bytes = 0
        self._forget_body()
        if self.body is not None:
            self._hold()
        yield from self._complete()

    def _keep_data(self, data: bytes) -> Course | None:
        limits = self.deps.limits
        if self._kept_bytes + len(data) > limits.body_bytes:
            message = limits.form_message if self._is_whole_form else limits.body_message
            return self._refuse(GatewayError(413, message, code="request_too_large"))
        if not self.deps.body_budget.reserve(self._holders, len(data), limits.body_bytes):
            message = "the requests under way hold as much as they may together; send fewer big ones at a time"
            return self._refuse(GatewayError(429, message, code="too_many_unfinished", retry_after_s=1))
        self._kept_bytes += len(data)
        self._body += data
        if self._reading is not None and (enough := self._reading.feed(data)) is not None:
            return self._decided(self._reading, enough=enough)
        return None

    def _decided(self, reading: UploadReading, *, enough: bool) -> Course | None:
        """What has come of the body says whether the rest of it is passed on."""
        self._reading, limits = None, self.deps.limits
        if enough:
            chunked = value_of(self.flow.request.headers.fields, b"content-length") is None
            self.body = PassedBody(reading, limits, self.deps.clock(), chunked=chunked)
            self._receiving = Receiving.PASSED_ON
            return self._take_body()
        self._is_whole_form = True
        if self._said_bytes > limits.body_bytes:
            return self._refuse(GatewayError(413, limits.form_message, code="request_too_large"))
        return None

    # -- a body that is passed on -------------------------------------------------------------------------------------
    def _pass_on(self, data: bytes) -> Course | None:
        """The rest of the body goes to the provider as it comes."""
        assert self.body is not None
        try:
            self.body.take(data, self.deps.clock())
        except GatewayError as error:
            return self._refuse(error)
        if self.body.upload.is_full:
            self._hold()
        return None

    def _end_passed_on(self) -> Course | None:
        assert self.body is not None
        try:
            self.body.end()
        except GatewayError as error:
            return self._refuse(error)
        self._receiving = Receiving.DONE
        self._let_go_on(self.body)  # there is nothing to hold any more, and a held client that leaves is not heard
        self.flow.request.timestamp_end = time.time()
        self._body_came()
        return None

    @abstractmethod
    def _body_came(self) -> None:
        """All of a body that is passed on has come."""

    @property
    def uploads(self) -> bool:
        """A body is being passed on."""
        return self._receiving is Receiving.PASSED_ON

    def _hold(self) -> None:
        """Nobody can take more of the body: the client is held. It is looked at now and then, whether it is there."""
        assert self.body is not None
        now = self.deps.clock()
        if not self.body.is_held:
            self.body.hold(now)
            self._out.append(Hold(held=True))
        self.deadline = now + LOOK_S

    def _go_on(self) -> None:
        """The client may go on, where what has come of its body was taken."""
        if self.body is not None and not self.body.upload.is_full:
            self._let_go_on(self.body)

    def _let_go_on(self, body: PassedBody) -> None:
        if body.is_held:
            body.go_on(self.deps.clock())
            self._out.append(Hold(held=False))

    def _look_at_held(self) -> None:
        if self.body is not None and self.body.is_held:
            self._out.append(LOOK_IF_LEFT)
        self.deadline = self.deps.clock() + LOOK_S

    def _ticked_in_hook(self) -> None:
        if self.uploads:
            self._look_at_held()

    def _end_upload(self) -> None:
        """Nothing more of the body is wanted."""
        if self.body is not None:
            self.body.is_held = False  # who is read past is heard
            self._out.append(READ_PAST)
            if self.uploads:
                self._receiving = Receiving.DROPPED

    def _body_holders(self) -> tuple[str, ...]:
        """The holders the body counts for."""
        key = self.flow.metadata.get("client_key")
        host = (f"address {self._host}",) if self.deps.tracker.is_one_client(self._host) else ()
        return (*host, f"key {key}") if key else host

    def _forget_body(self) -> None:
        self._body = bytearray()
        if self._kept_bytes:
            self.deps.body_budget.release(self._holders, self._kept_bytes)
            self._kept_bytes = 0

    # -- time ---------------------------------------------------------------------------------------------------------
    def _on_tick(self) -> Course | None:
        if self.ending and self._receiving is Receiving.BODY:
            return self._refuse(shutting_down())
        if self.deps.clock() < self.deadline:
            return None
        self.deadline = NEVER
        if self._receiving is Receiving.BODY:
            message = f"the request's body did not arrive within {self.deps.limits.body_s:g} s"
            return self._refuse(GatewayError(408, message, code="request_timeout"))
        if self.uploads:
            self._look_at_held()
        return None

    def _ends(self) -> None:
        super()._ends()
        self._receiving = Receiving.DROPPED
