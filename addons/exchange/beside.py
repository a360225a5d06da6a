"""Attempts beside the one that the stream layer makes: an answer that is read into the gateway itself.

AnswersBeside    those of one request
answer_beside    all attempts for it, as addons/exchange/attempt_loop.py has them
Carried          one of them: sent over the pool, read as it comes, given up when it takes too long
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from mitmproxy import http

from addons.errors import GatewayError
from addons.exchange.attempt import Attempt
from addons.exchange.attempt_loop import AttemptLoop
from addons.exchange.attempt_plan import ClientRequest
from addons.exchange.context import Context
from addons.exchange.final_error import BUSY
from addons.exchange.further_answers import FurtherAnswer, FurtherAnswers, for_one
from addons.exchange.outcome import AttemptRecord
from addons.stream.deps import Upstream
from addons.stream.port import Fault, State
from addons.transport.pool_carrier import own_client
from addons.upstream.events import Answered, Body, Broken, Connected, Ended, NoConnection, UpstreamEvent
from addons.upstream.http1 import UpstreamCall

log = logging.getLogger("glassgate")


async def answer_beside(loop: AttemptLoop, into: FurtherAnswer, wake: Callable[[], None]) -> None:
    """Asks until there is the answer. Raises GatewayError, the final error. `wake` is called when some of it has come.

    An attempt that fails when the client has some of its answer is the last.
    """
    answered = True
    try:
        plan = await loop.first()
        while True:
            into.asked = True
            await Carried(plan.attempt, loop.context.clock, wake).run(loop.context.upstream, plan.request)
            if plan.attempt.reader.state is State.DONE:
                return
            if into.begun:
                raise plan.attempt.broken_off()
            into.again()
            plan = await loop.after(plan.attempt)
    except GatewayError:
        answered = into.begun
        raise
    finally:
        into.asked = False
        loop.over(answered=answered)


class AnswersBeside:
    """The answers to a request besides the first. `first` is the request for that one.

    `failed` is called with the final error of one: there is no answer to the request then.
    """

    def __init__(
        self,
        context: Context,
        ask: ClientRequest,
        count: int,
        failed: Callable[[GatewayError], object],
        first_ended: Callable[[], object],
    ) -> None:
        further = self._further = FurtherAnswers(count, first_ended)
        parsed = for_one(ask.parsed)
        self.first = replace(ask, parsed=parsed, further=further)
        self.records: list[AttemptRecord] = []
        """Of attempts that are over, without their bodies."""
        self._asks = [(answer, replace(ask, parsed=parsed, into=answer)) for answer in further.answers]
        self._context, self._failed = context, failed
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.ensure_future(self._answered(answer, ask)) for answer, ask in self._asks]
        for task in self._tasks:
            task.set_name("glassgate a further answer")
            self._context.background.watch(task)

    def end(self) -> None:
        """Ends what is still asked for."""
        for task in self._tasks:
            task.cancel()

    async def _answered(self, answer: FurtherAnswer, ask: ClientRequest) -> None:
        try:
            while not await self._tried(answer, ask):
                pass
        except GatewayError as error:
            self._fail(error)
        except Exception:
            log.exception("a further answer to request %s could not be had: a fault of the gateway", ask.id)
            self._fail(
                GatewayError(500, "the gateway failed over one of the answers. See its log.", code="internal_error")
            )

    async def _tried(self, answer: FurtherAnswer, ask: ClientRequest) -> bool:
        """Whether it is there. False where its turn did not come for the other answers of this very request."""
        loop = AttemptLoop(self._context, ask)
        try:
            await answer_beside(loop, answer, self._further.wake)
        except GatewayError as error:
            if error.code != BUSY or not self._further.has_places(answer):
                raise
            return False
        finally:
            self.records += (replace(record, attempt=None) for record in loop.records)
        return True

    def _fail(self, error: GatewayError) -> None:
        self._failed(error)
        self._further.wake()


class Carried:
    """One attempt on its way."""

    def __init__(self, attempt: Attempt, clock: Callable[[], float], wake: Callable[[], None]) -> None:
        self._attempt, self._clock, self._wake = attempt, clock, wake
        self._began = self._heard = clock()
        self._settles_at = math.inf
        self._connected = False
        self._moved = asyncio.Event()

    async def run(self, upstream: Upstream, request: http.Request) -> None:
        """Until the attempt's reader is done or has failed."""
        attempt = self._attempt
        head = attempt.wire_request(request)
        if head is None:
            return
        call = upstream.call(attempt.target, head, own_client(), self._told)
        self._connected = call.is_connected
        try:
            while attempt.reader.state is State.OPEN:
                due, late, detail = min(self._dues())
                try:
                    async with asyncio.timeout(max(0.0, due - self._clock())):
                        await self._moved.wait()
                    self._moved.clear()
                except TimeoutError:
                    self._fails(Fault(late), detail)
        finally:
            if attempt.reader.state is State.DONE and not attempt.reader.closes_early:
                call.finish()
            else:
                call.leave()
            self._wake()

    def _told(self, call: UpstreamCall, said: tuple[UpstreamEvent, ...]) -> None:
        self._heard = self._clock()
        for event in said:
            if self._attempt.reader.state is State.OPEN:
                self._take(event)
        if self._attempt.reader.state is State.FAILED:
            self._fails(Fault.PROTOCOL, "the answer failed")
        if self._attempt.reader.ended and self._settles_at == math.inf:
            self._settles_at = self._heard + self._attempt.timers.settle_s
        self._move()

    def _move(self) -> None:
        self._moved.set()
        self._wake()

    def _take(self, event: UpstreamEvent) -> None:
        attempt = self._attempt
        match event:
            case Connected():
                self._connected = True
            case Answered():
                attempt.head(event.response)
            case Body():
                for piece in event.pieces:
                    attempt.data(piece)
                    while attempt.reader.behind:
                        attempt.read_on()
            case Ended():
                attempt.end()
            case NoConnection():
                attempt.fault(Fault.CONNECT, event.why)
            case Broken():
                self._fails(Fault.CLOSED if event.closed else Fault.PROTOCOL, event.why)

    def _fails(self, fault: Fault, detail: str) -> None:
        """It will not go on as it should; what was said may be all there is, or the site has kept the rest."""
        attempt = self._attempt
        if attempt.reader.ended:
            attempt.settle()
        elif attempt.is_lost(fault, detail, self._rest_is_there):
            self._heard = self._clock()
        elif attempt.reader.state is not State.FAILED:
            attempt.fault(fault, detail)

    def _rest_is_there(self) -> None:
        self._attempt.more()
        self._move()

    # -- time -----------------------------------------------------------------------------------------------------
    def _dues(self) -> Iterator[tuple[float, int, str]]:
        """When it is too late, by the clock; the fault that it is then, in numbers; and what is said of it."""
        timers = self._attempt.timers
        yield self._settles_at, Fault.IDLE_TIMEOUT.value, ""
        yield self._began + timers.total_s, Fault.TOTAL_TIMEOUT.value, f"no complete answer within {timers.total_s:g} s"
        if not self._connected:
            yield self._began + timers.connect_s, Fault.CONNECT_TIMEOUT.value, "connection cancelled"
        elif self._attempt.report.first_token_at is None:
            first_s = timers.first_token_s
            yield self._began + first_s, Fault.FIRST_TOKEN_TIMEOUT.value, f"no word within {first_s:g} s"
        elif not self._attempt.silent_until_whole:
            yield self._heard + timers.idle_s, Fault.IDLE_TIMEOUT.value, f"silence for {timers.idle_s:g} s"
