"""From config.yaml's figures to the rules of the parts that keep to them. Pure."""

import time
from collections.abc import Callable, Iterable

from addons.accounts.account import ConfiguredAccount
from addons.accounts.availability import AvailabilityRules
from addons.accounts.breaker import BreakerRules
from addons.accounts.cooldown import CooldownRules
from addons.accounts.limiter import RateLimits
from addons.config.client_keys import ClientKey, ClientKeys, digest_of
from addons.config.configuration import Config, ProviderSettings
from addons.config.provider_keys import AccountSettings
from addons.config.schema import FallbackModel
from addons.exchange.context import Limits
from addons.features.settings import FeatureSettings
from addons.ingress.gate import GateRules
from addons.ingress.metrics_access import MetricsAccess
from addons.keys.managed import ManagedSet
from addons.recordings.archive import RecordRules
from addons.routing.candidates import CandidateOrder, Share
from addons.routing.retry_policy import Cause, Fallback, RetryRules
from addons.routing.strategy import OrderState
from addons.stream.connection_limits import ConnectionLimits, parse_networks
from addons.stream.deps import ClientLimits
from providers.registry import provider_class

WEB_CONCURRENT = 2
"""Requests at once that a person's web session bears; a person has one or two answers running."""
API_CONCURRENT = 64
OTHER_FILES = 64
"""Open files that are no client's and no chat's: listeners, logs, the vault, preparing calls, the inspector."""
FEWEST_CONNECTIONS = 8
MOST_CONNECTIONS = 10_000
"""Of clients. Each may need a second open file, for its provider."""


def limits_of(config: Config) -> Limits:
    """The figures of config.yaml that an exchange keeps to."""
    times, routing = config.sections.timeouts, config.sections.routing
    clients = client_limits(config)
    return Limits(
        connect_s=times.connect_s,
        first_token_s=times.first_token_s,
        first_token_thinking_s=times.first_token_thinking_s,
        slow_s=times.slow_s,
        idle_s=times.idle_s,
        total_s=times.total_s,
        keepalive_s=times.keepalive_s,
        max_attempts=routing.max_attempts,
        retry_accepted=routing.retry_accepted,
        record_bytes=config.sections.inspect.body_kb * 1024,
        body_values=config.sections.limits.body_values,
        body_bytes=clients.body_bytes,
        body_message=clients.body_message,
    )


def client_limits(config: Config) -> ClientLimits:
    """What a client may take of space and time."""
    times, limits = config.sections.timeouts, config.sections.limits
    body_bytes = int(limits.body_mb * 1024 * 1024)
    upload_bytes = int(limits.upload_mb * 1024 * 1024)
    return ClientLimits(body_bytes, times.head_s, times.body_s, times.write_stall_s, limits.header_fields, upload_bytes)


def connection_limits(config: Config, files: int) -> ConnectionLimits:
    """How many connections there may be, in a process that may have so many open files."""
    sections = config.sections
    most = min(MOST_CONNECTIONS, max(FEWEST_CONNECTIONS, (files - OTHER_FILES) // 2))
    trusted = parse_networks(sections.listen.trusted_proxies)
    return ConnectionLimits(most, sections.limits.connections_per_address, trusted)


def retry_rules(config: Config) -> RetryRules:
    found = config.sections.retries
    return RetryRules(
        enabled=found.enabled,
        base_s=found.base_s,
        cap_s=found.cap_s,
        retry_after_max_s=found.retry_after_max_s,
        budget=found.budget,
        budget_min=found.budget_min,
    )


def availability_rules(config: Config) -> AvailabilityRules:
    breaker, cooldown = config.sections.breaker, config.sections.cooldown
    rules = BreakerRules(
        failures=breaker.failures,
        ratio=breaker.ratio,
        min_requests=breaker.min_requests,
        window_s=breaker.window_s,
        open_s=breaker.open_s,
        open_max_s=breaker.open_max_s,
    )
    return AvailabilityRules(
        breaker=rules if breaker.enabled else None,
        cooldown=CooldownRules(base_s=cooldown.base_s, max_s=cooldown.max_s) if cooldown.enabled else None,
    )


def accounts_of(config: Config) -> list[ConfiguredAccount]:
    """The configured accounts, in order of the file."""
    return [
        ConfiguredAccount(settings.name, own.name, own.session == "vault", _rate_limits(config, settings, own))
        for settings in config.providers
        for own in settings.accounts
    ]


def _rate_limits(config: Config, settings: ProviderSettings, own: AccountSettings) -> RateLimits:
    """What an account bears: its own figures, else the defaults for all, else those of its kind."""
    defaults = config.sections.accounts
    usual = WEB_CONCURRENT if provider_class(settings.common.type).web_session else API_CONCURRENT
    return RateLimits(
        max_concurrent=own.max_concurrent or defaults.max_concurrent or usual,
        queue_s=defaults.queue_s if own.queue_s is None else own.queue_s,
        min_interval_s=defaults.min_interval_s if own.min_interval_s is None else own.min_interval_s,
        per_minute=own.requests_per_minute or defaults.requests_per_minute,
        per_day=own.requests_per_day or defaults.requests_per_day,
    )


def order_of(config: Config, state: OrderState) -> CandidateOrder:
    routing = config.sections.routing
    shares = {
        (settings.name, account.name): Share(account.priority, account.weight)
        for settings in config.providers
        for account in settings.accounts
    }
    return CandidateOrder(state, shares, routing.strategy, routing.strategies)


def fallbacks_of(config: Config) -> dict[str, tuple[Fallback, ...]]:
    return {
        model.strip().casefold(): tuple(_fallback(entry) for entry in chain)
        for model, chain in config.sections.routing.fallbacks.items()
    }


def _fallback(entry: str | FallbackModel) -> Fallback:
    """A plain name stands in when every account is out."""
    if isinstance(entry, str):
        return Fallback(entry, frozenset({Cause.UNAVAILABLE}))
    return Fallback(entry.model, frozenset(map(Cause, entry.on)))


def features_of(config: Config) -> dict[str, FeatureSettings]:
    """Provider name → its features: its own keys, else those for all, else the defaults."""
    return {settings.name: _features(config, settings) for settings in config.providers}


def _features(config: Config, settings: ProviderSettings) -> FeatureSettings:
    said = {
        key: value
        for keys in (config.sections.features, settings.common.features)
        for key, value in keys.model_dump(exclude_none=True).items()
    }
    if said.get("threads", "auto") == "auto":
        said["threads"] = not settings.common.delete_chats
    return FeatureSettings(**said)


def gate_rules(
    config: Config,
    lent: Iterable[ClientKey] = (),
    managed: ManagedSet | None = None,
    now: Callable[[], float] = time.time,
) -> GateRules:
    """Who is let in: keys, those that are `lent` and `managed` too, hosts, origins. `now` in Unix seconds."""
    listen = config.sections.listen
    named = config.tls.names if config.tls is not None else ()  # who has a certificate for a name is called by it
    return GateRules(
        keys=None if config.skip_auth else ClientKeys((*config.keys, *lent), managed, now),
        allowed_hosts=frozenset(host.lower() for host in (*listen.allowed_hosts, *named)),
        allowed_origins=frozenset(listen.allowed_origins),
        metrics=_metrics_access(config),
    )


def _metrics_access(config: Config) -> MetricsAccess | None:
    """Who may read the metrics, if there are any."""
    settings = config.sections.metrics
    if not settings.enabled:
        return None
    return MetricsAccess(digest_of(settings.token.get_secret_value()) if settings.token is not None else None)


def record_rules(config: Config) -> RecordRules:
    record = config.sections.record
    return RecordRules(record.enabled, config.path(record.folder), record.max_mb, record.max_days)
