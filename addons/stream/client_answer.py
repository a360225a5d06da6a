"""The client's answer out of an attempt's: its head at the commit point, what is said, and its end; no I/O."""

import time
from collections.abc import Callable

from mitmproxy import flow as mflow
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook, HttpResponseHook

from addons.stream.attempts import NOBODY, RequestAttempts
from addons.stream.client_end import ClientEnd, ClientSide
from addons.stream.commands import ABORT, FINISH, SEND_END, BreakOff, SendData, SendHead, Why
from addons.stream.course import Course
from addons.stream.deps import StreamDeps
from addons.stream.own_answers import NEVER
from addons.stream.port import Fault, State, UpstreamAttempt


class ClientAnswer(RequestAttempts):
    """A request whose client is given the answer of its attempt."""

    __slots__ = ("_answering", "_client")

    def __init__(self, side: ClientSide, deps: StreamDeps, wake: Callable[[], object]) -> None:
        super().__init__(side, deps, wake)
        self._answering = False
        """The client has something of the answer too, not only what keeps its connection alive."""
        self._client = ClientEnd(side, deps)

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

    # -- the end ------------------------------------------------------------------------------------------------------
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

    # -- a client that does not read, or leaves -----------------------------------------------------------------------
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
