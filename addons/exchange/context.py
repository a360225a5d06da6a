"""What every exchange works with: one immutable snapshot of the running gateway."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field

from addons.accounts.pool import AccountPool
from addons.cache.cache import AnswerCache
from addons.cleaning.cleaner import Cleaner
from addons.exchange.allowance import Allowances
from addons.exchange.threads import Threads
from addons.exchange.trace_port import TracePort
from addons.features.feature import Served
from addons.features.media.cache import UploadedFiles
from addons.features.settings import DEFAULTS, FeatureSettings
from addons.kept.items import KeptStore
from addons.routing.candidates import CandidateOrder
from addons.routing.models import Models
from addons.routing.retry_policy import Fallback, RetryBudget, RetryRules
from addons.stream.deps import NoUpstream, Upstream
from addons.tasks import Background
from addons.transport.codings import InflationBudget
from addons.transport.recoveries import Recoveries
from addons.transport.sealing import Seals
from addons.transport.step_runner import StepRunner
from providers.contract.provider import AnyProvider, Model
from providers.contract.steps import Moment


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and counts an exchange keeps to; from config.yaml."""

    connect_s: float = 5.0
    first_token_s: float = 60.0
    first_token_thinking_s: float = 300.0
    slow_s: float = 12.0
    idle_s: float = 60.0
    total_s: float = 600.0
    keepalive_s: float = 15.0
    max_attempts: int = 3
    retry_accepted: bool = True
    record_bytes: int = 2 * 1024 * 1024
    body_values: int = 200_000
    body_bytes: int = 32 * 1024 * 1024
    """Of a request, also when it is undone."""
    body_message: str = "the request body is too large"


@dataclass(frozen=True, slots=True)
class Context:
    """The parts; see their own files."""

    providers: Mapping[str, AnyProvider]
    pool: AccountPool
    order: CandidateOrder
    index: Models
    seals: Seals
    cleaner: Cleaner
    steps: StepRunner
    limits: Limits
    retries: RetryRules
    budget: RetryBudget
    inflated: InflationBudget
    cleaned_up: frozenset[str]
    """Providers whose chats are deleted once they are answered."""
    fallbacks: Mapping[str, Sequence[Fallback]]
    """Model, case folded → the models to go on with."""
    proxies: Mapping[str, str]
    """Provider name → the HTTP proxy in front of it."""
    moment: Callable[[], Moment]
    rng: random.Random
    background: Background
    """For what no request waits for."""
    threads: Threads
    kept: KeptStore = field(default_factory=KeptStore)
    """What is kept for client keys between requests."""
    allowances: Allowances = field(default_factory=Allowances)
    """What client keys have used, and may still use."""
    cache: AnswerCache = field(default_factory=AnswerCache)
    """Whole answers that are given again to the same request."""
    features: Mapping[str, FeatureSettings] = field(default_factory=dict)
    """Provider name → what the gateway does itself for it."""
    uploaded: UploadedFiles = field(default_factory=UploadedFiles)
    upstream: Upstream = field(default_factory=NoUpstream)
    """The way to providers for attempts that no stream makes."""
    recoveries: Recoveries = field(default_factory=Recoveries)
    tracing: TracePort = field(default_factory=TracePort)
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Coroutine[None, None, None]] = asyncio.sleep

    def served(
        self,
        provider: AnyProvider,
        model: Model,
        native: frozenset[str] | None,
        request_id: str = "",
        *,
        again: bool = False,
    ) -> Served:
        """What features judge a request to that model by."""
        settings = self.features.get(provider.name, DEFAULTS)
        return Served(model, native, self.moment(), provider, settings, self.uploaded, request_id, again)
