"""The making of one attempt at a leased account: features, preparing steps, the call; and what mends a refused one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from addons.accounts.account_record import AccountId
from addons.accounts.lease import Lease
from addons.exchange.attempt import Attempt
from addons.exchange.attempt_plan import AttemptPlan, ClientRequest, plan_attempt
from addons.exchange.context import Context
from addons.exchange.continuation import Continuation
from addons.exchange.model_chain import ModelChain
from addons.exchange.progress import Progress
from addons.exchange.stage import Stage, Way
from addons.features.chain import applied
from addons.features.feature import Applied
from addons.routing.retry_policy import Cause, FailedAttempt, Next, decide
from providers.contract.chat import Message
from providers.contract.errors import ProviderError
from providers.contract.events import Usage
from providers.contract.operation import Operation
from providers.contract.provider import AnyProvider
from providers.contract.requests import ModelRequest
from providers.contract.session import Session
from providers.contract.steps import Moment


@dataclass(slots=True)
class AttemptMaker:
    """Makes the attempts for one request."""

    context: Context
    ask: ClientRequest
    chain: ModelChain
    continuation: Continuation
    way: Way
    progress: Progress | None = None
    """Of the newest attempt."""
    last: Attempt | None = None
    """The newest attempt, also when it is over."""
    _recovered: bool = False
    _renewed: set[AccountId] = field(default_factory=set)
    """Accounts whose session this request has had renewed."""

    async def make(
        self,
        lease: Lease,
        session: Session,
        headers: Sequence[tuple[str, str]],
        more: tuple[Message, ...] = (),
        spent: Usage | None = None,
    ) -> AttemptPlan:
        """A turn at the account: preparing steps, then the call. `headers` go onto the client's answer; `more` is said
        behind the client's request.

        Raises ProviderError.
        """
        model, provider = lease.candidate.model, self.context.providers[lease.account.provider]
        asked = self.ask.parsed.request
        serving = provider.serving(asked if asked.model == model.id else replace(asked, model=model.id))
        assert serving is not None  # else the route would have no candidates
        native = serving.operation.native
        served = self.context.served(provider, model, native, self.ask.id, again=bool(more))
        asked = self.continuation.begin(serving.request, lease.candidate, alone=not more)
        while True:
            done = applied(asked.followed_by(more), served)
            turn = serving.operation.turn(done.request, session)
            progress = self.progress = Progress(lease, session, turn, self._moment(), spent)
            try:
                request = await self._prepare(provider, serving.operation, done, progress)
                progress.asked = self._moment()
                call = progress.turn.call(progress.asked)
                break
            except ProviderError as error:
                if self.continuation.may_be_of_the_chat(error):
                    asked = self.continuation.begin(serving.request, lease.candidate, alone=not more)
                    continue
                match self.decide(error, lease, accepted=False):
                    case Next.RECOVER:
                        await self.recover(provider, error)
                    case Next.RENEW:
                        session = await self.renew(lease, session, error)
                    case _:
                        raise
        stand_ins = self.chain.stand_ins if self.context.limits.retry_accepted else frozenset[Cause]()
        planned = plan_attempt(
            self.context,
            self.ask,
            progress,
            request,
            call,
            headers,
            done,
            stand_ins,
            self.continuation.told,
        )
        self.last = planned.attempt
        self.way.go(Stage.READY)
        return planned

    async def _prepare(
        self, provider: AnyProvider, operation: Operation[ModelRequest], done: Applied, progress: Progress
    ) -> ModelRequest:
        """Runs the features' steps and the turn's own; the request as it is to be asked. Raises ProviderError."""
        request, session, run = done.request, progress.session, self.context.steps.run
        for steps_of in done.steps:
            self.way.go(Stage.PREPARING)
            request = await run(provider, steps_of(request, session, self._moment()), session)
        if done.steps:
            progress.turn = operation.turn(request, session)
        progress.asked = self._moment()
        if (steps := progress.turn.prepare(progress.asked)) is not None:
            self.way.go(Stage.PREPARING)
            await run(provider, steps, session)
        return request

    # -- what mends a refusal -------------------------------------------------------------------------------------
    def decide(self, error: ProviderError, lease: Lease, *, accepted: bool) -> Next:
        """What follows the newest attempt's failure."""
        known = False
        if self.progress is not None and not self._recovered:
            steps = self.progress.turn.recover(error, self.progress.asked)
            known = steps is not None
            if steps is not None:
                steps.close()
        failed = FailedAttempt(
            error,
            self.chain.current.attempts,
            accepted,
            self._recovered,
            known,
            lease.account.key in self._renewed,
            self.ask.parsed.request.once,
        )
        limits = self.context.limits
        return decide(failed, max_attempts=limits.max_attempts, retry_accepted=limits.retry_accepted)

    async def recover(self, provider: AnyProvider, error: ProviderError) -> None:
        """Mends what the site refused the newest turn for. Raises ProviderError where it stays wrong."""
        assert self.progress
        self._recovered = True
        self.way.go(Stage.PREPARING)
        progress = self.progress
        await self.context.recoveries.apply(
            self.context.steps, provider, progress.turn, progress.session, error, progress.asked
        )

    async def renew(self, lease: Lease, session: Session, error: ProviderError) -> Session:
        """Another session of the account, which the site has just refused. Raises ProviderError when there is none."""
        self._renewed.add(lease.account.key)
        self.way.go(Stage.RENEWING)
        return await lease.rejected(session, error)

    def _moment(self) -> Moment:
        """Now, and when the client's request came in."""
        now = self.context.moment()
        came_ms = now.epoch_ms - int((self.context.clock() - self.ask.began) * 1000)
        return Moment(now.epoch_ms, now.new_id, now.timezone, came_ms)
