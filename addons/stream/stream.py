"""One client request and its attempts, as a mitmproxy layer: commit point, timers, what follows a failure."""

import itertools
import time

from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.net.http.validate import validate_headers
from mitmproxy.proxy import events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import DropStream, GetHttpConnection, SendHttp
from mitmproxy.proxy.layers.http._base import HttpEvent
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import (
    HttpErrorHook,
    HttpRequestHook,
    HttpResponseHeadersHook,
    HttpResponseHook,
)

from addons.errors import GatewayError
from addons.stream.client_end import ClientEnd
from addons.stream.deps import (
    AttemptFailedHook,
    BindAttempt,
    Commands,
    DrainAttempt,
    GiveUpConnecting,
    LayerDeps,
    YieldControlHook,
)
from addons.stream.intake import RequestIntake
from addons.stream.port import Fault, RequestPort, State, UpstreamAttempt
from addons.stream.refusal import closing, mark_refused

DRAIN_S = 1.0
"""How long an answered attempt may take to end its body properly, so that its connection can serve again."""


class GatewayStream(RequestIntake):
    """The layer of one client request and its attempts."""

    attempt_ids = itertools.count(-1, -1)

    def __init__(self, context: Context, stream_id: int, deps: LayerDeps) -> None:
        super().__init__(context, stream_id, deps)
        self.port: RequestPort | None = None
        self.attempt: UpstreamAttempt | None = None
        self.attempt_id: int | None = None
        self.committed = False
        """The client has the head of an answer."""
        self._answering = False
        """It has something of the answer too, not only what keeps its connection alive."""
        self.drains_until: float | None = None
        self.waits_for_connection = False
        self._began = deps.clock()
        self._attempt_began = 0.0
        self._last_heard = 0.0
        self._last_said = 0.0
        self._settles_at: float | None = None
        """When an answer without an end mark, of which all was said, is taken for complete."""
        self._client = ClientEnd(self, deps)

    # -- events in ------------------------------------------------------------------------------------------------
    def handle_event(self, event: events.Event) -> Commands:
        # While a hook plans an attempt, this layer is paused and its events wait; a client that leaves must not.
        if self._paused and isinstance(event, RequestProtocolError) and hasattr(self, "flow"):
            if port := self.deps.find(self.flow):
                port.client_left()
            if self.waits_for_connection:
                yield GiveUpConnecting(self.stream_id)
        yield from super().handle_event(event)

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, HttpEvent) and event.stream_id < 0 and event.stream_id != self.attempt_id:
            return  # a late word of an attempt that was given up
        if isinstance(event, ResponseData):  # the pieces of a stream, without the layers below
            yield from self.server_state(event)
        else:
            yield from super()._handle_event(event)

    def request_complete(self) -> Commands:
        yield HttpRequestHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        yield from self._next_step()

    def _next_step(self, failed: UpstreamAttempt | None = None) -> Commands:
        """After a hook: the next attempt, a final answer, or (no plan) a refusal. Nothing else is possible."""
        self.port = self.deps.find(self.flow)
        self.attempt = self.port.attempt if self.port else None
        if failed and self.committed and not self.attempt:
            self.attempt = failed  # the head of an answer is out already, so the error is told in it
            yield from self._end_with_error()
        elif self.port and self.port.answer:
            yield from self._answer_apart(self.port.answer)
        elif self.flow.response:
            yield from self._answer_locally()
        elif self.attempt:
            yield from self._start_attempt(self.attempt)
        else:
            message = "the gateway failed before it had a plan for this request; nothing was sent. See its log."
            error = GatewayError(500, message, code="internal_error")
            if self.port is None:
                mark_refused(self.flow, error)
            self.flow.response = closing(self.deps.refuse(self._path, error))
            yield from self._answer_locally()

    # -- attempts -------------------------------------------------------------------------------------------------
    def _start_attempt(self, attempt: UpstreamAttempt) -> Commands:
        self._attempt_began = self._last_heard = self._last_said = self.deps.clock()
        self._settles_at = None
        self.deadline = self._attempt_began + attempt.timers.connect_s
        self.deps.deadlines.add(self)
        head = attempt.wire_request(self.flow.request)
        if head is None:
            yield from self._fail_attempt(Fault.INTERNAL, "the account has lost its secrets; nothing was sent")
            return
        target = attempt.target
        self.waits_for_connection = True
        connection, err = yield GetHttpConnection((target.host, target.port), target.tls, target.via, "tcp")
        self.waits_for_connection = False
        if any(isinstance(event, RequestProtocolError) for event in self._paused_event_queue):
            self.attempt = None
            self._unwatch()
            return  # the client left meanwhile; its own event comes next
        if err:
            yield from self._fail_attempt(*self._connect_fault(err))
            return
        self.context.server = self.flow.server_conn = connection
        self.attempt_id = next(self.attempt_ids)
        self.server_state = self.state_wait_for_response_headers
        yield BindAttempt(self.attempt_id, self.stream_id)
        content = head.raw_content or b""
        self._set_deadline()
        yield SendHttp(RequestHeaders(self.attempt_id, head, not content), connection)
        if content:
            yield SendHttp(RequestData(self.attempt_id, content), connection)
        yield SendHttp(RequestEndOfMessage(self.attempt_id), connection)

    def _connect_fault(self, err: str) -> tuple[Fault, str]:
        assert self.attempt
        if self.deps.clock() - self._attempt_began >= self.attempt.timers.connect_s:
            return Fault.CONNECT_TIMEOUT, err
        is_tls = "tls" in err.lower() or "certificate" in err.lower()
        return (Fault.TLS if is_tls else Fault.CONNECT), err

    def _drop_attempt(self, reason: str) -> Commands:
        """Forgets the attempt and closes its connection: nothing of it is wanted any more."""
        if self.attempt_id is None:
            return
        attempt_id, self.attempt_id = self.attempt_id, None
        if self.context.server.connected:
            yield SendHttp(RequestProtocolError(attempt_id, reason, ErrorCode.CANCEL), self.context.server)
        yield DropStream(attempt_id)

    def _fail_attempt(self, fault: Fault, detail: str) -> Commands:
        failed = self.attempt
        if failed and failed.reader.state is not State.FAILED:
            failed.fault(fault, detail)
        yield from self._drop_attempt(detail)
        self._unwatch()
        self._keep_provider_body()
        yield AttemptFailedHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        yield from self._next_step(failed)

    # -- the provider answers -------------------------------------------------------------------------------------
    def state_wait_for_response_headers(self, event: events.Event) -> Commands:
        if not isinstance(event, ResponseHeaders) or self.attempt is None:
            return
        try:
            validate_headers(event.response)
        except ValueError as e:
            yield from self._broken(Fault.PROTOCOL, f"the provider's headers are not valid: {e}")
            return
        self.attempt.head(event.response)  # seals secrets before any other addon sees the flow
        self.flow.response = event.response
        self._last_heard = self.deps.clock()
        self.server_state = self.state_read_answer
        yield HttpResponseHeadersHook(self.flow)
        if (yield from self.check_killed(True)):
            yield from self._drop_attempt("killed")
            return
        yield from self._advance(b"")

    def state_read_answer(self, event: events.Event) -> Commands:
        attempt = self.attempt
        if attempt is None:
            return
        if isinstance(event, ResponseData):
            self._last_heard = self.deps.clock()
            yield from self._advance(attempt.data(event.data))
            while self.attempt is attempt and attempt.reader.behind:
                yield YieldControlHook(self)
                yield from self._advance(attempt.read_on())
        elif isinstance(event, ResponseEndOfMessage):
            ended, self.attempt_id = self.attempt_id, None
            if ended is not None:
                yield DropStream(ended)
            yield from self._advance(attempt.end())

    def _advance(self, out: bytes) -> Commands:
        attempt = self.attempt
        assert attempt
        if out:
            self._answering = True
            yield from self._emit(out)
        if attempt.reader.state is State.DONE:
            yield from self._finish()
        elif attempt.reader.state is State.FAILED:
            yield from self._broken(Fault.PROTOCOL, "the provider's answer failed")
        elif (out or self._settles_at is None) and attempt.reader.ended:
            self._settles_at = self.deps.clock() + attempt.timers.settle_s
            self._set_deadline()

    def _broken(self, fault: Fault, detail: str) -> Commands:
        """The attempt is over without an answer: a last word after the commit, else the next attempt."""
        assert self.attempt
        if self.attempt.reader.ended:  # whatever became of its connection, the answer is whole
            yield from self._advance(self.attempt.settle())
            return
        if not self.committed or (self.attempt.reader.asks_again and not self._answering):
            yield from self._fail_attempt(fault, detail)
            return
        if self.attempt.reader.state is not State.FAILED:
            self.attempt.fault(fault, detail)
        yield from self._drop_attempt(detail)
        yield from self._end_with_error()

    def _end_with_error(self) -> Commands:
        assert self.attempt
        yield SendHttp(ResponseData(self.stream_id, self.attempt.final_error_bytes()), self.context.client)
        yield from self._finish()

    def _emit(self, data: bytes) -> Commands:
        assert self.attempt
        if not self.committed:
            self.committed = True
            self._client.begins()
            head = self.attempt.response_head(None if self.attempt.streaming else data)
            self._complete_head(head)
            if self.attempt.streaming:
                self._client.frame_by_chunks(head)
            yield SendHttp(ResponseHeaders(self.stream_id, head, end_stream=False), self.context.client)
        self._last_said = self.deps.clock()
        self._client.handed_bytes += len(data)
        self._set_deadline()
        yield SendHttp(ResponseData(self.stream_id, data), self.context.client)
        if self._client.speaks_h2 and self._client.is_choked:
            yield from self._stalled()

    def _finish(self) -> Commands:
        """The client's answer ends; an attempt still open may end its own within DRAIN_S."""
        self._keep_provider_body()
        if self.attempt and self.attempt.reader.closes_early:
            yield from self._drop_attempt("limit reached")
        if self.attempt_id is not None:
            attempt_id, self.attempt_id = self.attempt_id, None
            yield DropStream(attempt_id)
            if self.context.server.connected:
                yield DrainAttempt(attempt_id, self.context.server)
                self.drains_until = self.deadline = self.deps.clock() + DRAIN_S
        if self.drains_until is None:
            self._unwatch()
        if self.flow.response:
            self.flow.response.timestamp_end = time.time()
        yield HttpResponseHook(self.flow)
        self.server_state = self.state_done
        self.flow.live = False
        yield DropStream(self.stream_id)
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)

    def _keep_provider_body(self) -> None:
        if self.attempt and self.flow.response:
            self.flow.response.data.content = b"".join(self.attempt.recorded)

    # -- answers of the gateway itself ----------------------------------------------------------------------------
    def _answer_locally(self) -> Commands:
        assert self.flow.response
        self._unwatch()
        self._complete_head(self.flow.response)
        self.flow.response.timestamp_start = time.time()
        yield HttpResponseHeadersHook(self.flow)
        yield from self.send_response()

    def _answer_apart(self, answer: http.Response) -> Commands:
        """Sends `answer` to the client; flow.response stays what the provider answered, when it answered."""
        if self.flow.response is None:
            self.flow.response = answer
            yield from self._answer_locally()
            return
        self._unwatch()
        self._complete_head(answer)
        self.flow.response.timestamp_end = time.time()
        yield HttpResponseHook(self.flow)
        self.server_state = self.state_done
        self.flow.live = False
        content = answer.raw_content or b""
        yield SendHttp(ResponseHeaders(self.stream_id, answer, not content), self.context.client)
        if content:
            yield SendHttp(ResponseData(self.stream_id, content), self.context.client)
        yield DropStream(self.stream_id)
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)

    # -- timers ---------------------------------------------------------------------------------------------------
    def _set_deadline(self) -> None:
        """The earliest moment at which `_on_tick` could have something to do."""
        assert self.attempt
        timers = self.attempt.timers
        due = self._began + timers.total_s
        if self.committed:
            due = min(due, self._last_said + timers.keepalive_s, self._last_heard + timers.idle_s)
        else:
            due = min(due, self._attempt_began + timers.first_token_s)
            if self.attempt.keepalive_before_first_token:
                due = min(due, self._last_said + timers.keepalive_s)
        self.deadline = due if self._settles_at is None else min(due, self._settles_at)

    def _on_tick(self) -> Commands:
        attempt = self.attempt
        if attempt is None or self.attempt_id is None:
            yield from super()._on_tick()
            return
        now, timers = self.deps.clock(), attempt.timers
        if self.ending:
            yield from self._broken(Fault.STOPPED, "the gateway ended it")
        elif self.committed and self._client.unsent:
            yield from self._wait_for_client(now)
        elif self._settles_at is not None and now >= self._settles_at:
            yield from self._advance(attempt.settle() if attempt.reader.ended else b"")
        elif now >= self._began + timers.total_s:
            yield from self._broken(Fault.TOTAL_TIMEOUT, f"no complete answer within {timers.total_s:g} s")
        elif not self.committed and now >= self._attempt_began + timers.first_token_s:
            yield from self._broken(Fault.FIRST_TOKEN_TIMEOUT, f"no word within {timers.first_token_s:g} s")
        elif self.committed and not attempt.silent_until_whole and now >= self._last_heard + timers.idle_s:
            yield from self._broken(Fault.IDLE_TIMEOUT, f"silence for {timers.idle_s:g} s")
        elif (self.committed or attempt.keepalive_before_first_token) and now >= self._last_said + timers.keepalive_s:
            yield from self._emit(attempt.keepalive)
        else:
            self._set_deadline()

    def _wait_for_client(self, now: float) -> Commands:
        """The client is behind: the provider is not read meanwhile, so its silence is not its own."""
        assert self.attempt
        due = min(self._client.gives_up_at(now), self._began + self.attempt.timers.total_s)
        if now >= due:
            yield from self._stalled()
            return
        self._last_heard = now
        look_again_s = self.attempt.timers.keepalive_s
        if self._settles_at is not None:
            look_again_s = min(look_again_s, self.attempt.timers.settle_s)
            self._settles_at = now + look_again_s
        self.deadline = min(now + look_again_s, due)

    def _stalled(self) -> Commands:
        """Gives the client up. Its connection ends, or of an h2 connection that others use, this stream."""
        if self._client.speaks_h2 and not self._client.connection_waits:
            reason = "the client does not read its answer"
            yield from self._client_left(reason)
            yield SendHttp(ResponseProtocolError(self.stream_id, reason, ErrorCode.CANCEL), self.context.client)
        else:
            self._unwatch()
            self.deps.transport.abort(self.client_id)  # what comes of it is a client that left

    # -- failures of either side ----------------------------------------------------------------------------------
    def handle_protocol_error(self, event: RequestProtocolError | ResponseProtocolError) -> Commands:
        if isinstance(event, RequestProtocolError):
            yield from self._client_left(event.message)
        elif self.attempt_id is None:
            yield from super().handle_protocol_error(event)
        else:
            # A body cut short by the end of its connection is reported as an error of the protocol too.
            broken = "protocol error" in event.message.lower() and "peer closed" not in event.message.lower()
            fault = Fault.PROTOCOL if broken else Fault.CLOSED
            self.attempt_id = None  # its connection is gone already
            yield DropStream(event.stream_id)
            yield from self._broken(fault, event.message)

    def _client_left(self, message: str) -> Commands:
        self._unwatch()
        self._forget_body()
        yield from self._drop_attempt(message)
        done = self.server_state in (self.state_done, self.state_errored)
        self.client_state = self.server_state = self.state_errored
        if not done:
            self._keep_provider_body()
            self.flow.error = mflow.Error(message)
            yield HttpErrorHook(self.flow)
        self.flow.live = False
        yield DropStream(self.stream_id)
