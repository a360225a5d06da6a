"""One client request and its attempts, without I/O: commit point, timers, cancel, what follows a failure.

Events in (machine_events.py), commands out (commands.py). This is the one place where a request's course is decided;
drivers move bytes and run hooks.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import Final

from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.connection import Server
from mitmproxy.proxy.layers.http._hooks import (
    HttpErrorHook,
    HttpRequestHook,
    HttpResponseHeadersHook,
    HttpResponseHook,
)

from addons.errors import GatewayError
from addons.stream.answer_times import AnswerTimes, Due
from addons.stream.client_end import ClientEnd, ClientSide
from addons.stream.client_events import Left
from addons.stream.commands import ABORT, FINISH, GIVE_WAY, LEAVE, SEND_END, Ask, BreakOff, SendData, SendHead, Why
from addons.stream.course import Course, Judged
from addons.stream.deps import AttemptFailedHook, StreamDeps
from addons.stream.intake import NEVER, RequestIntake
from addons.stream.machine_events import FromProvider, MachineEvent, Woken
from addons.stream.passed_body import PassedBody
from addons.stream.port import Fault, RequestPort, State, UpstreamAttempt
from addons.stream.refusal import closing, mark_refused
from addons.upstream.events import Answered, Body, Connected, Ended, NoConnection, Reconnecting, Taken, UpstreamEvent

NOBODY: Final = 0
"""The number of no Ask."""


class RequestMachine(RequestIntake):
    """One request. `wake` is to have Woken told, and may be called at any time."""

    __slots__ = (
        "_answering",
        "_asked",
        "_asks",
        "_client",
        "_is_asking",
        "_times",
        "_wake",
        "attempt",
        "committed",
        "port",
    )

    def __init__(self, side: ClientSide, deps: StreamDeps, wake: Callable[[], object]) -> None:
        super().__init__(side, deps)
        self.port: RequestPort | None = None
        self.attempt: UpstreamAttempt | None = None
        self._wake = wake
        self._asks = NOBODY
        """How many there were."""
        self._asked = NOBODY
        """The number of the Ask whose provider is listened to."""
        self._is_asking = False
        """Something is awaited for the attempt, of its provider or from beside."""
        self.committed = False
        """The client has the head of an answer."""
        self._answering = False
        """It has something of the answer too, not only what keeps its connection alive."""
        self._times = AnswerTimes(deps.clock())
        self._client = ClientEnd(side, deps)

    # -- events in ------------------------------------------------------------------------------------------------
    def _handle(self, event: MachineEvent) -> Course | None:
        if isinstance(event, FromProvider):
            return self._on_provider(event)
        if isinstance(event, Woken):
            return self._on_woken()
        return super()._handle(event)

    def _heard_in_hook(self, event: Left) -> None:
        if port := self.deps.find(self.flow):
            port.client_left()

    def _complete(self) -> Course:
        yield HttpRequestHook(self.flow)
        if (yield from self._is_killed()):
            return
        yield from self._next_step()

    def _next_step(self, failed: UpstreamAttempt | None = None) -> Course:
        """After a hook: the next attempt, a final answer, or (no plan) a refusal. Nothing else is possible."""
        self.port = self.deps.find(self.flow)
        self.attempt = self.port.attempt if self.port else None
        if failed and self.committed and not self.attempt:
            self.attempt = failed  # the head of an answer is out already, so the error is told in it
            yield from self._end_with_error()
        elif self.port and self.port.answer:
            yield from self._answer_apart(self.port.answer)
        elif self.flow.response:
            yield from self._answer_locally(self.flow.response)
        elif self.attempt:
            yield from self._start_attempt(self.attempt) or ()
        else:
            message = "the gateway failed before it had a plan for this request; nothing was sent. See its log."
            error = GatewayError(500, message, code="internal_error")
            if self.port is None:
                mark_refused(self.flow, error)
            self.flow.response = closing(self.deps.refuse, self._path, error, self._fields)
            yield from self._answer_locally(self.flow.response)

    # -- attempts -------------------------------------------------------------------------------------------------
    def _start_attempt(self, attempt: UpstreamAttempt) -> Course | None:
        now = self.deps.clock()
        self._times.attempt_begins(now)
        self._connects()
        head = attempt.wire_request(self.flow.request)
        if head is None:
            return self._fail_attempt(Fault.INTERNAL, "the account has lost its secrets; nothing was sent")
        upload = None
        if self.body is not None:
            upload = self.body.upload
            self.body.taken(now)  # a provider's time begins with its attempt
        self._asks += 1
        self._asked, self._is_asking = self._asks, True
        self._out.append(Ask(self._asked, attempt.target, head, upload))
        if attempt.beside is not None:
            attempt.beside.woken(self._wake)
        return None

    def _connects(self) -> None:
        """A connection is being made."""
        assert self.attempt
        self._times.connect_by = self.deps.clock() + self.attempt.timers.connect_s
        self._set_deadline()

    def _connected(self, server: Server) -> None:
        self._times.connect_by = math.inf
        self.flow.server_conn = server
        self._set_deadline()

    def _connect_fault(self, err: str) -> tuple[Fault, str]:
        assert self.attempt
        if self.deps.clock() >= self._times.connect_by:
            return Fault.CONNECT_TIMEOUT, err
        is_tls = "tls" in err.lower() or "certificate" in err.lower()
        return (Fault.TLS if is_tls else Fault.CONNECT), err

    def _leave(self) -> None:
        """Ends the request to the provider: nothing of it is wanted any more."""
        if self.body is not None and self.body.upload.is_spent:  # else another attempt can have all of it
            self._end_upload()
        if self._asked != NOBODY:
            self._out.append(LEAVE)
        self._asked, self._is_asking = NOBODY, False

    def _refuse(self, error: GatewayError) -> Course:
        self._leave()  # of an upload a part may have gone out
        self._end_upload()
        if self.committed and self.attempt is not None:  # the head of an answer is out already
            self.attempt.fault(Fault.CLOSED, error.message)
            yield from self._end_with_error()
        else:
            yield from super()._refuse(error)

    def _body_came(self) -> None:
        """From now on the provider has its time: what passed while the body came was not its own."""
        assert self.body is not None
        now = self.deps.clock()
        self._times.began += now - self.body.began
        self._gets_time(now)

    def _gets_time(self, now: float) -> None:
        """The provider has taken something of the request only now."""
        if self.attempt is not None and self._is_asking:
            self._times.last_heard = self._times.attempt_began = now
            self._set_deadline()

    def _fail_attempt(self, fault: Fault, detail: str) -> Course:
        failed = self.attempt
        if failed and failed.reader.state is not State.FAILED:
            failed.fault(fault, detail)
        self._leave()
        self.deadline = NEVER
        self._keep_provider_body()
        if self.uploads:
            self._hold()
        yield AttemptFailedHook(self.flow)
        if (yield from self._is_killed()):
            return
        yield from self._next_step(failed)

    # -- the provider answers -------------------------------------------------------------------------------------
    def _on_provider(self, event: FromProvider) -> Course | None:
        if event.number != self._asked:
            return None  # a late word of an attempt that was given up
        if self.flow.error is None and len(event.said) == 1 and type(said := event.said[0]) is Body:
            return self._read(said.pieces)
        return self._hear(event)

    def _hear(self, event: FromProvider) -> Course:
        if self.flow.error is not None and (yield from self._dropped()):
            return
        for said in event.said:
            if event.number != self._asked:
                return
            yield from self._hear_one(said) or ()

    def _hear_one(self, said: UpstreamEvent) -> Course | None:
        if isinstance(said, Body):
            return self._read(said.pieces)
        if isinstance(said, Answered):
            return self._begin_answer(said.response)
        if isinstance(said, Ended):
            return self._on_end_of_answer()
        if isinstance(said, Connected):
            self._connected(said.server)
            self._taken_by_provider()
        elif isinstance(said, Reconnecting):
            self._connects()
        elif isinstance(said, Taken):
            self._taken_by_provider()
        elif isinstance(said, NoConnection):
            self._is_silent()
            return self._fail_attempt(*self._connect_fault(said.why))
        elif self.attempt is None or not self.attempt.reader.waits:
            self._is_silent()
            return self._broken(Fault.CLOSED if said.closed else Fault.PROTOCOL, said.why)
        return None

    def _on_end_of_answer(self) -> Course | None:
        out = self.attempt.end() if self.attempt is not None else b""
        if self.attempt is None or not self.attempt.reader.waits:
            self._is_silent()
        return self._advance(out) if self.attempt is not None else None

    def _is_silent(self) -> None:
        """The provider has said its last word."""
        self._asked, self._is_asking = NOBODY, False

    def _stop_upload(self, body: PassedBody) -> None:
        """The provider refuses before it has read the body: no more of it is wanted, or wanted by another attempt."""
        if body.upload.is_spent:
            self._end_upload()
        else:
            self._hold()

    def _taken_by_provider(self) -> None:
        """The provider is there, or has taken what waited: more of a body that is passed on may come."""
        if self.body is not None:
            now = self.deps.clock()
            self.body.taken(now)
            self._go_on()
            self._gets_time(now)

    def _on_woken(self) -> Course | None:
        if not self._is_asking or self.attempt is None:
            return None
        return self._hear_beside(self.attempt)

    def _hear_beside(self, attempt: UpstreamAttempt) -> Course:
        if self.flow.error is not None and (yield from self._dropped()):
            return
        self._times.last_heard = self.deps.clock()
        yield from self._advance(attempt.more()) or ()

    def _begin_answer(self, response: http.Response) -> Course | None:
        assert self.attempt
        response.timestamp_start = time.time()
        self.attempt.head(response)  # seals secrets before any other addon sees the flow
        self.flow.response = response
        self._times.last_heard = self.deps.clock()
        if self.body is not None and self.uploads and response.status_code >= 300:
            self._stop_upload(self.body)
        if self.deps.heads_are_heard():
            return self._begin_heard_answer()
        return self._advance(b"")

    def _begin_heard_answer(self) -> Course:
        began = self._times.last_heard
        yield HttpResponseHeadersHook(self.flow)
        if (yield from self._dropped()):
            return
        self._times.held(began, self.deps.clock())
        yield from self._advance(b"") or ()

    def _read(self, pieces: list[bytes]) -> Course | None:
        """Reads pieces one after the other; what they give goes to the client in one piece."""
        attempt = self.attempt
        assert attempt
        self._times.last_heard = self.deps.clock()
        reader, out = attempt.reader, b""
        for number, piece in enumerate(pieces, 1):
            out += attempt.data(piece)
            if reader.behind:
                return self._read_slowly(attempt, out, iter(pieces[number:]))
            if reader.state is not State.OPEN:
                break
        return self._advance(out)

    def _read_slowly(self, attempt: UpstreamAttempt, out: bytes, pieces: Iterator[bytes]) -> Course:
        """Reads a piece that is more than is read at once, giving others a turn between; then those behind it."""
        asked, reader = self._asked, attempt.reader
        while True:
            while reader.behind:
                yield from self._advance(out) or ()
                if self._asked != asked:
                    return  # what it said, or that its client does not read it, was the end of the attempt
                yield GIVE_WAY
                if (yield from self._dropped()):
                    return
                out = attempt.read_on()
            piece = next(pieces, None) if reader.state is State.OPEN else None
            if piece is None:
                break
            out += attempt.data(piece)
        yield from self._advance(out) or ()

    def _advance(self, out: bytes) -> Course | None:
        attempt = self.attempt
        assert attempt
        if out:
            self._answering = True
            self._emit(out)
            if self._client.is_choked_by(len(out)):
                return self._stalled()
        reader = attempt.reader
        if reader.state is State.DONE:
            return self._finish()
        if reader.state is State.FAILED:
            return self._broken(Fault.PROTOCOL, "the provider's answer failed")
        if (out or self._times.settles_at is None) and reader.ended:
            self._times.settles_at = self.deps.clock() + attempt.timers.settle_s
            self._set_deadline()
        return None

    def _broken(self, fault: Fault, detail: str) -> Course | None:
        """The attempt is over without an answer: a last word after the commit, else the next attempt."""
        assert self.attempt
        if self.attempt.reader.ended:  # whatever became of its connection, the answer is whole
            return self._advance(self.attempt.settle())
        if self.attempt.is_lost(fault, detail, self._wake):
            self._wait_for_rest()
            return None
        if not self.committed or (self.attempt.reader.asks_again and not self._answering):
            return self._fail_attempt(fault, detail)
        if self.attempt.reader.state is not State.FAILED:
            self.attempt.fault(fault, detail)
        self._leave()
        return self._end_with_error()

    def _wait_for_rest(self) -> None:
        """The stream is gone; the client's is kept alive until the rest of the answer is there (`_hear_beside`)."""
        self._leave()
        self._is_asking = True
        self._times.last_heard, self._times.settles_at = self.deps.clock(), None
        self._set_deadline()

    def _end_with_error(self) -> Course:
        assert self.attempt
        if last_words := self.attempt.final_error_bytes():
            self._out.append(SendData(last_words))
        # Where nothing of ours may stand, not even to keep it alive, its breaking off alone tells of the failure.
        yield from self._finish(properly=bool(self.attempt.keepalive))

    def _emit(self, data: bytes) -> None:
        assert self.attempt
        if not self.committed:
            self._commit(self.attempt, data)
        self._times.last_said = self.deps.clock()
        self._client.handed_bytes += len(data)
        self._set_deadline()
        self._out.append(SendData(data))

    def _commit(self, attempt: UpstreamAttempt, data: bytes) -> None:
        """Sends the head of an answer that begins with `data`, or is that."""
        self.committed = True
        self._client.begins()
        head = attempt.response_head(None if attempt.streaming else data)
        self._finish_head(head)
        if attempt.streaming:
            self._client.frame_by_chunks(head, self._version)
        self._out.append(SendHead(head))

    def _finish(self, *, properly: bool = True) -> Course:
        """The client's answer ends; the provider may still end its own, so that its connection serves again.

        One that does not end `properly` breaks off: in HTTP/1 with its connection, in HTTP/2 with its stream.
        """
        if not self.committed and self.attempt is not None:
            self._commit(self.attempt, b"")  # one of no bytes at all
        self._keep_provider_body()
        self._end_upload()
        if self.attempt and self.attempt.reader.closes_early:
            self._leave()
        elif self._asked != NOBODY:
            self._out.append(FINISH)
        self._is_silent()
        self.deadline = NEVER
        if self.flow.response:
            self.flow.response.timestamp_end = time.time()
        yield HttpResponseHook(self.flow)
        self._answered()
        if self._is_dropped:
            self._out.append(BreakOff(Why.KILLED))
        else:
            self._out.append(SEND_END if properly else BreakOff(Why.BROKEN))

    def _answered(self) -> None:
        self.flow.live = False
        self._over()

    def _keep_provider_body(self) -> None:
        if self.attempt and self.flow.response:
            self.flow.response.data.content = b"".join(self.attempt.recorded)

    # -- answers of the gateway itself ----------------------------------------------------------------------------
    def _answer_locally(self, answer: http.Response) -> Course:
        self._end_upload()
        self.deadline = NEVER
        self._finish_head(answer)
        answer.timestamp_start = time.time()
        yield HttpResponseHeadersHook(self.flow)
        answer = self.flow.response or answer
        answer.timestamp_end = time.time()
        yield HttpResponseHook(self.flow)
        if (yield from self._is_killed(tells=False)):
            return
        self.flow.live = False
        self._send_whole(self.flow.response or answer, ends=True)

    def _answer_apart(self, answer: http.Response) -> Course:
        """Sends `answer` to the client; flow.response stays what the provider answered, when it answered."""
        if self.flow.response is None:
            self.flow.response = answer
            yield from self._answer_locally(answer)
            return
        self.deadline = NEVER
        self._end_upload()
        self._finish_head(answer)
        self.flow.response.timestamp_end = time.time()
        yield HttpResponseHook(self.flow)
        if (yield from self._is_killed(tells=False)):
            return
        self.flow.live = False
        self._send_whole(answer, ends=True)

    # -- a person ---------------------------------------------------------------------------------------------------
    def _dropped(self) -> Judged:
        """Whether somebody dropped the flow in the list, or the client left during a hook; then all has ended here."""
        if self.flow.error is not None:
            self._keep_provider_body()
        return (yield from self._is_killed())

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

    def _on_tick(self) -> Course | None:
        attempt = self.attempt
        if attempt is None or not self._is_asking:
            return super()._on_tick()
        return self._on_tick_of(attempt)

    def _on_tick_of(self, attempt: UpstreamAttempt) -> Course:
        if self.flow.error is not None and (yield from self._dropped()):
            return
        now = self.deps.clock()
        if self.ending:
            yield from self._broken(Fault.STOPPED, "the gateway ended it") or ()
        elif now >= self._times.connect_by:
            self._leave()
            yield from self._fail_attempt(Fault.CONNECT_TIMEOUT, "connection cancelled")
        elif self.uploads:
            yield from self._on_upload_tick(attempt, now) or ()
        elif self.committed and self._client.unsent:
            yield from self._wait_for_client(attempt, now) or ()
        else:
            due = self._times.due(
                now,
                attempt.timers,
                speaks=self._speaks,
                silent_until_whole=attempt.silent_until_whole,
                keeps_alive=self.committed or attempt.keepalive_before_first_token,
            )
            yield from self._on_due(attempt, due) or ()

    def _on_due(self, attempt: UpstreamAttempt, due: Due) -> Course | None:
        timers = attempt.timers
        match due:
            case Due.SETTLE:
                return self._settle(attempt)
            case Due.TOTAL:
                return self._broken(Fault.TOTAL_TIMEOUT, f"no complete answer within {timers.total_s:g} s")
            case Due.FIRST_TOKEN:
                return self._broken(Fault.FIRST_TOKEN_TIMEOUT, f"no word within {timers.first_token_s:g} s")
            case Due.IDLE:
                return self._broken(Fault.IDLE_TIMEOUT, f"silence for {timers.idle_s:g} s")
            case Due.KEEPALIVE:
                return self._keep_alive(attempt)
            case Due.NOTHING:
                self._set_deadline()
                return None

    def _settle(self, attempt: UpstreamAttempt) -> Course | None:
        if attempt.reader.ended:
            return self._advance(attempt.settle())
        self._times.settles_at = None  # it is waited for further answers: other times hold again
        self._set_deadline()
        return None

    def _keep_alive(self, attempt: UpstreamAttempt) -> Course | None:
        if attempt.keepalive:
            self._emit(attempt.keepalive)
            return self._stalled() if self._client.is_choked_by(len(attempt.keepalive)) else None
        self._times.last_said = self.deps.clock()  # nothing of ours may stand in its answer
        self._set_deadline()
        return None

    def _on_upload_tick(self, attempt: UpstreamAttempt, now: float) -> Course | None:
        """While a body is passed on, the client has to send and the provider to take it; nothing else has a time."""
        assert self.body is not None
        provider_s = attempt.timers.first_token_s
        if self.body.is_late(now):
            message = f"the request's body comes too slowly, or stopped for {self.deps.limits.body_s:g} s"
            return self._refuse(GatewayError(408, message, code="request_timeout"))
        if self.body.is_not_taken(now, provider_s):
            return self._broken(Fault.FIRST_TOKEN_TIMEOUT, f"it took nothing of the upload for {provider_s:g} s")
        self._look_at_held()
        self._set_deadline()
        return None

    def _wait_for_client(self, attempt: UpstreamAttempt, now: float) -> Course | None:
        """The client is behind: the provider is not read meanwhile, so its silence is not its own."""
        times = self._times
        due = min(self._client.gives_up_at(now), times.began + attempt.timers.total_s)
        if now >= due:
            return self._stalled()
        times.last_heard = now
        look_again_s = attempt.timers.keepalive_s
        if times.settles_at is not None:
            look_again_s = min(look_again_s, attempt.timers.settle_s)
            times.settles_at = now + look_again_s
        self.deadline = min(now + look_again_s, due)
        return None

    def _stalled(self) -> Course | None:
        """Gives the client up. Its connection ends, or of an h2 connection that others use, this stream."""
        if self._client.shares_its_connection:
            return self._give_up_client()
        self.deadline = NEVER
        self._leave()
        self._out.append(ABORT)
        return None

    def _give_up_client(self) -> Course:
        yield from self._client_left("the client does not read its answer")
        self._out.append(BreakOff(Why.NOT_READ))

    # -- the client leaves ------------------------------------------------------------------------------------------
    def _client_left(self, why: str) -> Course:
        self._forget_body()
        self._end_upload()
        self._leave()
        self._ends()
        self._keep_provider_body()
        self.flow.error = mflow.Error(why)
        yield HttpErrorHook(self.flow)
        self.flow.live = False
        self._over()

    def _ends(self) -> None:
        super()._ends()
        self._end_upload()
        self._leave()

    def let_go(self) -> None:
        """Unties the request, which is over: it goes with its last reference then, and no collection has to find it."""
        self.attempt = self.port = None
        self._wake = _nobody


def _nobody() -> None:
    """Who is to be woken for a request that is over."""
