"""The models that may serve a request: the one asked for, and those that stand in for it. Each has its round."""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from addons.accounts.account_record import AccountId
from addons.accounts.lease import Candidate, Line, PassedOver
from addons.dialects.base import ParsedRequest
from addons.errors import GatewayError
from addons.exchange.allowance import UNLIMITED, Allowance
from addons.exchange.context import Context
from addons.exchange.form_upload import takes_as_it_is
from addons.features.capabilities import check_support
from addons.features.chain import applied
from addons.routing.model_index import ModelRoute
from addons.routing.retry_policy import CAUSES, Cause, Fallback
from addons.routing.strategy import conversation_of
from addons.routing.without_model import routes_without_model
from providers.contract.errors import ProviderError
from providers.contract.passed_on import PassedRequest

_NAMED: Final = 5
"""Providers that an error names."""


@dataclass(slots=True)
class ModelRound:
    """The attempts for one model: the one asked for, or a fallback."""

    left: Line
    """Accounts that serve it and are still to be asked, in order."""
    passed_over: list[PassedOver] = field(default_factory=list)
    """Those that were not asked because something stood against it."""
    attempts: int = 0
    retries: int = 0
    """Attempts that asked the same account again."""
    passing: list[tuple[ProviderError, Candidate, bool]] = field(default_factory=list)
    """Failures so far: error, candidate, whether the provider had accepted the request."""
    refused: bool = False
    """None of the model's accounts is asked any more: the request itself was refused, or the model is slow."""
    stand_in: bool = False
    """The model is not the one that was asked for."""


@dataclass(slots=True)
class ModelChain:
    """The rounds of one request. `current` is the one under way."""

    context: Context
    parsed: ParsedRequest
    holder: Callable[[Sequence[ModelRoute]], AccountId | None]
    """Who is to be asked first of a model's accounts, if anybody is."""
    allowance: Allowance = UNLIMITED
    """Which models the client key may ask, also where they stand in for another."""
    routes: Sequence[ModelRoute] = field(init=False, default=())
    """Who may serve the model that was asked for."""
    conversation: str = field(init=False)
    """What stays the same through a conversation, to find its account again by."""
    current: ModelRound = field(init=False)
    refusal: GatewayError | None = None
    """How the model asked for refused the request itself: told when no fallback takes it either."""
    _fallbacks: list[Fallback] = field(init=False)
    """Models still to be asked."""
    _causes: set[Cause] = field(default_factory=set)
    """Why others are asked than the model asked for: what it said or did, and what those said that stood in."""
    _slow: tuple[ModelRound, Candidate] | None = None
    """Who was given up as slow, in which round: asked once more, with all the time there is, when nobody stands in."""
    _seen: list[Sequence[ModelRoute]] = field(default_factory=list)
    """The routes of each round: a chain may name a model twice, or the one asked for."""

    def __post_init__(self) -> None:
        """Raises GatewayError when nobody serves the model asked for or nobody can carry the request."""
        request = self.parsed.request
        self.conversation = conversation_of(request)
        bound = request.only_at is not None  # another model's accounts have not what the request names
        self._fallbacks = [] if bound else list(self._fallbacks_of(request.model))
        self.current = self._new_round(request.model)

    @property
    def stand_ins(self) -> Set[Cause]:
        """What other models may still stand in for."""
        return frozenset[Cause]().union(*(fallback.causes for fallback in self._fallbacks))

    # -- what a model said or did ---------------------------------------------------------------------------------
    def refused(self, error: ProviderError, told: GatewayError) -> None:
        """The request itself was refused, which a client is `told` so. Raises that when no model stands in for it."""
        self.refusal = self.refusal or told
        causes = _causes_of(error)
        if self._stand_in(causes) is None:
            raise self.refusal
        self.current.refused, self._causes = True, causes

    def refused_by_stand_in(self, error: ProviderError) -> None:
        """A model that stands in refused the request itself."""
        self.current.refused = True
        self._causes |= _causes_of(error)

    def too_slow(self, candidate: Candidate, *, hurried: bool) -> None:
        """The account has said no word in time: where a model stands in for slow ones, it is asked next.

        One that was not `hurried`, but had all the time there is, is not merely slow: the model's other accounts go
        first.
        """
        if self._stand_in({Cause.SLOW}) is not None:
            self._causes.add(Cause.SLOW)
            if hurried:
                self._slow = self._slow or (self.current, candidate)
                self.current.refused = True

    # -- another round --------------------------------------------------------------------------------------------
    def go_on(self) -> bool:
        """Begins the next round: of a model that is meant for the causes and that anybody serves, or else of the one
        that was given up as slow. False when there is none."""
        return self._next_model() or self._slow_after_all()

    def _next_model(self) -> bool:
        if not self.current.refused and not self.current.stand_in:
            self._causes.add(Cause.UNAVAILABLE)
        while (fallback := self._stand_in(self._causes)) is not None:
            self._fallbacks.remove(fallback)
            try:
                self.current = self._new_round(fallback.model, stand_in=True)
            except GatewayError:
                continue
            return True
        return False

    def _slow_after_all(self) -> bool:
        if self._slow is None or self.refusal is not None:
            return False
        (self.current, candidate), self._slow = self._slow, None
        self.current.refused = False
        self.current.left.append(candidate)
        return True

    def _stand_in(self, causes: Set[Cause]) -> Fallback | None:
        return next((fallback for fallback in self._fallbacks if causes & fallback.causes), None)

    def _fallbacks_of(self, model: str) -> Sequence[Fallback]:
        """What stands in for a name: what is said of the name itself, else of the model it stands for."""
        chains = self.context.fallbacks if model else {}
        if (found := chains.get(model.strip().casefold())) is not None:
            return found
        routes = self.context.index().find(model) if model else ()
        return chains.get(routes[0].model.id.casefold(), ()) if routes else ()

    # -- who serves a model ---------------------------------------------------------------------------------------
    def _new_round(self, model: str, *, stand_in: bool = False) -> ModelRound:
        """The candidates of a model. Raises GatewayError when nobody serves it, nobody can carry the request, or it
        had its round."""
        routes = self._routes(model)
        if not routes or routes in self._seen:
            raise GatewayError(404, self.context.index().unknown(model), code="model_not_found", param="model")
        self._seen.append(routes)
        routes = self.allowance.permitted(routes, model)
        if not stand_in:
            self.routes = routes
        if (only := self.parsed.request.only_at) is not None:
            return ModelRound(Line([self._bound(routes, only)]))
        able, model = self._able(routes), routes[0].model.id
        found = self.context.order.of(able, self.context.pool, model, self.conversation, self.holder(able))
        return ModelRound(found, stand_in=stand_in)

    def _bound(self, routes: Sequence[ModelRoute], only: AccountId) -> Candidate:
        """The one account that has what the request names. Raises GatewayError when it cannot be asked at all."""
        account, named = self.context.pool.find(*only), "/".join(only)
        if account is None:
            message = f"what the request names lies at {named}, which is not in config.yaml any more"
            raise GatewayError(404, message, code="account_not_found")
        there = [route for route in routes if route.provider == account.provider]
        if not there:
            message = f"what the request names lies at {named}, and that provider does not serve this model"
            raise GatewayError(400, message, code="model_not_found", param="model")
        able = self._able(there)[0]
        serving = self.context.providers[account.provider].serving(self.parsed.request)
        if serving is not None and serving.request is not self.parsed.request:  # a chat would leave out what it names
            message = f"what the request names lies at {named}, which takes no requests of this form (operations)"
            raise GatewayError(400, message, code="unsupported_parameter")
        return Candidate(account, able.model)

    def _routes(self, model: str) -> Sequence[ModelRoute]:
        """Who serves the model. Raises GatewayError where none is named and it cannot be told who is meant."""
        request = self.parsed.request
        if isinstance(request, PassedRequest) and not model:
            return routes_without_model(request, self.context.providers)
        return self.context.index().find(model)

    def _able(self, routes: Sequence[ModelRoute]) -> list[ModelRoute]:
        """The routes whose provider can carry this request. Raises the first refusal when none can."""
        able: list[ModelRoute] = []
        refusal: GatewayError | None = None
        for route in routes:
            try:
                self._check_support(route)
            except GatewayError as error:
                refusal = refusal or error
            else:
                able.append(route)
        if not able and refusal:
            raise self._none_serves(routes) or refusal
        return able

    def _none_serves(self, routes: Sequence[ModelRoute]) -> GatewayError | None:
        """The refusal where several providers have the model, and none serves such a request; None elsewhere."""
        request, providers = self.parsed.request, self.context.providers
        names = list(dict.fromkeys(route.provider for route in routes))
        if len(names) < 2 or any(providers[name].serving(request) is not None for name in names):
            return None
        others = [name for name, provider in providers.items() if provider.serving(request) is not None]
        instead = (
            f"Ask for a model of {' or '.join(others[:_NAMED])}." if others else "No provider of this gateway does."
        )
        message = f"none of the providers of this model ({', '.join(names[:_NAMED])}) serves {request.kind}. {instead}"
        return GatewayError(400, message, param="model")

    def _check_support(self, route: ModelRoute) -> None:
        """Raises GatewayError when the route's provider cannot carry this request."""
        provider, claims = self.context.providers[route.provider], frozenset[str]()
        if self.parsed.goes_on and not takes_as_it_is(provider, self.parsed.request):
            message = f"{route.provider} takes no uploads while they come; limits.body_mb says what is read whole"
            raise GatewayError(400, message, code="unsupported_parameter")
        serving = provider.serving(self.parsed.request)
        if serving is not None and self.parsed.refusal is None:
            served = self.context.served(provider, route.model, serving.operation.native)
            claims = applied(serving.request, served).claims
        check_support(self.parsed, serving, route.provider, route.model, claims)


def _causes_of(error: ProviderError) -> set[Cause]:
    return {CAUSES[error.kind]} if error.kind in CAUSES else set()
