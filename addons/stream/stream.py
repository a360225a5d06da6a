"""One client request and its attempts, as a mitmproxy layer: commit point, timers, what follows a failure."""

import math
import time

from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.connection import Server
from mitmproxy.proxy import events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import DropStream, SendHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
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
from addons.stream.answer_times import AnswerTimes, Due
from addons.stream.client_end import ClientEnd
from addons.stream.deps import AttemptFailedHook, Commands, FromProvider, LayerDeps, Tick, YieldControlHook
from addons.stream.intake import RequestIntake
from addons.stream.passed_body import PassedBody
from addons.stream.port import Fault, RequestPort, State, UpstreamAttempt
from addons.stream.refusal import closing, mark_refused
from addons.upstream.events import Answered, Body, Connected, Ended, NoConnection, Reconnecting, Taken, UpstreamEvent
from addons.upstream.http1 import UpstreamCall


class GatewayStream(RequestIntake):
    """The layer of one client request and its attempts."""

    def __init__(self, context: Context, stream_id: int, deps: LayerDeps) -> None:
        super().__init__(context, stream_id, deps)
        self.port: RequestPort | None = None
        self.attempt: UpstreamAttempt | None = None
        self.call: UpstreamCall | None = None
        """The attempt's request to the provider, as long as something of it is wanted."""
        self.committed = False
        """The client has the head of an answer."""
        self._answering = False
        """It has something of the answer too, not only what keeps its connection alive."""
        self._times = AnswerTimes(deps.clock())
        self._client = ClientEnd(self, deps)

    # -- events in ------------------------------------------------------------------------------------------------
    def handle_event(self, event: events.Event) -> Commands:
        if self._paused:  # by a hook: events wait for its end, but a client that leaves must not
            if isinstance(event, Tick) and not self.ending:
                if self.uploads:
                    self._look_at_held()
                return  # the next one comes soon, and they would pile up
            leaves = isinstance(event, RequestProtocolError) and hasattr(self, "flow")
            if leaves and (port := self.deps.find(self.flow)):
                port.client_left()
        yield from super().handle_event(event)
        if self._paused and self.call is not None:
            self.call.pause()  # what comes meanwhile would be kept here

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, FromProvider):
            yield from self._provider_says(event)
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
            self.flow.response = closing(self.deps.refuse, self._path, error, self._fields)
            yield from self._answer_locally()

    # -- attempts -------------------------------------------------------------------------------------------------
    def _start_attempt(self, attempt: UpstreamAttempt) -> Commands:
        now = self.deps.clock()
        self._times.attempt_begins(now)
        self._connects()
        self.deps.deadlines.add(self)
        head = attempt.wire_request(self.flow.request)
        if head is None:
            yield from self._fail_attempt(Fault.INTERNAL, "the account has lost its secrets; nothing was sent")
            return
        if any(isinstance(event, RequestProtocolError) for event in self._paused_event_queue):
            self.attempt = None
            self._unwatch()
            return  # the client left while the attempt was planned; its own event comes next
        upload = None
        if self.body is not None:
            upload = self.body.upload
            self.body.taken(now)  # a provider's time begins with its attempt
        call = self.call = self.deps.upstream.call(attempt.target, head, self.context.client, self._told, upload)
        if call.connection is not None and call.connection.link is not None:
            self._connected(call.connection.link.server)
        if attempt.beside is not None:
            attempt.beside.woken(self._wake)

    def _wake(self) -> None:
        """Called from beside, outside of the layers: hands them an event in which the provider says nothing."""
        if self.call is not None:
            self.deps.transport.hand(self.client_id, FromProvider(self, self.call, ()))

    def _told(self, call: UpstreamCall, said: tuple[UpstreamEvent, ...]) -> None:
        """Called by the connection, outside of the layers: hands them what was said."""
        if not self.deps.transport.hand(self.client_id, FromProvider(self, call, said)):
            call.leave()

    def _connects(self) -> None:
        """A connection is being made."""
        assert self.attempt
        self._times.connect_by = self.deps.clock() + self.attempt.timers.connect_s
        self._set_deadline()

    def _connected(self, server: Server) -> None:
        self._times.connect_by = math.inf
        self.context.server = self.flow.server_conn = server
        self._set_deadline()

    def _connect_fault(self, err: str) -> tuple[Fault, str]:
        assert self.attempt
        if self.deps.clock() >= self._times.connect_by:
            return Fault.CONNECT_TIMEOUT, err
        is_tls = "tls" in err.lower() or "certificate" in err.lower()
        return (Fault.TLS if is_tls else Fault.CONNECT), err

    def _leave(self) -> None:
        """Ends the request to the provider: nothing of it is wanted any more."""
        call, self.call = self.call, None
        if self.body is not None and self.body.upload.is_spent:  # else another attempt can have all of it
            self.end_upload()
        if call is not None:
            call.leave()

    def _refuse(self, error: GatewayError) -> Commands:
        self._leave()  # of an upload a part may have gone out
        self.end_upload()
        if self.committed and self.attempt is not None:  # the head of an answer is out already
            self.attempt.fault(Fault.CLOSED, error.message)
            yield from self._end_with_error()
        else:
            yield from super()._refuse(error)

    def body_came(self) -> None:
        """From now on the provider has its time: what passed while the body came was not its own."""
        assert self.body is not None
        now = self.deps.clock()
        self._times.began += now - self.body.began
        self._gets_time(now)

    def _gets_time(self, now: float) -> None:
        """The provider has taken something of the request only now."""
        if self.attempt is not None and self.call is not None:
            self._times.last_heard = self._times.attempt_began = now
            self._set_deadline()

    def _fail_attempt(self, fault: Fault, detail: str) -> Commands:
        failed = self.attempt
        if failed and failed.reader.state is not State.FAILED:
            failed.fault(fault, detail)
        self._leave()
        self._unwatch()
        self._keep_provider_body()
        if self.uploads:
            yield from self._hold()
        yield AttemptFailedHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        yield from self._next_step(failed)

    # -- the provider answers -------------------------------------------------------------------------------------
    def _provider_says(self, event: FromProvider) -> Commands:
        call = event.call
        if self.flow.error is not None and (yield from self._dropped()):
            return
        if not event.said:
            yield from self._hear_beside(call)
        for said in event.said:
            if call is not self.call:
                return  # a late word of a call that was given up
            if isinstance(said, Body):
                yield from self._read(said.pieces)
            elif isinstance(said, Answered):
                yield from self._begin_answer(said.response)
            elif isinstance(said, Ended):
                out = self.attempt.end() if self.attempt is not None else b""
                if self.attempt is None or not self.attempt.reader.waits:
                    self.call = None
                if self.attempt is not None:
                    yield from self._advance(out)
            elif isinstance(said, Connected):
                self._connected(said.server)
                yield from self._taken()
            elif isinstance(said, Reconnecting):
                self._connects()
            elif isinstance(said, Taken):
                yield from self._taken()
            elif isinstance(said, NoConnection):
                self.call = None
                yield from self._fail_attempt(*self._connect_fault(said.why))
            elif self.attempt is None or not self.attempt.reader.waits:
                self.call = None
                yield from self._broken(Fault.CLOSED if said.closed else Fault.PROTOCOL, said.why)

    def _stop_upload(self, body: PassedBody) -> Commands:
        """The provider refuses before it has read the body: no more of it is wanted, or wanted by another attempt."""
        if body.upload.is_spent:
            self.end_upload()
        else:
            yield from self._hold()

    def _taken(self) -> Commands:
        """The provider is there, or has taken what waited: more of a body that is passed on may come."""
        if self.body is not None:
            now = self.deps.clock()
            self.body.taken(now)
            yield from self._go_on()
            self._gets_time(now)

    def _hear_beside(self, call: UpstreamCall) -> Commands:
        if call is self.call and self.attempt is not None:
            self._times.last_heard = self.deps.clock()
            yield from self._advance(self.attempt.more())

    def _begin_answer(self, response: http.Response) -> Commands:
        assert self.attempt
        response.timestamp_start = time.time()
        self.attempt.head(response)  # seals secrets before any other addon sees the flow
        self.flow.response = response
        began = self._times.last_heard = self.deps.clock()
        if self.body is not None and self.uploads and response.status_code >= 300:
            yield from self._stop_upload(self.body)
        if self.deps.heads_are_heard():
            yield HttpResponseHeadersHook(self.flow)
            if (yield from self._dropped()):
                return
            self._times.held(began, self.deps.clock())
            self._read_on()
        yield from self._advance(b"")

    def _read(self, pieces: list[bytes]) -> Commands:
        """Reads pieces one after the other; what they give goes to the client in one piece."""
        attempt = self.attempt
        assert attempt
        self._times.last_heard = self.deps.clock()
        reader, out = attempt.reader, b""
        for piece in pieces:
            out += attempt.data(piece)
            while reader.behind:
                yield from self._advance(out)
                if self.attempt is not attempt:
                    return
                yield YieldControlHook(self)
                self._read_on()
                out = attempt.read_on()
            if reader.state is not State.OPEN:
                break
        yield from self._advance(out)

    def _read_on(self) -> None:
        """Reads the provider again after a hook, which may have taken its time."""
        if self.call is not None:
            self.call.resume()

    def _advance(self, out: bytes) -> Commands:
        attempt = self.attempt
        assert attempt
        if out:
            self._answering = True
            yield from self._emit(out)
            if self.attempt is not attempt:
                return  # the client was given up, or left
        if attempt.reader.state is State.DONE:
            yield from self._finish()
        elif attempt.reader.state is State.FAILED:
            yield from self._broken(Fault.PROTOCOL, "the provider's answer failed")
        elif (out or self._times.settles_at is None) and attempt.reader.ended:
            self._times.settles_at = self.deps.clock() + attempt.timers.settle_s
            self._set_deadline()

    def _broken(self, fault: Fault, detail: str) -> Commands:
        """The attempt is over without an answer: a last word after the commit, else the next attempt."""
        assert self.attempt
        if self.attempt.reader.ended:  # whatever became of its connection, the answer is whole
            yield from self._advance(self.attempt.settle())
            return
        if self.attempt.is_lost(fault, detail, self._wake):
            self._wait_for_rest()
            return
        if not self.committed or (self.attempt.reader.asks_again and not self._answering):
            yield from self._fail_attempt(fault, detail)
            return
        if self.attempt.reader.state is not State.FAILED:
            self.attempt.fault(fault, detail)
        self._leave()
        yield from self._end_with_error()

    def _wait_for_rest(self) -> None:
        """The stream is gone; the client's is kept alive until the rest of the answer is there (`_hear_beside`)."""
        assert self.attempt
        self._leave()
        self.call = UpstreamCall(self.attempt.target, self.flow.request, self.context.client, self._told)
        self._times.last_heard, self._times.settles_at = self.deps.clock(), None
        self._set_deadline()

    def _end_with_error(self) -> Commands:
        assert self.attempt
        if last_words := self.attempt.final_error_bytes():  # an empty chunk would end the body
            yield SendHttp(ResponseData(self.stream_id, last_words), self.context.client)
        # Where nothing of ours may stand, not even to keep it alive, its breaking off alone tells of the failure.
        yield from self._finish(properly=bool(self.attempt.keepalive))

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
        self._times.last_said = self.deps.clock()
        self._client.handed_bytes += len(data)
        self._set_deadline()
        yield SendHttp(ResponseData(self.stream_id, data), self.context.client)
        if self._client.speaks_h2 and self._client.is_choked:
            yield from self._stalled()

    def _finish(self, *, properly: bool = True) -> Commands:
        """The client's answer ends; the provider may still end its own, so that its connection serves again.

        One that does not end `properly` breaks off: in HTTP/1 with its connection, in HTTP/2 with its stream.
        """
        self._keep_provider_body()
        self.end_upload()
        if self.attempt and self.attempt.reader.closes_early:
            self._leave()
        if self.call is not None:
            self.call.finish()
            self.call = None
        self._unwatch()
        if self.flow.response:
            self.flow.response.timestamp_end = time.time()
        yield HttpResponseHook(self.flow)
        self.server_state = self.state_done
        self.flow.live = False
        yield DropStream(self.stream_id)
        end = ResponseEndOfMessage(self.stream_id) if properly else _broken_off(self.stream_id)
        yield SendHttp(end, self.context.client)

    def _keep_provider_body(self) -> None:
        if self.attempt and self.flow.response:
            self.flow.response.data.content = b"".join(self.attempt.recorded)

    def let_go(self) -> None:
        """Unties the stream, which is over: it goes with its last reference then, and no collection has to find it."""
        self.attempt = self.port = self.call = None
        self.client_state = self.server_state = _over
        self.context.layers.remove(self)

    # -- answers of the gateway itself ----------------------------------------------------------------------------
    def _answer_locally(self) -> Commands:
        assert self.flow.response
        self.end_upload()
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
        self.end_upload()
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

    # -- a person ---------------------------------------------------------------------------------------------------
    def _dropped(self) -> layer.CommandGenerator[bool]:
        """Whether somebody dropped the flow in the list, or the client left during a hook; then all has ended here."""
        if self.flow.error is not None:
            self._keep_provider_body()
        if not (yield from self.check_killed(True)):
            return False
        self._leave()
        self.end_upload()
        self._unwatch()
        return True

    # -- timers ---------------------------------------------------------------------------------------------------
    def _set_deadline(self) -> None:
        """The earliest moment at which `_on_tick` could have something to do."""
        assert self.attempt
        timers = self.attempt.timers
        if self.body is not None and self.uploads:
            self.deadline = min(self.body.due(self.deps.clock(), timers.first_token_s), self._times.connect_by)
            return
        early = self.attempt.keepalive_before_first_token
        self.deadline = self._times.due_at(timers, committed=self.committed, speaks=self._speaks, early_keepalive=early)

    @property
    def _speaks(self) -> bool:
        """The provider has begun to answer, piece by piece; of what is to be whole the client sees nothing yet."""
        attempt = self.attempt
        assert attempt
        return self.committed or (not attempt.silent_until_whole and attempt.reader.first_token_at is not None)

    def _on_tick(self) -> Commands:
        attempt = self.attempt
        if attempt is None or self.call is None:
            yield from super()._on_tick()
            return
        if self.flow.error is not None and (yield from self._dropped()):
            return
        now = self.deps.clock()
        if self.ending:
            yield from self._broken(Fault.STOPPED, "the gateway ended it")
        elif now >= self._times.connect_by:
            self._leave()
            yield from self._fail_attempt(Fault.CONNECT_TIMEOUT, "connection cancelled")
        elif self.uploads:
            yield from self._on_upload_tick(now)
        elif self.committed and self._client.unsent:
            yield from self._wait_for_client(now)
        else:
            due = self._times.due(
                now,
                attempt.timers,
                speaks=self._speaks,
                silent_until_whole=attempt.silent_until_whole,
                keeps_alive=self.committed or attempt.keepalive_before_first_token,
            )
            yield from self._on_due(attempt, due)

    def _on_due(self, attempt: UpstreamAttempt, due: Due) -> Commands:
        timers = attempt.timers
        match due:
            case Due.SETTLE:
                yield from self._advance(attempt.settle() if attempt.reader.ended else b"")
            case Due.TOTAL:
                yield from self._broken(Fault.TOTAL_TIMEOUT, f"no complete answer within {timers.total_s:g} s")
            case Due.FIRST_TOKEN:
                yield from self._broken(Fault.FIRST_TOKEN_TIMEOUT, f"no word within {timers.first_token_s:g} s")
            case Due.IDLE:
                yield from self._broken(Fault.IDLE_TIMEOUT, f"silence for {timers.idle_s:g} s")
            case Due.KEEPALIVE:
                yield from self._emit(attempt.keepalive)
            case Due.NOTHING:
                self._set_deadline()

    def _on_upload_tick(self, now: float) -> Commands:
        """While a body is passed on, the client has to send and the provider to take it; nothing else has a time."""
        assert self.attempt is not None
        assert self.body is not None
        provider_s = self.attempt.timers.first_token_s
        if self.body.is_late(now):
            message = f"the request's body comes too slowly, or stopped for {self.deps.limits.body_s:g} s"
            yield from self._refuse(GatewayError(408, message, code="request_timeout"))
        elif self.body.is_not_taken(now, provider_s):
            yield from self._broken(Fault.FIRST_TOKEN_TIMEOUT, f"it took nothing of the upload for {provider_s:g} s")
        else:
            self._look_at_held()
            self._set_deadline()

    def _wait_for_client(self, now: float) -> Commands:
        """The client is behind: the provider is not read meanwhile, so its silence is not its own."""
        assert self.attempt
        times = self._times
        due = min(self._client.gives_up_at(now), times.began + self.attempt.timers.total_s)
        if now >= due:
            yield from self._stalled()
            return
        times.last_heard = now
        look_again_s = self.attempt.timers.keepalive_s
        if times.settles_at is not None:
            look_again_s = min(look_again_s, self.attempt.timers.settle_s)
            times.settles_at = now + look_again_s
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
        yield from self._client_left(event.message)

    def _client_left(self, message: str) -> Commands:
        self._unwatch()
        self._forget_body()
        self.end_upload()
        self._leave()
        done = self.server_state in (self.state_done, self.state_errored)
        self.client_state = self.server_state = self.state_errored
        if not done:
            self._keep_provider_body()
            self.flow.error = mflow.Error(message)
            yield HttpErrorHook(self.flow)
        self.flow.live = False
        yield DropStream(self.stream_id)


def _broken_off(stream_id: int) -> ResponseProtocolError:
    return ResponseProtocolError(stream_id, "the answer breaks off", ErrorCode.GENERIC_SERVER_ERROR)


def _over(event: events.Event) -> Commands:
    """The state of a stream that was let go."""
    yield from ()
