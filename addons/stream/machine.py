"""One client request and its attempts, without I/O: what providers say, and each of its times.

Events in (machine_events.py), commands out (commands.py). This is the one place where a request's course is decided;
drivers move bytes and run hooks. Its parts, each on the one before: what the gateway answers itself (own_answers.py),
the request as it comes (intake.py), its attempts (attempts.py), the client's answer (client_answer.py).
"""

import time
from collections.abc import Iterator

from mitmproxy import http
from mitmproxy.proxy.layers.http._hooks import HttpResponseHeadersHook

from addons.errors import GatewayError
from addons.stream.answer_times import Due
from addons.stream.client_answer import ClientAnswer
from addons.stream.client_events import Left
from addons.stream.commands import GIVE_WAY, Command
from addons.stream.course import Course
from addons.stream.machine_events import FromProvider, MachineEvent, Woken
from addons.stream.port import Fault, State, UpstreamAttempt
from addons.upstream.events import Answered, Body, Connected, Ended, NoConnection, Reconnecting, Taken, UpstreamEvent


class RequestMachine(ClientAnswer):
    """One request. `wake` is to have Woken told, and may be called at any time."""

    __slots__ = ()

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

    # -- the provider answers -----------------------------------------------------------------------------------------
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
        """Reads pieces one after the other; what they give goes to the client in one piece.

        Up to the first words for the client one by one, for what stands before a failure is told to it, however the two
        came; what came together with those words is then read together.
        """
        attempt = self.attempt
        assert attempt
        self._times.last_heard = self.deps.clock()
        reader, out, at = attempt.reader, b"", 0
        while at < len(pieces):
            out += attempt.data(pieces[at])
            at += 1
            if reader.behind:
                return self._read_slowly(attempt, out, iter(pieces[at:]))
            if reader.state is not State.OPEN:
                break
            if out and len(pieces) - at > 1:
                pieces, at = [b"".join(pieces[at:])], 0
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

    # -- times --------------------------------------------------------------------------------------------------------
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

    # -- the end ------------------------------------------------------------------------------------------------------
    def give_up(self) -> list[Command]:
        """What is to be done where the course itself failed, and cannot go on: as when the client has left."""
        self._out.clear()
        self._course = None
        self._waiting.clear()
        if not self._is_over and hasattr(self, "flow"):
            self._go(self._client_left("the gateway failed; its log says why"))
        return self._taken()

    def let_go(self) -> None:
        """Unties the request, which is over: it goes with its last reference then, and no collection has to find it."""
        self.attempt = self.port = None
        self._wake = _nobody


def _nobody() -> None:
    """Who is to be woken for a request that is over."""
