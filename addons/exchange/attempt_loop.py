"""The attempts for one request: which account is asked next, until one answers or none is left.

Leases an account, prepares, builds the attempt; after a failure a recovery, a renewed session, another account, the
same again, or another model (model_chain.py). The policy is routing/retry_policy.py; who may be asked now, the pool
knows.
"""

import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from addons.accounts.lease import Lease, Line, NoAccount
from addons.errors import GatewayError
from addons.exchange.attempt import Attempt
from addons.exchange.attempt_maker import AttemptMaker
from addons.exchange.attempt_plan import AttemptPlan, ClientRequest
from addons.exchange.context import Context
from addons.exchange.continuation import Continuation
from addons.exchange.final_error import FinalError
from addons.exchange.model_chain import ModelChain
from addons.exchange.outcome import AttemptRecord, record_of
from addons.exchange.progress import Progress, leave_site
from addons.exchange.stage import Stage, Way
from addons.routing.model_index import ModelRoute
from addons.routing.retry_policy import OWN_FAULT, Next
from addons.stream.port import Fault, State
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Session

log = logging.getLogger("glassgate")


@dataclass(slots=True)
class AttemptLoop:
    """All attempts for one request. `release` must be called at its end, whatever that is."""

    context: Context
    ask: ClientRequest
    way: Way = field(default_factory=Way)
    attempts: int = 0
    records: list[AttemptRecord] = field(default_factory=list)
    """Of each attempt that is over."""
    waited_s: float = 0.0
    """In the queue of an account, and in pauses before another attempt."""
    _chain: ModelChain = field(init=False)
    _final_error: FinalError = field(init=False)
    _continuation: Continuation = field(init=False)
    _maker: AttemptMaker = field(init=False)
    _lease: Lease | None = None
    _retrying: bool = False
    _better: bool = False
    """An answer did not pass its check, and the account was asked once more."""

    def __post_init__(self) -> None:
        """Raises GatewayError when nobody serves the model or nobody can carry the request."""
        request = self.ask.parsed.request
        self._final_error = FinalError(self.context.providers, request.only_at, request)
        self._continuation = Continuation(self.context, self.ask.parsed.request, self.ask.identity)
        self._chain = ModelChain(self.context, self.ask.parsed, self._continuation.holder, self.ask.allowance)
        self._maker = AttemptMaker(self.context, self.ask, self._chain, self._continuation, self.way)

    @property
    def routes(self) -> Sequence[ModelRoute]:
        """Who may serve the model that was asked for."""
        return self._chain.routes

    @property
    def stage(self) -> Stage:
        return self.way.stage

    @property
    def last(self) -> Attempt | None:
        """The newest attempt, also when it is over."""
        return self._maker.last

    @property
    def progress(self) -> Progress | None:
        return self._maker.progress

    async def first(self) -> AttemptPlan:
        """The first attempt. Raises GatewayError, the final error, when there is none to make."""
        return await self._next()

    async def after(self, failed: Attempt) -> AttemptPlan:
        """What follows a failed attempt of which the client has seen nothing. Raises GatewayError, the final error."""
        assert self.progress
        self.way.go(Stage.AFTER)
        error = failed.report.error or ProviderError(ErrorKind.PROVIDER_DOWN, "the attempt failed")
        self._record(self.progress.lease, failed.report.error, failed)
        leave_site(self.context, failed, self.progress)
        if self.ask.upload is not None and self.ask.upload.is_spent:
            raise self._spent(error, self.progress.lease)
        if failed.reader.begun or failed.reader.flaw is not None:
            return await self._asked_better(failed, self.progress, error)
        if failed.report.fault is None and self._continuation.may_be_of_the_chat(error) and not self._too_late():
            self.attempts += 1  # nobody's fault, and no attempt of the model's
            if busy_s := self._continuation.busy_s(error):
                self.way.go(Stage.PAUSED)
                await self._waiting(self.context.sleep(busy_s))
            planned = await self._again(self.progress.lease, self.progress.session)
        else:
            planned = await self._mended(self.progress, error, accepted=failed.report.accepted)
        if planned is not None:
            return planned
        if failed.report.fault is Fault.FIRST_TOKEN_TIMEOUT:
            hurried = failed.spec.timers.first_token_s <= self.context.limits.slow_s
            self._chain.too_slow(self.progress.lease.candidate, hurried=hurried)
        self.release()
        return await self._next()

    def over(self, *, answered: bool) -> None:
        """The request has ended: its account learns from the attempt that is over with it.

        `answered`: the client was given no error of ours, but the answer, a part of it, or nothing as it left.
        """
        last, lease, progress = self.last, self._lease, self.progress
        if progress is not None and len(self.records) < self.attempts:  # of others is known how they ended
            is_newest = last is not None and all(record.attempt is not last for record in self.records)
            newest = last if is_newest else None
            self._record(progress.lease, newest.report.error if newest is not None else None, newest)
        if last is not None and lease is not None and progress is not None:
            if last.report.accepted and last.report.error is None:
                self.context.order.settled(self._chain.conversation, lease.candidate)
                if last.reader.state is State.DONE:  # a client that leaves in the middle is no fault of the account
                    lease.succeeded()
                    if last.reader.as_said:
                        if self.ask.cached is not None and self._is_plain:
                            self.ask.cached.keep(last)
                        self._continuation.keep(progress.turn, lease.candidate)
            elif answered and last.report.fault is Fault.STOPPED:
                pass  # the gateway ended it; the account did nothing wrong
            elif last.reader.flaw is not None:
                pass  # it did answer
            elif answered and last.reader.state is State.FAILED and last.report.error is not None:
                lease.failed(last.report.error)
            if last.reader.state is not State.FAILED or answered:
                leave_site(self.context, last, progress)
        if last is not None:
            last.reader.let_go()
        self.release()

    @property
    def _is_plain(self) -> bool:
        """The newest attempt asks the model that was asked for, in no chat that goes on, and for no better answer."""
        return not (self._better or self._chain.current.stand_in or self._continuation.thread is not None)

    def _record(self, lease: Lease, error: ProviderError | None, attempt: Attempt | None = None) -> None:
        request = self.ask.id, self.ask.dialect.name, self.ask.began
        number, now = len(self.records) + 1, self.context.clock()
        self.records.append(record_of(request, number, lease.candidate.named, now, error, attempt))

    def release(self) -> None:
        """Gives back the place at the account and the one in the retry budget. May be called again."""
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        if self._retrying:
            self._retrying = False
            self.context.budget.give_back()

    @property
    def asking(self) -> tuple[str, str, str] | None:
        """Model, provider and account of the attempt that is being made; None while none is chosen."""
        return self._lease.candidate.named if self._lease is not None else None

    @property
    def about(self) -> tuple[str, str, str] | None:
        """Model, provider and account of the newest attempt."""
        return self.progress.lease.candidate.named if self.progress is not None else None

    def headers(self, about: tuple[str, str, str] | None = None) -> tuple[tuple[str, str], ...]:
        """What every answer says of how it came about; names only, no secrets. `about`: whom a refusal is about."""
        found = []
        if (named := about or self.about) is not None:
            model, provider, account = named
            if model:
                found.append(("x-glassgate-model", quote(model, safe="/:@+ ", errors="replace")))
            found.append(("x-glassgate-account", f"{provider}/{account}"))
            found += self._mirrored(named)
        if self._better:
            found.append(("x-glassgate-repair", "1"))
        if self.ask.cached is not None:
            found += self.ask.cached.headers()
        return (*found, ("x-glassgate-attempts", str(self.attempts)))

    def _mirrored(self, about: tuple[str, str, str]) -> tuple[tuple[str, str], ...]:
        """What the newest attempt's head says of limits, where it was this account's."""
        if self.last is None:
            return ()
        spec = self.last.spec
        asked = (spec.source.request.model, spec.provider.name, spec.session.account)
        return self.last.mirrored if asked == about else ()

    # -- the next one ---------------------------------------------------------------------------------------------
    async def _next(self) -> AttemptPlan:
        """Makes the next attempt. Raises GatewayError, the final error, when there is none to make."""
        while True:
            if (lease := await self._acquire()) is None:
                self._final_error.not_asked(self._chain.current.passed_over)
                if await self._same_again() or (not self._too_late() and self._chain.go_on()):
                    continue
                raise self._chain.refusal or self._final_error.error(asked=self.attempts > 0)
            if (planned := await self._try(lease)) is not None:
                return planned
            self.release()

    async def _acquire(self) -> Lease | None:
        """A place at one of the accounts that are left; None when none is to be asked any more."""
        current = self._chain.current
        if current.refused or current.attempts >= self._most or self._too_late():
            return None
        self.way.go(Stage.QUEUED)
        try:
            self._lease = await self._waiting(self.context.pool.acquire(current.left))
        except NoAccount as none:
            current.left = Line()
            current.passed_over += none.passed_over
            return None
        current.left = self._lease.left
        current.passed_over += self._lease.passed_over
        return self._lease

    async def _try(self, lease: Lease) -> AttemptPlan | None:
        """The attempt at a leased account; None when it could not even be prepared. Raises the final error."""
        self.way.go(Stage.SESSION)
        try:
            session = await lease.session()
        except ProviderError as error:
            self._final_error.failed(error, lease.candidate)
            return None
        self.attempts += 1
        self._chain.current.attempts += 1
        try:
            return await self._maker.make(lease, session, self.headers(lease.candidate.named))
        except ProviderError as error:
            self._record(lease, error)
            self._failed(error, lease, self._maker.decide(error, lease, accepted=False), accepted=False)
            return None

    async def _same_again(self) -> bool:
        """Pauses for the account that is worth asking once more, which is left then; False when none is."""
        context, current = self.context, self._chain.current
        if current.refused or current.attempts >= self._most or self._retrying or self._too_late():
            return False
        pauses = [
            (pause, candidate)
            for error, candidate, accepted in current.passing
            if (pause := context.retries.pause_s(error, current.retries + 1, accepted=accepted, rng=context.rng))
            is not None
        ]
        if not pauses or not context.budget.take(context.retries):
            return False
        self._retrying = True
        pause, candidate = min(pauses, key=lambda entry: entry[0])
        if self._too_late(pause):
            return False
        current.retries += 1
        current.passing = [entry for entry in current.passing if entry[1] != candidate]
        self.way.go(Stage.PAUSED)
        await self._waiting(context.sleep(pause))
        current.left.append(candidate)
        return True

    async def _waiting[T](self, wait: Awaitable[T]) -> T:
        """Waits, and counts how long; also when the client leaves meanwhile."""
        began = self.context.clock()
        try:
            return await wait
        finally:
            self.waited_s += self.context.clock() - began

    # -- after a failure ------------------------------------------------------------------------------------------
    async def _asked_better(self, failed: Attempt, progress: Progress, error: ProviderError) -> AttemptPlan:
        """Asks the account once more for an answer that passes its check. Raises the final error.

        The client may have been kept waiting with the head of an answer, which names the account: no other is asked.
        """
        flaw, lease = failed.reader.flaw, progress.lease
        if flaw is not None and not self._better and not self._too_late():
            self._better = True
            self.attempts += 1
            self._chain.current.attempts += 1
            try:
                planned = await self._maker.make(
                    lease,
                    progress.session,
                    self.headers(lease.candidate.named),
                    flaw.messages,
                    failed.reader.usage,
                )
            except ProviderError as later:
                log.info("%s could not be asked for a better answer: %s", lease.account.provider, later.message)
            else:
                planned.attempt.reader.begun = failed.reader.begun
                return planned
        if flaw is None:
            lease.failed(error)
        raise self._final_error.told(error, lease.candidate)

    async def _mended(self, progress: Progress, error: ProviderError, *, accepted: bool) -> AttemptPlan | None:
        """Asks the same account again at once where its provider mends what was wrong. Raises the final error."""
        lease, session = progress.lease, progress.session
        what_next = self._maker.decide(error, lease, accepted=accepted)
        if what_next not in (Next.RECOVER, Next.RENEW):
            self._failed(error, lease, what_next, accepted=accepted)
            return None
        try:
            if what_next is Next.RENEW:
                session = await self._maker.renew(lease, session, error)
            else:
                await self._maker.recover(self.context.providers[lease.account.provider], error)
        except ProviderError as later:
            self._failed(later, lease, self._maker.decide(later, lease, accepted=False), accepted=False)
            return None
        self.attempts += 1
        self._chain.current.attempts += 1
        return await self._again(lease, session)

    async def _again(self, lease: Lease, session: Session) -> AttemptPlan | None:
        """Another attempt at the account; None when it could not be prepared. Raises the final error."""
        try:
            return await self._maker.make(lease, session, self.headers(lease.candidate.named))
        except ProviderError as later:
            if len(self.records) < self.attempts:  # else what was to mend it failed, and no attempt came of it
                self._record(lease, later)
            self._failed(later, lease, self._maker.decide(later, lease, accepted=False), accepted=False)
            return None

    def _spent(self, error: ProviderError, lease: Lease) -> GatewayError:
        """The final error where an upload failed: the client has the file and may send it again, the gateway cannot."""
        lease.failed(error)
        told = self._final_error.told(error, lease.candidate)
        if error.kind not in OWN_FAULT:
            told.should_retry = True
            if next(self._chain.current.left, None) is not None:
                told.retry_after_s = None  # there is another account, which need not be waited for
        return told

    def _failed(self, error: ProviderError, lease: Lease, what_next: Next, *, accepted: bool) -> None:
        """Takes a failure down. Raises the final error when nobody else is to be asked."""
        lease.failed(error)
        if self._chain.current.stand_in and error.kind in OWN_FAULT:
            # The refusal of a model that nobody asked for says nothing of the one that was: others may stand in.
            self._chain.refused_by_stand_in(error)
            return
        self._final_error.failed(error, lease.candidate)
        self._chain.current.passing.append((error, lease.candidate, accepted))
        if what_next is Next.GIVE_UP:
            self._chain.refused(error, self._final_error.told(error, lease.candidate))

    @property
    def _most(self) -> int:
        return self.context.limits.max_attempts

    def _too_late(self, in_s: float = 0.0) -> bool:
        """Whether the time for the whole request is used up (in so many seconds)."""
        return self.context.clock() + in_s - self.ask.began >= self.context.limits.total_s
