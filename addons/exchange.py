"""One client request, from the hook that reads it to the line that is logged about it.

Parse, route, get in at an account, prepare, build an attempt; after a failure another account, the same again, another
model, or the verdict. The policy is core/failover.py, the accounts' traffic is traffic.py. The stream layer sees an
exchange as a Ticket.
"""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlsplit

from mitmproxy import http

from addons.accounts import AccountId, Accounts
from addons.attempt import Attempt, AttemptPlan
from addons.candidates import Candidate, Candidates, Planner
from addons.core.errors import GatewayError
from addons.core.failover import OWN_FAULT, FailedAttempt, Next, RetryBudget, RetryRules, decide
from addons.core.limits import OutputLimits
from addons.core.logs import RequestLog
from addons.core.routing import ModelIndex, Route
from addons.core.strategy import conversation_of
from addons.core.support import check_support
from addons.dialects.base import AnswerMeta, Dialect, ParsedRequest
from addons.relay import State, Target, Timers
from addons.renewal import Renewal
from addons.secrets import Seals
from addons.steps import StepRunner
from addons.traffic import LIMITS, Traffic
from providers.chat import ChatRequest
from providers.contract import Call, Moment, Provider, ProviderOptions, Session, origin_of
from providers.errors import ErrorKind, ProviderError
from providers.session import given_cookies

type AnyProvider = Provider[ProviderOptions]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and counts an exchange keeps to; from config.yaml."""

    connect_s: float = 5.0
    first_token_s: float = 60.0
    first_token_thinking_s: float = 300.0
    idle_s: float = 60.0
    total_s: float = 600.0
    keepalive_s: float = 15.0
    max_attempts: int = 3
    retry_accepted: bool = True
    record_bytes: int = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Context:
    """What every exchange works with: one immutable snapshot of the running gateway."""

    providers: Mapping[str, AnyProvider]
    accounts: Accounts
    renewal: Renewal
    traffic: Traffic
    planner: Planner
    index: Callable[[], ModelIndex]
    seals: Seals
    steps: StepRunner
    limits: Limits
    retries: RetryRules
    budget: RetryBudget
    fallbacks: Mapping[str, Sequence[str]]
    """Model, case folded → the models to ask when all accounts of it are out."""
    proxies: Mapping[str, str]
    """Provider name → the HTTP proxy in front of it."""
    moment: Callable[[], Moment]
    rng: random.Random
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Coroutine[None, None, None]] = asyncio.sleep


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
class Exchange:
    """The Ticket of one client request."""

    id: str
    key: str
    dialect: Dialect
    context: Context
    began: float
    relay: Attempt | None = None
    verdict: http.Response | None = None
    parsed: ParsedRequest | None = None
    last: Attempt | None = None
    """The newest attempt, also when it is over."""
    attempts: int = 0
    progress: Progress | None = None
    error: GatewayError | None = None
    remedied: bool = False
    renewed: set[AccountId] = field(default_factory=set)
    """Accounts whose session this request has had renewed."""
    left: bool = False
    status: int = 200
    _round: Round | None = None
    _models: list[str] = field(default_factory=list)
    """Fallback models still to be asked."""
    _conversation: str = ""
    _first_failure: tuple[ProviderError, Candidate] | None = None
    _unasked: tuple[GatewayError, float] | None = None
    """Why accounts were not asked, of the one that may be asked first, and when."""
    _entered: AccountId | None = None
    _counted: bool = False
    _retrying: bool = False
    _task: asyncio.Task[None] | None = None

    # -- the Ticket -----------------------------------------------------------------------------------------------
    def client_left(self) -> None:
        self.left = True
        if self._task is not None:
            self._task.cancel()

    # -- called from the hooks ------------------------------------------------------------------------------------
    async def open(self, flow: http.HTTPFlow) -> None:
        """Plans the first attempt; on a refusal the flow gets the answer."""
        self._counted = True
        self.context.budget.active += 1
        await self._guarded(self._open(flow), flow)

    async def attempt_failed(self, flow: http.HTTPFlow) -> None:
        """Plans what follows a failed attempt: another one, or the verdict."""
        await self._guarded(self._after_failure(flow), flow)

    async def _guarded(self, work: Coroutine[None, None, None], flow: http.HTTPFlow) -> None:
        """Runs `work` as a task that ends when the client leaves."""
        self._task = asyncio.ensure_future(work)
        try:
            await self._task
        except asyncio.CancelledError:
            self._release()
            if not self.left:
                raise
        except GatewayError as error:
            self._release()
            self._give(error, flow)
        finally:
            self._task = None

    def over(self) -> None:
        """The exchange has ended: what it taught about the account is noted, its places are given back."""
        last, progress = self.last, self.progress
        if last is not None and progress is not None:
            if last.report.accepted and last.report.error is None:
                self._succeeded(progress.candidate, complete=last.state is State.DONE)
            elif last.state is State.FAILED and self.error is None and last.report.error is not None:
                self._note_failure(progress.candidate, last.report.error)
            self._tell_cookies(last)
        self._release()
        if self._counted:
            self._counted = False
            self.context.budget.active -= 1

    def _tell_cookies(self, attempt: Attempt) -> None:
        if attempt.report.set_cookies:
            given = dict(given_cookies(attempt.report.set_cookies))
            self.context.renewal.handed_out(attempt.plan.session, given)

    def summary(self, *, client_left: bool) -> RequestLog:
        """The request's line for the log."""
        report = self.last.report if self.last else None
        usage = report.usage if report else None
        first = report.first_token_at if report else None
        broken = self.last is not None and self.last.state is State.FAILED and self.error is None
        outcome = "ok"
        if client_left or self.left:
            outcome = "client_left"
        elif self.error is not None:
            outcome = "failed" if self.error.status >= 500 or self.attempts else "refused"
        elif broken:
            outcome = "broken_off"
        code = self.error.code if self.error else None
        if broken and report and report.error:
            code = report.error.kind.value
        candidate = self.progress.candidate if self.progress else None
        return RequestLog(
            id=self.id,
            key=self.key,
            path="",
            status=self.status,
            model=candidate.route.model.id if candidate else self.parsed.chat.model[:100] if self.parsed else None,
            provider=candidate.route.provider if candidate else None,
            account=candidate.account.name if candidate else None,
            attempts=self.attempts,
            first_token_ms=round((first - self.began) * 1000) if first is not None else None,
            total_ms=round((self.context.clock() - self.began) * 1000),
            prompt_tokens=usage.prompt_tokens if usage else None,
            completion_tokens=usage.completion_tokens if usage else None,
            outcome=outcome,
            error_code=code,
        )

    # -- planning -------------------------------------------------------------------------------------------------
    async def _open(self, flow: http.HTTPFlow) -> None:
        self.parsed = parsed = self.dialect.parse(flow.request.raw_content or b"")
        self._conversation = conversation_of(parsed.chat)
        self._models = list(self.context.fallbacks.get(parsed.chat.model.strip().casefold(), ()))
        self._round = self._new_round(parsed, parsed.chat.model)
        await self._next(flow)

    def _new_round(self, parsed: ParsedRequest, model: str) -> Round:
        """The candidates of a model. Raises GatewayError when nobody serves it or nobody can carry the request."""
        routes = self.context.index().find(model)
        if not routes:
            raise self._unknown_model(model)
        able = self._able(parsed, routes)
        found = [Candidate(route, account) for route in able for account in self.context.accounts.of(route.provider)]
        return Round(self.context.planner.candidates(found, routes[0].model.id, self._conversation))

    def _able(self, parsed: ParsedRequest, routes: Sequence[Route]) -> list[Route]:
        """The routes whose provider can carry this request. Raises the first refusal when none can."""
        able: list[Route] = []
        refusal: GatewayError | None = None
        for route in routes:
            try:
                check_support(parsed, self.context.providers[route.provider].native, route.provider, route.model)
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

    async def _next(self, flow: http.HTTPFlow) -> None:
        """Makes the next attempt. Raises GatewayError, the verdict, when there is none to make."""
        while True:
            assert self._round
            more = self._round.attempts < self._most and not self._too_late()
            candidate = await self._round.candidates.take() if more else None
            if candidate is None:
                self._note_unasked(self._round.candidates)
                if await self._same_again() or self._next_model():
                    continue
                raise self._final_verdict()
            self._entered = candidate.key
            if await self._try(flow, candidate):
                return
            self._release()

    async def _try(self, flow: http.HTTPFlow, candidate: Candidate) -> bool:
        """Makes the candidate's attempt; False when it could not even be prepared. Raises the verdict."""
        assert self._round
        try:
            session = await self.context.renewal.session(candidate.account)
        except ProviderError as error:
            self._first_failure = self._first_failure or (error, candidate)
            return False
        self.attempts += 1
        self._round.attempts += 1
        try:
            await self._make_attempt(flow, candidate, session)
        except ProviderError as error:
            self._failed(error, candidate, self._decide(error, candidate, accepted=False), accepted=False)
            return False
        return True

    async def _same_again(self) -> bool:
        """Puts the account back that is worth asking once more, after a pause; False when none is."""
        context, current = self.context, self._round
        assert current
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
        assert self.parsed
        while self._models and not self._too_late():
            try:
                self._round = self._new_round(self.parsed, self._models.pop(0))
            except GatewayError:
                continue
            return True
        return False

    async def _make_attempt(self, flow: http.HTTPFlow, candidate: Candidate, session: Session) -> None:
        """Preparing steps, then the request; `relay` is then the attempt and the flow its request."""
        assert self.parsed
        context = self.context
        provider = context.providers[candidate.route.provider]
        self.progress = Progress(candidate, session)
        chat = replace(self.parsed.chat, model=candidate.route.model.id)
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
        self.relay = self._attempt(provider, session, chat, candidate.route, prepared, call)
        flow.request = request_of(call)
        flow.response = None

    def _attempt(
        self, provider: AnyProvider, session: Session, chat: ChatRequest, route: Route, prepared: object, call: Call
    ) -> Attempt:
        assert self.parsed
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
            answer_headers=self.headers(),
            clock=self.context.clock,
        )
        created = self.context.moment().epoch_ms // 1000
        meta = AnswerMeta(id=f"chatcmpl-{self.id.removeprefix('req_')}", created=created, model=chat.model)
        output = self.dialect.stream(self.parsed, meta) if chat.stream else self.dialect.whole(self.parsed, meta)
        native = provider.native
        local = OutputLimits((), None) if native is None else OutputLimits(chat.stop, chat.max_tokens)
        self.last = attempt = Attempt(plan, output, local)
        attempt.commits_early = chat.stream and provider.answers_late(chat)
        return attempt

    async def _remedy(self, provider: AnyProvider, session: Session, error: ProviderError) -> None:
        steps = provider.remedy(error, session, self.context.moment())
        assert steps is not None
        self.remedied = True
        await self.context.steps.run(provider, steps, session)

    async def _renew(self, candidate: Candidate, session: Session, error: ProviderError) -> Session:
        """Another session of the account, which the site has just refused. Raises ProviderError when there is none."""
        self.renewed.add((candidate.account.provider, candidate.account.name))
        return await self.context.renewal.rejected(candidate.account, session, error)

    # -- after a failure ------------------------------------------------------------------------------------------
    async def _after_failure(self, flow: http.HTTPFlow) -> None:
        failed, progress = self.relay, self.progress
        self.relay = None
        assert failed
        assert progress
        error = failed.report.error or ProviderError(ErrorKind.PROVIDER_DOWN, "the attempt failed")
        answered = flow.response
        self._tell_cookies(failed)
        try:
            if not await self._mended(flow, progress, error, accepted=failed.report.accepted):
                self._release()
                await self._next(flow)
        except GatewayError:
            flow.response = flow.response or answered
            raise

    async def _mended(self, flow: http.HTTPFlow, progress: Progress, error: ProviderError, *, accepted: bool) -> bool:
        """Asks the same account again at once where its provider mends what was wrong. Raises the verdict."""
        candidate, session = progress.candidate, progress.session
        what_next = self._decide(error, candidate, accepted=accepted)
        if what_next not in (Next.REMEDY, Next.RENEW):
            self._failed(error, candidate, what_next, accepted=accepted)
            return False
        try:
            if what_next is Next.RENEW:
                session = await self._renew(candidate, session, error)
            else:
                await self._remedy(self.context.providers[candidate.route.provider], session, error)
            assert self._round
            self.attempts += 1
            self._round.attempts += 1
            await self._make_attempt(flow, candidate, session)
        except ProviderError as later:
            self._failed(later, candidate, self._decide(later, candidate, accepted=False), accepted=False)
            return False
        return True

    def _failed(self, error: ProviderError, candidate: Candidate, what_next: Next, *, accepted: bool) -> None:
        """Takes a failure down. Raises the verdict when nobody else is to be asked."""
        assert self._round
        self._note_failure(candidate, error)
        self._first_failure = self._first_failure or (error, candidate)
        self._round.passing.append((error, candidate, accepted))
        if what_next is Next.GIVE_UP:
            raise self._final(error, candidate)

    def _decide(self, error: ProviderError, candidate: Candidate, *, accepted: bool) -> Next:
        provider = self.context.providers[candidate.route.provider]
        known = False
        if self.progress is not None and not self.remedied:
            steps = provider.remedy(error, self.progress.session, self.context.moment())
            known = steps is not None
            if steps is not None:
                steps.close()
        attempts = self._round.attempts if self._round else self.attempts
        failed = FailedAttempt(error, attempts, accepted, self.remedied, known, candidate.key in self.renewed)
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

    def _note_unasked(self, candidates: Candidates) -> None:
        """Remembers what a client is told whose request nobody was asked: the way that opens first."""
        if (found := candidates.soonest()) is not None:
            blocked, candidate = found
            error = self._final(blocked.error, candidate)
            if blocked.by_breaker:
                name = f"{candidate.account.provider}/{candidate.account.name}"
                message = f"{name} keeps failing and is left alone for a while: {blocked.error.message}"
                error = GatewayError(503, message, code="provider_unavailable")
            error.retry_after_s = blocked.wait_s
            self._take_unasked(error, blocked.wait_s)
        for full, candidate in candidates.full:
            name = f"{candidate.account.provider}/{candidate.account.name}"
            message = f"all places of {name} are taken; try again, add an account or raise accounts.max_concurrent"
            wait_s = full.retry_after_s or 1.0
            self._take_unasked(GatewayError(429, message, code="account_busy", retry_after_s=wait_s), wait_s)

    def _take_unasked(self, error: GatewayError, wait_s: float) -> None:
        if self._unasked is None or wait_s < self._unasked[1]:
            self._unasked = (error, wait_s)

    def _final_verdict(self) -> GatewayError:
        """What the client is told: the first failure at a provider, else why nobody was asked."""
        asked = self.attempts > 0
        if self._first_failure and (asked or self._unasked is None):
            return self._final(*self._first_failure)
        if self._unasked:
            return self._unasked[0]
        return GatewayError(503, "no account is configured for this model", code="no_account")

    def _final(self, error: ProviderError, candidate: Candidate) -> GatewayError:
        return GatewayError.from_provider(error, candidate.route.provider, candidate.account.name)

    def _give(self, error: GatewayError, flow: http.HTTPFlow) -> None:
        """The verdict: what the client is told. Shown in the flow only where no provider answered."""
        self.relay = None
        self.error = error
        self.status = error.status
        self.verdict = error_answer(error, self.headers())
        if flow.response is None:
            flow.response = self.verdict

    def headers(self) -> tuple[tuple[str, str], ...]:
        """What every answer says of how it came about; names only, no secrets."""
        found = [("x-request-id", self.id)]
        if self.progress is not None:
            candidate = self.progress.candidate
            found.append(("x-glassgate-model", quote(candidate.route.model.id, safe="/:@+ ")))
            found.append(("x-glassgate-account", f"{candidate.account.provider}/{candidate.account.name}"))
        return (*found, ("x-glassgate-attempts", str(self.attempts)))

    # -- places ---------------------------------------------------------------------------------------------------
    @property
    def _most(self) -> int:
        return self.context.limits.max_attempts

    def _too_late(self, in_s: float = 0.0) -> bool:
        """Whether the time for the whole request is used up (in so many seconds)."""
        return self.context.clock() + in_s - self.began >= self.context.limits.total_s

    def _release(self) -> None:
        """Gives back the turn at the account and the place in the retry budget."""
        if self._entered is not None:
            entered, self._entered = self._entered, None
            self.context.traffic.leave(entered)
        if self._retrying:
            self._retrying = False
            self.context.budget.give_back()


def error_answer(error: GatewayError, headers: Sequence[tuple[str, str]]) -> http.Response:
    """A GatewayError as the HTTP answer of ours."""
    found = [(name.encode(), value.encode()) for name, value in [*error.headers(), *headers]]
    return http.Response.make(error.status, error.body(), found)


def request_of(call: Call) -> http.Request:
    """The Call as the flow's request. A new object: mitmproxy's client side still holds the client's own."""
    headers = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in call.headers]
    request = http.Request.make(call.method, call.url, call.body, headers)
    request.headers.setdefault("Accept-Encoding", "identity")  # what is not packed need not be unpacked
    if "host" not in request.headers:
        request.headers.insert(0, "Host", urlsplit(call.url).netloc)
    return request


def target_of(call: Call, provider: AnyProvider, proxy: str | None) -> Target:
    """Where the call goes. Raises ProviderError when it is not the provider's own origin: fail closed."""
    if origin_of(call.url) not in provider.origins():
        raise ProviderError(ErrorKind.PROVIDER_DOWN, f"{provider.name}: a call to a foreign address was stopped")
    parts = urlsplit(call.url)
    tls = parts.scheme == "https"
    via = None
    if proxy:
        front = urlsplit(proxy)
        scheme = "https" if front.scheme == "https" else "http"
        via = (scheme, (front.hostname or "", front.port or {"http": 80, "https": 443}[scheme]))
    return Target(parts.hostname or "", parts.port or (443 if tls else 80), tls, via)  # type: ignore[arg-type]
