"""One client request, from the hook that reads it to the line that is logged about it.

Parse, route, take an account, prepare, build an attempt; after a failure the next one, or the verdict. The stream layer
sees it as a Ticket.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from mitmproxy import http

from addons.accounts import Account, AccountId, Accounts
from addons.attempt import Attempt, AttemptPlan
from addons.core.errors import GatewayError
from addons.core.failover import FailedAttempt, Next, decide
from addons.core.limits import OutputLimits
from addons.core.logs import RequestLog
from addons.core.routing import ModelIndex, Route
from addons.core.support import check_support
from addons.dialects.base import AnswerMeta, Dialect, ParsedRequest
from addons.relay import State, Target, Timers
from addons.renewal import Renewal
from addons.secrets import Seals
from addons.steps import StepRunner
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
    index: Callable[[], ModelIndex]
    seals: Seals
    steps: StepRunner
    limits: Limits
    proxies: Mapping[str, str]
    """Provider name → the HTTP proxy in front of it."""
    moment: Callable[[], Moment]
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Candidate:
    route: Route
    account: Account


@dataclass(slots=True)
class Progress:
    """What is known of the current attempt besides the Attempt itself."""

    candidate: Candidate
    session: Session
    prepared: object = None


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
    _candidates: Iterator[Candidate] = field(default_factory=lambda: iter(()))
    _first_failure: tuple[ProviderError, Candidate] | None = None
    _task: asyncio.Task[None] | None = None

    # -- the Ticket -----------------------------------------------------------------------------------------------
    def client_left(self) -> None:
        self.left = True
        if self._task is not None:
            self._task.cancel()

    # -- called from the hooks ------------------------------------------------------------------------------------
    async def open(self, flow: http.HTTPFlow) -> None:
        """Plans the first attempt; on a refusal the flow gets the answer."""
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
            if not self.left:
                raise
        except GatewayError as error:
            self._give(error, flow)
        finally:
            self._task = None

    def over(self) -> None:
        """The exchange has ended: what it taught about the account is noted."""
        last, progress = self.last, self.progress
        if last is None or progress is None:
            return
        renewal = self.context.renewal
        if last.report.accepted and last.report.error is None:
            renewal.succeeded(progress.candidate.account)
        elif last.state is State.FAILED and self.error is None and last.report.error is not None:
            renewal.failed(progress.candidate.account, last.report.error)
        self._tell_cookies(last)

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
        routes = self.context.index().find(parsed.chat.model)
        if not routes:
            raise self._unknown_model(parsed.chat.model)
        able = self._able(parsed, routes)
        self._candidates = (Candidate(route, a) for route in able for a in self.context.accounts.of(route.provider))
        await self._next_candidate(flow, None)

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

    async def _next_candidate(self, flow: http.HTTPFlow, last: ProviderError | None) -> None:
        """Makes the next candidate's attempt; candidates that cannot even be prepared are passed over.

        When none is left, the client is told of the first failure at a provider: a missing session elsewhere says less.
        """
        if last is not None and self.progress is not None:
            self._first_failure = self._first_failure or (last, self.progress.candidate)
        missing: tuple[ProviderError, Candidate] | None = None
        for candidate in self._candidates:
            try:
                session = await self.context.renewal.session(candidate.account)
            except ProviderError as error:
                missing = missing or (error, candidate)
                continue
            self.attempts += 1
            try:
                await self._make_attempt(flow, candidate, session)
            except ProviderError as error:
                self.context.renewal.failed(candidate.account, error)
                self._first_failure = self._first_failure or (error, candidate)
                if self._decide(error, candidate, accepted=False) is Next.GIVE_UP:
                    break
            else:
                return
        if found := self._first_failure or missing:
            raise self._final(*found)
        raise GatewayError(503, "no account is configured for this model", code="no_account")

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
            answer_headers=(("x-request-id", self.id),),
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
        answered, candidate, session = flow.response, progress.candidate, progress.session
        self._tell_cookies(failed)
        what_next = self._decide(error, candidate, accepted=failed.report.accepted)
        if what_next is not Next.RENEW:
            self.context.renewal.failed(candidate.account, error)
        match what_next:
            case Next.REMEDY | Next.RENEW:
                try:
                    if what_next is Next.RENEW:
                        session = await self._renew(candidate, session, error)
                    else:
                        await self._remedy(self.context.providers[candidate.route.provider], session, error)
                    self.attempts += 1
                    await self._make_attempt(flow, candidate, session)
                except ProviderError as later:
                    await self._next_or_verdict(flow, later, answered)
            case Next.ANOTHER_CANDIDATE:
                await self._next_or_verdict(flow, error, answered)
            case Next.GIVE_UP:
                raise self._final(error, candidate)

    async def _next_or_verdict(self, flow: http.HTTPFlow, error: ProviderError, answered: http.Response | None) -> None:
        try:
            await self._next_candidate(flow, error)
        except GatewayError:
            flow.response = answered
            raise

    def _decide(self, error: ProviderError, candidate: Candidate, *, accepted: bool) -> Next:
        provider = self.context.providers[candidate.route.provider]
        known = False
        if self.progress is not None and not self.remedied:
            steps = provider.remedy(error, self.progress.session, self.context.moment())
            known = steps is not None
            if steps is not None:
                steps.close()
        renewed = (candidate.account.provider, candidate.account.name) in self.renewed
        failed = FailedAttempt(error, self.attempts, accepted, self.remedied, known, renewed)
        limits = self.context.limits
        return decide(failed, max_attempts=limits.max_attempts, retry_accepted=limits.retry_accepted)

    def _final(self, error: ProviderError, candidate: Candidate) -> GatewayError:
        return GatewayError.from_provider(error, candidate.route.provider, candidate.account.name)

    def _give(self, error: GatewayError, flow: http.HTTPFlow) -> None:
        """The verdict: what the client is told. Shown in the flow only where no provider answered."""
        self.relay = None
        self.error = error
        self.status = error.status
        self.verdict = error_answer(error, self.id)
        if flow.response is None:
            flow.response = self.verdict


def error_answer(error: GatewayError, request_id: str) -> http.Response:
    """A GatewayError as the HTTP answer of ours."""
    headers = [(name.encode(), value.encode()) for name, value in error.headers()]
    headers.append((b"x-request-id", request_id.encode()))
    return http.Response.make(error.status, error.body(), headers)


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
