"""The pursuit of one answer: which account is asked next, until one answers or none is left.

Gets in at an account, prepares, builds the attempt; after a failure a remedy, a renewed session, another account, the
same again, or another model of the chain. The policy is core/failover.py, the accounts' traffic is traffic.py.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from mitmproxy import http

from addons.accounts import AccountId
from addons.attempt import Attempt, AttemptPlan
from addons.candidates import Candidate, Candidates
from addons.context import AnyProvider, Context
from addons.core.errors import GatewayError
from addons.core.failover import OWN_FAULT, FailedAttempt, Next, decide
from addons.core.limits import OutputLimits
from addons.core.routing import Route
from addons.core.strategy import conversation_of
from addons.core.support import check_support
from addons.dialects.base import AnswerMeta, Dialect, ParsedRequest
from addons.outgoing import request_of, target_of
from addons.relay import State, Timers
from addons.traffic import LIMITS
from addons.verdict import Verdict, told
from providers.chat import ChatRequest
from providers.contract import Call, Session
from providers.errors import ErrorKind, ProviderError
from providers.session import given_cookies

log = logging.getLogger("glassgate")


@dataclass(frozen=True, slots=True)
class Ask:
    """What is pursued, and for whom."""

    id: str
    parsed: ParsedRequest
    dialect: Dialect
    began: float


@dataclass(frozen=True, slots=True)
class Planned:
    """An attempt to make: the Relay of the stream layer, and the request as it shall stand in the flow."""

    attempt: Attempt
    request: http.Request


@dataclass(slots=True)
class Progress:
    """What is known of the current attempt besides the Attempt itself."""

    candidate: Candidate
    session: Session
    prepared: object = None


@dataclass(slots=True)
class Round:
    """The attempts for one model: the one asked for, or a fallback."""

    candidates: Candidates
    attempts: int = 0
    retries: int = 0
    """Attempts that asked the same account again."""
    passing: list[tuple[ProviderError, Candidate, bool]] = field(default_factory=list)
    """Failures so far: error, candidate, whether the provider had accepted the request."""


@dataclass(slots=True)
class Pursuit:
    """All attempts for one request. `release` must be called at its end, whatever that is."""

    context: Context
    ask: Ask
    last: Attempt | None = None
    """The newest attempt, also when it is over."""
    progress: Progress | None = None
    attempts: int = 0
    _round: Round = field(init=False)
    _models: list[str] = field(init=False)
    """Fallback models still to be asked."""
    _conversation: str = field(init=False)
    _verdict: Verdict = field(default_factory=Verdict)
    _remedied: bool = False
    _renewed: set[AccountId] = field(default_factory=set)
    """Accounts whose session this request has had renewed."""
    _entered: AccountId | None = None
    _retrying: bool = False

    def __post_init__(self) -> None:
        """Raises GatewayError when nobody serves the model or nobody can carry the request."""
        chat = self.ask.parsed.chat
        self._conversation = conversation_of(chat)
        self._models = list(self.context.fallbacks.get(chat.model.strip().casefold(), ()))
        self._round = self._new_round(chat.model)

    async def first(self) -> Planned:
        """The first attempt. Raises GatewayError, the verdict, when there is none to make."""
        return await self._next()

    async def after(self, failed: Attempt) -> Planned:
        """What follows a failed attempt of which the client has seen nothing. Raises GatewayError, the verdict."""
        assert self.progress
        error = failed.report.error or ProviderError(ErrorKind.PROVIDER_DOWN, "the attempt failed")
        self._leave_site(failed, self.progress)
        planned = await self._mended(self.progress, error, accepted=failed.report.accepted)
        if planned is not None:
            return planned
        self.release()
        return await self._next()

    def over(self, *, answered: bool) -> None:
        """The request has ended: what it taught of the account is noted.

        `answered`: the client was given no verdict of ours, but the answer, a part of it, or nothing as it left.
        """
        last, progress = self.last, self.progress
        if last is not None and progress is not None:
            if last.report.accepted and last.report.error is None:
                self._succeeded(progress.candidate, complete=last.state is State.DONE)
            elif answered and last.state is State.FAILED and last.report.error is not None:
                self._note_failure(progress.candidate, last.report.error)
            if last.state is not State.FAILED or answered:
                self._leave_site(last, progress)
        self.release()

    def release(self) -> None:
        """Gives back the turn at the account and the place in the retry budget. May be called again."""
        if self._entered is not None:
            entered, self._entered = self._entered, None
            self.context.traffic.leave(entered)
        if self._retrying:
            self._retrying = False
            self.context.budget.give_back()

    def headers(self) -> tuple[tuple[str, str], ...]:
        """What every answer says of how it came about; names only, no secrets."""
        found = []
        if self.progress is not None:
            candidate = self.progress.candidate
            found.append(("x-glassgate-model", quote(candidate.route.model.id, safe="/:@+ ")))
            found.append(("x-glassgate-account", f"{candidate.account.provider}/{candidate.account.name}"))
        return (*found, ("x-glassgate-attempts", str(self.attempts)))

    # -- the next one ---------------------------------------------------------------------------------------------
    async def _next(self) -> Planned:
        """Makes the next attempt. Raises GatewayError, the verdict, when there is none to make."""
        while True:
            more = self._round.attempts < self._most and not self._too_late()
            candidate = await self._round.candidates.take() if more else None
            if candidate is None:
                self._verdict.not_asked(self._round.candidates)
                if await self._same_again() or self._next_model():
                    continue
                raise self._verdict.error(asked=self.attempts > 0)
            self._entered = candidate.key
            if (planned := await self._try(candidate)) is not None:
                return planned
            self.release()

    async def _try(self, candidate: Candidate) -> Planned | None:
        """The candidate's attempt; None when it could not even be prepared. Raises the verdict."""
        try:
            session = await self.context.renewal.session(candidate.account)
        except ProviderError as error:
            self._verdict.failed(error, candidate)
            return None
        self.attempts += 1
        self._round.attempts += 1
        try:
            return await self._make_attempt(candidate, session)
        except ProviderError as error:
            self._failed(error, candidate, self._decide(error, candidate, accepted=False), accepted=False)
            return None

    async def _same_again(self) -> bool:
        """Puts the account back that is worth asking once more, after a pause; False when none is."""
        context, current = self.context, self._round
        if current.attempts >= self._most or self._retrying or self._too_late():
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
        await context.sleep(pause)
        current.candidates.put_back(candidate)
        return True

    def _next_model(self) -> bool:
        """Goes on to the next model of the chain that anybody serves."""
        while self._models and not self._too_late():
            try:
                self._round = self._new_round(self._models.pop(0))
            except GatewayError:
                continue
            return True
        return False

    def _new_round(self, model: str) -> Round:
        """The candidates of a model. Raises GatewayError when nobody serves it or nobody can carry the request."""
        routes = self.context.index().find(model)
        if not routes:
            raise self._unknown_model(model)
        able = self._able(routes)
        found = [Candidate(route, account) for route in able for account in self.context.accounts.of(route.provider)]
        return Round(self.context.planner.candidates(found, routes[0].model.id, self._conversation))

    def _able(self, routes: Sequence[Route]) -> list[Route]:
        """The routes whose provider can carry this request. Raises the first refusal when none can."""
        able: list[Route] = []
        refusal: GatewayError | None = None
        for route in routes:
            try:
                check_support(
                    self.ask.parsed, self.context.providers[route.provider].native, route.provider, route.model
                )
            except GatewayError as error:
                refusal = refusal or error
            else:
                able.append(route)
        if not able and refusal:
            raise refusal
        return able

    def _unknown_model(self, name: str) -> GatewayError:
        near = self.context.index().near(name)
        hint = f" Near names: {', '.join(near)}." if near else ""
        message = f"the model {name[:100]!r} is not served here.{hint} GET /v1/models lists what is."
        return GatewayError(404, message, code="model_not_found", param="model")

    # -- an attempt -----------------------------------------------------------------------------------------------
    async def _make_attempt(self, candidate: Candidate, session: Session) -> Planned:
        """Preparing steps, then the request. Raises ProviderError."""
        context = self.context
        provider = context.providers[candidate.route.provider]
        self.progress = Progress(candidate, session)
        chat = replace(self.ask.parsed.chat, model=candidate.route.model.id)
        while True:
            try:
                steps = provider.prepare(chat, session, context.moment())
                prepared = await context.steps.run(provider, steps, session) if steps is not None else None
                break
            except ProviderError as error:
                match self._decide(error, candidate, accepted=False):
                    case Next.REMEDY:
                        await self._remedy(provider, session, error)
                    case Next.RENEW:
                        session = await self._renew(candidate, session, error)
                        self.progress = Progress(candidate, session)
                    case _:
                        raise
        self.progress.prepared = prepared
        call = provider.build(chat, session, prepared, context.moment())
        return Planned(self._attempt(provider, session, chat, candidate.route, prepared, call), request_of(call))

    def _attempt(
        self, provider: AnyProvider, session: Session, chat: ChatRequest, route: Route, prepared: object, call: Call
    ) -> Attempt:
        limits = self.context.limits
        thinking = route.model.thinking or chat.reasoning_effort not in (None, "none", "minimal")
        plan = AttemptPlan(
            provider=provider,
            session=session,
            chat=chat,
            target=target_of(call, provider, self.context.proxies.get(provider.name)),
            timers=Timers(
                limits.connect_s,
                limits.first_token_thinking_s if thinking or provider.answers_late(chat) else limits.first_token_s,
                limits.idle_s,
                limits.total_s,
                limits.keepalive_s,
            ),
            decoder=provider.decoder(chat, prepared),
            seals=self.context.seals,
            record_limit_bytes=limits.record_bytes,
            answer_headers=(("x-request-id", self.ask.id), *self.headers()),
            clock=self.context.clock,
        )
        created = self.context.moment().epoch_ms // 1000
        meta = AnswerMeta(id=f"chatcmpl-{self.ask.id.removeprefix('req_')}", created=created, model=chat.model)
        output = (
            self.ask.dialect.stream(self.ask.parsed, meta)
            if chat.stream
            else self.ask.dialect.whole(self.ask.parsed, meta)
        )
        native = provider.native
        local = OutputLimits((), None) if native is None else OutputLimits(chat.stop, chat.max_tokens)
        self.last = attempt = Attempt(plan, output, local)
        attempt.commits_early = chat.stream and provider.answers_late(chat)
        return attempt

    async def _remedy(self, provider: AnyProvider, session: Session, error: ProviderError) -> None:
        steps = provider.remedy(error, session, self.context.moment())
        assert steps is not None
        self._remedied = True
        await self.context.steps.run(provider, steps, session)

    async def _renew(self, candidate: Candidate, session: Session, error: ProviderError) -> Session:
        """Another session of the account, which the site has just refused. Raises ProviderError when there is none."""
        self._renewed.add((candidate.account.provider, candidate.account.name))
        return await self.context.renewal.rejected(candidate.account, session, error)

    # -- after a failure ------------------------------------------------------------------------------------------
    async def _mended(self, progress: Progress, error: ProviderError, *, accepted: bool) -> Planned | None:
        """Asks the same account again at once where its provider mends what was wrong. Raises the verdict."""
        candidate, session = progress.candidate, progress.session
        what_next = self._decide(error, candidate, accepted=accepted)
        if what_next not in (Next.REMEDY, Next.RENEW):
            self._failed(error, candidate, what_next, accepted=accepted)
            return None
        try:
            if what_next is Next.RENEW:
                session = await self._renew(candidate, session, error)
            else:
                await self._remedy(self.context.providers[candidate.route.provider], session, error)
            self.attempts += 1
            self._round.attempts += 1
            return await self._make_attempt(candidate, session)
        except ProviderError as later:
            self._failed(later, candidate, self._decide(later, candidate, accepted=False), accepted=False)
            return None

    def _failed(self, error: ProviderError, candidate: Candidate, what_next: Next, *, accepted: bool) -> None:
        """Takes a failure down. Raises the verdict when nobody else is to be asked."""
        self._note_failure(candidate, error)
        self._verdict.failed(error, candidate)
        self._round.passing.append((error, candidate, accepted))
        if what_next is Next.GIVE_UP:
            raise told(error, candidate)

    def _decide(self, error: ProviderError, candidate: Candidate, *, accepted: bool) -> Next:
        provider = self.context.providers[candidate.route.provider]
        known = False
        if self.progress is not None and not self._remedied:
            steps = provider.remedy(error, self.progress.session, self.context.moment())
            known = steps is not None
            if steps is not None:
                steps.close()
        failed = FailedAttempt(
            error, self._round.attempts, accepted, self._remedied, known, candidate.key in self._renewed
        )
        return decide(failed, max_attempts=self._most, retry_accepted=self.context.limits.retry_accepted)

    # -- what is noted --------------------------------------------------------------------------------------------
    def _note_failure(self, candidate: Candidate, error: ProviderError) -> None:
        """The account's traffic and state learn of a failure; not of one that is the request's own."""
        if error.kind in OWN_FAULT:
            return
        self.context.traffic.failed(candidate.key, candidate.route.model.id, error)
        if error.kind not in LIMITS:
            self.context.renewal.failed(candidate.account, error)

    def _succeeded(self, candidate: Candidate, *, complete: bool) -> None:
        """The account answered; that the client left in the middle of it is no fault of the account."""
        if complete:
            self.context.traffic.succeeded(candidate.key, candidate.route.model.id)
            self.context.renewal.succeeded(candidate.account)
        self.context.planner.orderer.settled(self._conversation, candidate.key)

    def _leave_site(self, attempt: Attempt, progress: Progress) -> None:
        """What is done once an attempt is over: its cookies are kept, its answer is stopped, its chat deleted."""
        self._tell_cookies(attempt)
        context, moment = self.context, self.context.moment()
        provider = context.providers[progress.candidate.route.provider]
        calls = []
        if attempt.state is State.OPEN or attempt.cut_short:
            calls.append(provider.cancel_call(attempt.plan.chat, progress.session, progress.prepared, moment))
        if provider.name in context.tidied:
            calls.append(provider.tidy(progress.session, progress.prepared, moment))
        wanted = [call for call in calls if call is not None]
        if wanted:
            context.renewal.background.spawn(self._send(provider, wanted), "glassgate tidying up")

    async def _send(self, provider: AnyProvider, calls: Sequence[Call]) -> None:
        for call in calls:
            try:
                await self.context.steps.send(provider, call)
            except ProviderError as error:
                log.info("%s: tidying up failed: %s", provider.name, error.message)

    def _tell_cookies(self, attempt: Attempt) -> None:
        if attempt.report.set_cookies:
            given = dict(given_cookies(attempt.report.set_cookies))
            self.context.renewal.handed_out(attempt.plan.session, given)

    @property
    def _most(self) -> int:
        return self.context.limits.max_attempts

    def _too_late(self, in_s: float = 0.0) -> bool:
        """Whether the time for the whole request is used up (in so many seconds)."""
        return self.context.clock() + in_s - self.ask.began >= self.context.limits.total_s
