"""From a Config to the running parts: providers, accounts, vault, clients."""

import asyncio
import logging
import os
import random
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from addons import terminal
from addons.account_book import FILE_NAME, AccountBook
from addons.account_report import AccountLine, report
from addons.accounts import Account, AccountId, Accounts
from addons.candidates import Planner, Share
from addons.context import AnyProvider, Context, Limits
from addons.core.breaker import BreakerRules
from addons.core.client_keys import ClientKeys
from addons.core.config import Config
from addons.core.cooldown import CooldownRules
from addons.core.failover import RetryBudget, RetryRules
from addons.core.gate import GateRules
from addons.core.routing import ModelIndex
from addons.core.strategy import Orderer
from addons.renewal import Renewal
from addons.secrets import Seals
from addons.steps import StepRunner, new_client
from addons.traffic import Traffic, TrafficRules
from addons.turnstile import Pace
from addons.vault.errors import VaultMissing
from addons.vault.keys import ENV_NAME, VaultKey, load_key
from addons.vault.rollback import RollbackGuard
from addons.vault.store import Vault
from providers.contract import Moment, Session
from providers.errors import ProviderError
from providers.registry import provider_class

log = logging.getLogger("glassgate")

WEB_CONCURRENT = 2
"""Requests at once that a person's web session bears; a person has one or two answers running."""
API_CONCURRENT = 64


class Models:
    """The index of models, made anew when a provider has learnt of others."""

    def __init__(self, providers: Mapping[str, AnyProvider], aliases: Mapping[str, str]) -> None:
        self._providers = providers
        self._aliases = aliases
        self._index: ModelIndex | None = None

    def __call__(self) -> ModelIndex:
        if self._index is None:
            tables = [(name, provider.models()) for name, provider in self._providers.items()]
            self._index = ModelIndex(tables, self._aliases)
        return self._index

    def forget(self) -> None:
        self._index = None


class Running:
    """Everything made from one Config. `close` ends its HTTP clients."""

    def __init__(self, config: Config, vault: Vault | None, *, ca_file: str | None = None) -> None:
        self.config = config
        self.providers = make_providers(config)
        self.vault = vault
        self.accounts = Accounts(accounts_of(config), self.providers, self.vault, config.env_sessions)
        self.models = Models(self.providers, config.sections.models.aliases)
        self.proxies = {s.name: s.common.proxy for s in config.providers if s.common.proxy}
        self._ca_file = ca_file
        self._clients: dict[str, httpx.AsyncClient] = {}
        seals = Seals(self.accounts.reveal)
        self.steps = StepRunner(seals, self._client, self._handed_out)
        self.book = AccountBook(book_path(config), time.time)
        moment = moment_source()
        self.renewal = Renewal(
            self.accounts, self.providers, self.vault, self.steps, self.book, moment, clock=time.monotonic
        )
        self.traffic = Traffic(paces_of(config), traffic_rules(config), self.book, time.monotonic, time.time)
        self.context = Context(
            providers=self.providers,
            accounts=self.accounts,
            renewal=self.renewal,
            traffic=self.traffic,
            planner=planner_of(config, self.traffic, Orderer(random.Random())),  # noqa: S311  (shares, no secrets)
            index=self.models,
            seals=seals,
            steps=self.steps,
            limits=limits_of(config),
            retries=retry_rules(config),
            budget=RetryBudget(),
            fallbacks=fallbacks_of(config),
            proxies=self.proxies,
            moment=moment,
            rng=random.Random(),  # noqa: S311  (spreads retries, keeps no secret)
        )
        listen = config.sections.listen
        self.rules = GateRules(
            keys=None if config.skip_auth else ClientKeys(config.tokens),
            allowed_hosts=frozenset(host.lower() for host in listen.allowed_hosts),
            allowed_origins=frozenset(listen.allowed_origins),
        )

    def secrets(self) -> list[str]:
        """Every secret in use, for the redaction of logs."""
        return [*self.config.tokens, *self.accounts.used_secrets()]

    def report(self) -> list[AccountLine]:
        """The accounts as people are told of them."""
        return report(self.accounts, self.providers, self.book.state, self.context.moment())

    def problem(self) -> str | None:
        """Why the vault's file cannot be used as it stands, if so; the sessions known before keep serving."""
        if self.vault is None:
            return None
        self.vault.records()
        return str(self.vault.problem) if self.vault.problem else None

    async def learn_models(self) -> None:
        """Asks every provider that can be asked for its live models; a failure is logged and changes nothing."""
        for name, provider in self.providers.items():
            for account in self.accounts.of(name):
                try:
                    session = await self.renewal.session(account)
                    steps = provider.list_models(session, self.context.moment())
                    if steps is None:
                        break
                    await self.steps.run(provider, steps, session)
                except ProviderError as e:
                    log.info("%s: the live list of models is not to be had: %s", name, e.message)
                    continue
                self.models.forget()
                break

    async def tend(self) -> None:
        """What has to be done now and then: idle sessions renewed, the accounts' states written down."""
        for account in self.book.resets():
            self.traffic.reset(account)
            self.renewal.reset(account)
        await self.renewal.tend()
        await asyncio.to_thread(self.book.save)

    def _handed_out(self, session: Session, cookies: Mapping[str, str]) -> None:
        self.renewal.handed_out(session, cookies)

    async def close(self) -> None:
        await self.renewal.settle()
        self.book.save()
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _client(self, provider: str) -> httpx.AsyncClient:
        if provider not in self._clients:
            self._clients[provider] = new_client(self.proxies.get(provider), verify=self._ca_file or True)
        return self._clients[provider]


def make_providers(config: Config) -> dict[str, AnyProvider]:
    """The configured providers by name, in order of the file."""
    return {s.name: provider_class(s.common.type).configured(s.name, s.options) for s in config.providers}


def vault_key(config: Config, prompt: Callable[[], str] | None = None) -> VaultKey:
    """The vault's key from its configured source. Raises VaultError."""
    settings = config.sections.vault
    key_file = config.path(settings.key_file) if settings.key_file else None
    key = load_key(settings.key_source, environ=config.environ, key_file=key_file, prompt=prompt)
    os.environ.pop(ENV_NAME, None)
    return key


def vault_path(config: Config) -> Path:
    return config.path(config.sections.vault.path)


def rollback_guard(config: Config, *, accept_older: bool = False) -> RollbackGuard | None:
    """The memory of generations in the user's state folder (XDG Base Directory); None when it is switched off."""
    if not config.sections.vault.rollback_guard:
        return None
    base = os.environ.get("XDG_STATE_HOME", "")
    state = Path(base) if os.path.isabs(base) else Path(os.path.expanduser("~")) / ".local" / "state"
    return RollbackGuard(state / "glassgate", accept_older=accept_older)


def book_path(config: Config) -> Path:
    return vault_path(config).with_name(FILE_NAME)


def accounts_of(config: Config) -> list[Account]:
    """The configured accounts, in order of the file."""
    return [
        Account(settings.name, account.name, account.session == "vault")
        for settings in config.providers
        for account in settings.common.accounts
    ]


def open_vault(config: Config) -> Vault | None:
    """The vault; None when no account needs one or it has not been made yet. Raises VaultError when it cannot open."""
    needed = any(a.session == "vault" for s in config.providers for a in s.common.accounts)
    if not needed:
        return None
    if not os.path.lexists(vault_path(config)):
        log.warning("there is no vault at %s yet; add a session: glassgate sessions add", vault_path(config))
        return LateVault(config)
    return Vault.open(vault_path(config), vault_key(config, terminal.prompt()), guard=rollback_guard(config))


class LateVault(Vault):
    """A vault that is not there yet when the gateway starts: opened as soon as its file appears."""

    def __init__(self, config: Config) -> None:
        key = vault_key(config, terminal.prompt())
        super().__init__(vault_path(config), key, os.urandom, time.time, True, rollback_guard(config))

    def changed(self) -> bool:
        return os.path.lexists(self.path) and super().changed()


def limits_of(config: Config) -> Limits:
    """The figures of config.yaml that an exchange keeps to."""
    times, routing = config.sections.timeouts, config.sections.routing
    return Limits(
        connect_s=times.connect_s,
        first_token_s=times.first_token_s,
        first_token_thinking_s=times.first_token_thinking_s,
        idle_s=times.idle_s,
        total_s=times.total_s,
        keepalive_s=times.keepalive_s,
        max_attempts=routing.max_attempts,
        retry_accepted=routing.retry_accepted,
        record_bytes=config.sections.inspect.body_kb * 1024,
    )


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


def traffic_rules(config: Config) -> TrafficRules:
    breaker, cooldown = config.sections.breaker, config.sections.cooldown
    rules = BreakerRules(
        failures=breaker.failures,
        ratio=breaker.ratio,
        min_requests=breaker.min_requests,
        window_s=breaker.window_s,
        open_s=breaker.open_s,
        open_max_s=breaker.open_max_s,
    )
    return TrafficRules(
        breaker=rules if breaker.enabled else None,
        cooldown=CooldownRules(base_s=cooldown.base_s, max_s=cooldown.max_s) if cooldown.enabled else None,
    )


def paces_of(config: Config) -> dict[AccountId, Pace]:
    """What each account bears: its own figures, else the defaults for all, else those of its kind."""
    defaults, paces = config.sections.accounts, {}
    for settings in config.providers:
        usual = WEB_CONCURRENT if provider_class(settings.common.type).web_session else API_CONCURRENT
        for own in settings.common.accounts:
            paces[settings.name, own.name] = Pace(
                max_concurrent=own.max_concurrent or defaults.max_concurrent or usual,
                queue_s=defaults.queue_s if own.queue_s is None else own.queue_s,
                min_interval_s=defaults.min_interval_s if own.min_interval_s is None else own.min_interval_s,
                per_minute=own.requests_per_minute or defaults.requests_per_minute,
                per_day=own.requests_per_day or defaults.requests_per_day,
            )
    return paces


def planner_of(config: Config, traffic: Traffic, orderer: Orderer) -> Planner:
    routing = config.sections.routing
    shares = {
        (settings.name, account.name): Share(account.priority, account.weight)
        for settings in config.providers
        for account in settings.common.accounts
    }
    return Planner(traffic, orderer, shares, routing.strategy, routing.strategies)


def fallbacks_of(config: Config) -> dict[str, tuple[str, ...]]:
    return {model.strip().casefold(): chain for model, chain in config.sections.routing.fallbacks.items()}


def moment_source() -> Callable[[], Moment]:
    """The real clock and randomness for providers."""
    zone = _zone_name()
    return lambda: Moment(time.time_ns() // 1_000_000, lambda: str(uuid.uuid4()), zone)


def _zone_name() -> str:
    """The machine's IANA time zone, or UTC."""
    name = os.environ.get("TZ") or os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2]
    return name if name and "/" in name else "UTC"


__all__ = ["Running", "VaultMissing", "limits_of", "make_providers", "open_vault", "vault_key", "vault_path"]
