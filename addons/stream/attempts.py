"""The attempts of a request: which provider is asked, until when, and what follows a failure; no I/O."""

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Final

from mitmproxy.connection import Server
from mitmproxy.proxy.layers.http._hooks import HttpRequestHook

from addons.errors import GatewayError
from addons.stream.answer_times import AnswerTimes
from addons.stream.client_end import ClientSide
from addons.stream.commands import LEAVE, Ask
from addons.stream.course import Course, Judged
from addons.stream.deps import AttemptFailedHook, StreamDeps
from addons.stream.intake import RequestIntake
from addons.stream.own_answers import NEVER
from addons.stream.passed_body import PassedBody
from addons.stream.port import Fault, RequestPort, State, UpstreamAttempt
from addons.stream.refusal import closing, mark_refused

NOBODY: Final = 0
"""The number of no Ask."""


class RequestAttempts(RequestIntake):
    """A request and its attempts, one after the other."""

    __slots__ = ("_asked", "_asks", "_is_asking", "_times", "_wake", "attempt", "committed", "port")

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
        self._times = AnswerTimes(deps.clock())

    @abstractmethod
    def _end_with_error(self) -> Course:
        """The head of an answer is out: the error is told in it."""

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

    # -- asking -------------------------------------------------------------------------------------------------------
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

    def _is_silent(self) -> None:
        """The provider has said its last word."""
        self._asked, self._is_asking = NOBODY, False

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

    # -- a body that is passed on -------------------------------------------------------------------------------------
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

    def _taken_by_provider(self) -> None:
        """The provider is there, or has taken what waited: more of a body that is passed on may come."""
        if self.body is not None:
            now = self.deps.clock()
            self.body.taken(now)
            self._go_on()
            self._gets_time(now)

    def _stop_upload(self, body: PassedBody) -> None:
        """The provider refuses before it has read the body: no more of it is wanted, or wanted by another attempt."""
        if body.upload.is_spent:
            self._end_upload()
        else:
            self._hold()

    # -- time ---------------------------------------------------------------------------------------------------------
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

    # -- ends ---------------------------------------------------------------------------------------------------------
    def _keep_provider_body(self) -> None:
        if self.attempt and self.flow.response:
            self.flow.response.data.content = b"".join(self.attempt.recorded)

    def _dropped(self) -> Judged:
        """Whether somebody dropped the flow in the list, or the client left during a hook; then all has ended here."""
        if self.flow.error is not None:
            self._keep_provider_body()
        return (yield from self._is_killed())

    def _ends(self) -> None:
        super()._ends()
        self._end_upload()
        self._leave()
