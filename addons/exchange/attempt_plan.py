"""From a provider's Call to an attempt that the stream layer can make."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from mitmproxy import http

from addons.accounts.account_record import AccountId
from addons.dialects.base import AnswerMeta, Dialect, Encoder, ParsedRequest
from addons.dialects.routed_head import NO_HEAD, RoutedHead
from addons.exchange.allowance import UNLIMITED, Allowance
from addons.exchange.answer_source import AnswerSource
from addons.exchange.attempt import Attempt, AttemptSpec
from addons.exchange.cached_answer import CachedAnswer
from addons.exchange.context import Context
from addons.exchange.conversation import ToldAnswer
from addons.exchange.form_upload import FormUpload
from addons.exchange.further_answers import AllAnswers, FurtherAnswer, FurtherAnswers
from addons.exchange.kept_answers import KeepsAnswer
from addons.exchange.lost_answer import CameSoFar
from addons.exchange.progress import Progress
from addons.exchange.read_back import ReadBack
from addons.exchange.trace_port import TRACEPARENT
from addons.features.feature import Applied
from addons.kept.items import KeptStore
from addons.routing.retry_policy import Cause
from addons.stream.port import Timers
from addons.transport.places import places_of
from addons.transport.upstream_request import goes_on, request_of, target_of
from providers.contract.call import Call
from providers.contract.requests import ModelRequest

WHOLE_SHARE: Final = 0.97


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """What a client asks for, read, and when its request came in (by the clock)."""

    id: str
    parsed: ParsedRequest
    dialect: Dialect
    began: float
    identity: bytes | None = None
    """Of the client key."""
    head: RoutedHead = NO_HEAD
    allowance: Allowance = UNLIMITED
    """What its client key allows."""
    further: FurtherAnswers | None = None
    """Those that are given out with this one."""
    into: FurtherAnswer | None = None
    """The further answer that this one is."""
    cached: CachedAnswer | None = None
    """Where the cache of whole answers is looked for it."""
    upload: FormUpload | None = None
    """Its body, where that is passed on while it comes."""

    def encoder(self, meta: AnswerMeta, account: AccountId, kept: KeptStore) -> Encoder:
        """What takes the answer of an account."""
        if self.into is not None:
            return self.into
        encoder = self.dialect.encoder(self.parsed, meta)
        if self.parsed.keeps or self.parsed.makes:
            mine = kept.of(self.identity)
            encoder = KeepsAnswer(encoder, mine, meta.id, account, whole=self.parsed.keeps)
        if self.cached is not None:
            return self.cached.encoder(encoder)
        return encoder if self.further is None else AllAnswers(encoder, self.further)


@dataclass(frozen=True, slots=True)
class AttemptPlan:
    """The next attempt: the UpstreamAttempt of the stream layer, and the request as it shall stand in the flow."""

    attempt: Attempt
    request: http.Request


def plan_attempt(
    context: Context,
    ask: ClientRequest,
    progress: Progress,
    request: ModelRequest,
    call: Call,
    headers: Sequence[tuple[str, str]],
    done: Applied,
    stand_ins: Set[Cause] = frozenset(),
    told: ToldAnswer | None = None,
) -> AttemptPlan:
    """The attempt for a built call; `headers` go onto the client's answer. Raises ProviderError: fails closed.

    `done` is what the features have for the answer; `stand_ins` what another model stands in for, if this one fails so;
    `told` is given what the client gets.
    """
    provider = context.providers[progress.lease.account.provider]
    turn = progress.turn
    late = turn.buffers
    spec = AttemptSpec(
        source=AnswerSource(
            provider,
            request,
            turn,
            done.filters,
            done.check,
            progress.spent,
            filtered_fails=Cause.CONTENT in stand_ins,
            told=told,
            further=ask.further,
            came=CameSoFar() if turn.reads_back else None,
        ),
        session=progress.session,
        target=target_of(call, provider, context.proxies.get(provider.name), progress.lease.account.name),
        timers=_timers(context, progress, request, late=late, hurried=Cause.SLOW in stand_ins),
        seals=context.seals,
        places=places_of(call),
        cleaner=context.cleaner,
        record_limit_bytes=context.limits.record_bytes,
        answer_headers=(*ask.head.id_fields(ask.id), *ask.allowance.headers(), *headers),
        own_limits=ask.allowance.limits.metered,
        clock=context.clock,
        begun=progress.lease.answering,
        read_back=partial(ReadBack, context, provider, turn, progress.session) if turn.reads_back else None,
    )
    if ask.upload is not None:
        spec = replace(spec, more_bytes=ask.upload.more_bytes)
    created = context.moment().epoch_ms // 1000
    meta = AnswerMeta(id=ask.dialect.answer_id(ask.id), created=created, model=request.model)
    attempt = Attempt(spec, ask.encoder(meta, progress.lease.account.key, context.kept))
    attempt.silent_until_whole = late
    attempt.keepalive_before_first_token = request.stream and (late or done.check is not None)
    attempt.built = request_of(call)
    if (traceparent := context.tracing.header(ask.id)) is not None:
        attempt.built.headers[TRACEPARENT] = traceparent
    if spec.more_bytes != 0:
        goes_on(attempt.built, spec.more_bytes)
    shown = context.cleaner.request(attempt.built)
    attempt.shows(shown)
    return AttemptPlan(attempt, shown)


def _timers(context: Context, progress: Progress, request: ModelRequest, *, late: bool, hurried: bool) -> Timers:
    """Thinking models and sites that answer in one piece may be silent for longer, and are not called slow for it."""
    limits = context.limits
    thinks = progress.lease.candidate.model.thinking or request.thinks
    first_s = limits.first_token_thinking_s if thinks or late else limits.first_token_s
    if hurried and request.stream and not (thinks or late):
        first_s = min(first_s, limits.slow_s)
    total_s = time_for_all(limits.total_s, stream=request.stream)
    return Timers(limits.connect_s, first_s, limits.idle_s, total_s, limits.keepalive_s)


def time_for_all(total_s: float, *, stream: bool) -> float:
    """Seconds for the whole request. A client that waits for a whole answer hears of its end before it gives up.

    The SDKs wait 600 s, as we do, but they begin to count before the request is here.
    """
    return total_s if stream else total_s * WHOLE_SHARE
