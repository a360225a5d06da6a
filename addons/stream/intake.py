"""Receiving the client's request: answered at its head where it is refused, else bounded in size and time."""

import time
from typing import Final

from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.proxy import events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import DropStream, HttpStream, SendHttp
from mitmproxy.proxy.layers.http._events import (
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
)
from mitmproxy.proxy.layers.http._hooks import (
    HttpErrorHook,
    HttpRequestHeadersHook,
    HttpResponseHeadersHook,
    HttpResponseHook,
)

from addons.cleaning.fields import Fields
from addons.errors import GatewayError
from addons.stream.deps import Commands, LayerDeps, RequestHeld, RequestRefused, Tick
from addons.stream.passed_body import LOOK_S, PassedBody
from addons.stream.port import UploadReading
from addons.stream.refusal import add_missing, closing, mark_refused
from addons.stream.small_queue import SmallQueue

PIECE_BYTES: Final = 64 * 1024
"""Of a body that may be passed on, what is looked at at once: no more of it is kept than is needed."""


class RequestIntake(HttpStream):
    """A stream until its request is complete; `request_complete` is what then happens.

    Who is refused at the head (no key, no such path, too many) is answered at once: the connection layers then end the
    request that nobody wants, and none of its body is kept.
    """

    def __init__(self, context: Context, stream_id: int, deps: LayerDeps) -> None:
        super().__init__(context, stream_id)
        self._paused_event_queue = SmallQueue()  # type: ignore[assignment]
        self.deps = deps
        self.deadline = float("inf")
        self.ending = False
        self._kept_bytes = 0
        self._host = ""
        """The client's address."""
        self._extra_headers: Fields = ()
        self._path = ""
        """As the client asked for it; the flow's may become the provider's."""
        self._fields: tuple[tuple[bytes, bytes], ...] = ()
        """Of the client's head, in the same way."""
        self._holders: tuple[str, ...] = ()
        self._is_whole_form = False
        """It is a form that could not be passed on while it came."""
        self._reading: UploadReading | None = None
        """What says when enough of the body has come."""
        self.body: PassedBody | None = None
        """The rest of the body, where that is passed on while it comes."""

    @property
    def client_id(self) -> str:
        return self.context.client.id

    def request_complete(self) -> Commands:
        raise NotImplementedError

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, Tick):
            yield from self._on_tick()
        elif isinstance(event, RequestRefused):
            if self.client_state in (self.state_consume_request_body, self.state_pass_body_on):
                yield from self._refuse(event.error)
        else:
            yield from super()._handle_event(event)

    # -- the head -------------------------------------------------------------------------------------------------
    def state_wait_for_request_headers(self, event: events.Event) -> Commands:
        """The head was checked and its credentials taken off before (http1.py, http2.py)."""
        assert isinstance(event, RequestHeaders)
        self.flow = http.HTTPFlow(self.context.client, self.context.server)
        self.flow.request = event.request
        self.flow.live = True
        self._host = self.deps.tracker.client_address(self.context.client.peername, event.request.headers.fields)
        self._extra_headers = self.deps.extra_headers(event.request.headers.fields)
        self._path, self._fields = event.request.path, event.request.headers.fields
        assert self.context.server.address
        request = self.flow.request
        request.data.host, request.data.port = self.context.server.address[:2]
        request.scheme = "https" if self.context.server.tls else "http"
        is_held = not event.end_stream and self._may_be_large
        if is_held:  # what comes while the head is judged would all be kept
            yield SendHttp(RequestHeld(self.stream_id, held=True), self.context.client)
        yield HttpRequestHeadersHook(self.flow)
        if is_held:
            yield SendHttp(RequestHeld(self.stream_id, held=False), self.context.client)
        if (yield from self.check_killed(True)):
            return
        self.client_state = self.state_consume_request_body
        self.server_state = self.state_wait_for_response_headers
        if not event.end_stream:
            yield from self._begin_body()

    def _begin_body(self) -> Commands:
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
        self.deps.deadlines.add(self)
        if request.headers.get("expect", "").lower() == "100-continue":
            go_on = http.Response.make(100)
            go_on.headers.clear()
            request.headers.pop("expect")
            yield SendHttp(ResponseHeaders(self.stream_id, go_on), self.context.client)

    @property
    def _said_bytes(self) -> int:
        """How long the body is, as the head says (which was checked); 0 where it does not say."""
        return int(self.flow.request.headers.get("content-length", "0"))

    @property
    def _may_be_large(self) -> bool:
        """Whether the body may be more than one read of the connection or two."""
        said = self.flow.request.headers.get("content-length")
        return said is None or int(said) > PIECE_BYTES

    def _answer_early(self, answer: http.Response) -> Commands:
        self._complete_head(answer)
        answer.timestamp_start = answer.timestamp_end = time.time()
        yield HttpResponseHeadersHook(self.flow)
        yield HttpResponseHook(self.flow)
        yield from self._send_and_leave(answer)

    def _complete_head(self, answer: http.Response) -> None:
        """Adds the headers of every answer to this request; every head that is made for the client comes by here."""
        add_missing(answer, self._extra_headers)

    # -- the body -------------------------------------------------------------------------------------------------
    def state_consume_request_body(self, event: events.Event) -> Commands:
        if isinstance(event, RequestData):
            if self._reading is None or len(event.data) <= PIECE_BYTES:
                yield from self._keep(event.data)
                return
            for at in range(0, len(event.data), PIECE_BYTES):  # what came while the head was judged is one piece
                yield from self.client_state(RequestData(self.stream_id, event.data[at : at + PIECE_BYTES]))
        elif isinstance(event, RequestEndOfMessage):
            self.client_state = self.state_done
            yield from self._take_body()

    def _take_body(self) -> Commands:
        """The request goes on with what has come of its body."""
        self._unwatch()
        self._reading = None
        self.flow.request.timestamp_end = time.time()
        self.flow.request.data.content = bytes(self.request_body_buf)
        if self._kept_bytes and self.deps.find(self.flow) is not None:
            self.deps.body_budget.complete(self.flow.id, self._holders, self._kept_bytes)
            self._kept_bytes = 0
        self._forget_body()
        if self.body is not None:
            yield from self._hold()
        yield from self.request_complete()

    def _keep(self, data: bytes) -> Commands:
        limits = self.deps.limits
        if self._kept_bytes + len(data) > limits.body_bytes:
            message = limits.form_message if self._is_whole_form else limits.body_message
            yield from self._refuse(GatewayError(413, message, code="request_too_large"))
        elif not self.deps.body_budget.reserve(self._holders, len(data), limits.body_bytes):
            message = "the requests under way hold as much as they may together; send fewer big ones at a time"
            yield from self._refuse(GatewayError(429, message, code="too_many_unfinished", retry_after_s=1))
        else:
            self._kept_bytes += len(data)
            self.request_body_buf += data
            if self._reading is not None and (enough := self._reading.feed(data)) is not None:
                yield from self._decided(self._reading, enough=enough)

    def _decided(self, reading: UploadReading, *, enough: bool) -> Commands:
        """What has come of the body says whether the rest of it is passed on."""
        self._reading, limits = None, self.deps.limits
        if enough:
            chunked = "content-length" not in self.flow.request.headers
            self.body = PassedBody(reading, limits, self.deps.clock(), chunked=chunked)
            self.client_state = self.state_pass_body_on
            yield from self._take_body()
            return
        self._is_whole_form = True
        if self._said_bytes > limits.body_bytes:
            yield from self._refuse(GatewayError(413, limits.form_message, code="request_too_large"))

    # -- a body that is passed on ---------------------------------------------------------------------------------
    def state_pass_body_on(self, event: events.Event) -> Commands:
        """The rest of the body goes to the provider as it comes."""
        assert self.body is not None
        try:
            if isinstance(event, RequestData):
                self.body.take(event.data, self.deps.clock())
                if self.body.upload.is_full:
                    yield from self._hold()
            elif isinstance(event, RequestEndOfMessage):
                self.body.end()
                self.client_state = self.state_done
                self.flow.request.timestamp_end = time.time()
                self.body_came()
        except GatewayError as error:
            yield from self._refuse(error)

    def body_came(self) -> None:
        """All of a body that is passed on has come."""

    @property
    def uploads(self) -> bool:
        """A body is being passed on."""
        return self.body is not None and self.client_state == self.state_pass_body_on

    def _hold(self) -> Commands:
        """Nobody can take more of the body: the client is held. It is looked at now and then, whether it is there."""
        assert self.body is not None
        now = self.deps.clock()
        if not self.body.is_held:
            self.body.hold(now)
            yield SendHttp(RequestHeld(self.stream_id, held=True), self.context.client)
        self.deadline = now + LOOK_S
        self.deps.deadlines.add(self)

    def _go_on(self) -> Commands:
        """The client may go on, where what has come of its body was taken."""
        if self.body is not None and self.body.is_held and not self.body.upload.is_full:
            self.body.go_on(self.deps.clock())
            yield SendHttp(RequestHeld(self.stream_id, held=False), self.context.client)

    def _look_at_held(self) -> None:
        if self.body is not None and self.body.is_held:
            self.deps.transport.end_if_left(self.client_id)
        self.deadline = self.deps.clock() + LOOK_S

    def end_upload(self) -> None:
        """Nothing more of the body is wanted. (In HTTP/2 the stream ends with its answer.)"""
        if self.body is not None:
            self.deps.transport.go_on(self.client_id)
            if self.client_state == self.state_pass_body_on:
                self.client_state = self.state_errored

    def _body_holders(self) -> tuple[str, ...]:
        """The holders the body counts for."""
        key = self.flow.metadata.get("client_key")
        host = (f"address {self._host}",) if self.deps.tracker.is_one_client(self._host) else ()
        return (*host, f"key {key}") if key else host

    def _forget_body(self) -> None:
        self.request_body_buf.clear()
        if self._kept_bytes:
            self.deps.body_budget.release(self._holders, self._kept_bytes)
            self._kept_bytes = 0

    # -- time -----------------------------------------------------------------------------------------------------
    def _on_tick(self) -> Commands:
        if self.deps.clock() < self.deadline:
            return
        if self.client_state == self.state_consume_request_body:
            message = f"the request's body did not arrive within {self.deps.limits.body_s:g} s"
            yield from self._refuse(GatewayError(408, message, code="request_timeout"))
        elif self.uploads:
            self._look_at_held()
            return
        self._unwatch()

    def _unwatch(self) -> None:
        self.deadline = float("inf")
        self.deps.deadlines.discard(self)

    # -- refusals -------------------------------------------------------------------------------------------------
    def _refuse(self, error: GatewayError) -> Commands:
        """Answers before the body is whole."""
        self._unwatch()
        self._forget_body()
        self.client_state = self.server_state = self.state_errored
        answer = self.flow.response = closing(self.deps.refuse, self._path, error, self._fields)
        self._complete_head(answer)
        self.flow.error = mflow.Error(error.message)
        if port := self.deps.find(self.flow):
            port.refused(error, answer.headers["x-request-id"])
        else:
            mark_refused(self.flow, error)
        yield HttpErrorHook(self.flow)
        yield from self._send_and_leave(answer)

    def _send_and_leave(self, answer: http.Response) -> Commands:
        """Sends an answer that does not wait for its request to be whole."""
        self.client_state = self.server_state = self.state_errored
        self.flow.live = False
        content = answer.raw_content or b""
        yield SendHttp(ResponseHeaders(self.stream_id, answer, end_stream=False), self.context.client)
        if content:
            yield SendHttp(ResponseData(self.stream_id, content), self.context.client)
        yield DropStream(self.stream_id)
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)
