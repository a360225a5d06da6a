"""From a Config to the running parts: providers, accounts, vault, clients."""

import asyncio
import logging
import os
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from addons.account_book import FILE_NAME, AccountBook
from addons.account_report import AccountLine, report
from addons.accounts import Account, Accounts
from addons.core.client_keys import ClientKeys
from addons.core.config import Config
from addons.core.gate import GateRules
from addons.core.routing import ModelIndex
from addons.exchange import AnyProvider, Context, Limits
from addons.renewal import Renewal
from addons.secrets import Seals
from addons.steps import StepRunner, new_client
from addons.vault.errors import VaultMissing
from addons.vault.keys import ENV_NAME, VaultKey, load_key
from addons.vault.store import Vault
from providers.contract import Moment, Session
from providers.errors import ProviderError
from providers.registry import provider_class

log = logging.getLogger("glassgate")


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
        self.context = Context(
            providers=self.providers,
            accounts=self.accounts,
            renewal=self.renewal,
            index=self.models,
            seals=seals,
            steps=self.steps,
            limits=limits_of(config),
            proxies=self.proxies,
            moment=moment,
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
    return Vault.open(vault_path(config), vault_key(config))


class LateVault(Vault):
    """A vault that is not there yet when the gateway starts: opened as soon as its file appears."""

    def __init__(self, config: Config) -> None:
        key = vault_key(config)
        super().__init__(vault_path(config), key, os.urandom, time.time, True)

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


def moment_source() -> Callable[[], Moment]:
    """The real clock and randomness for providers."""
    zone = _zone_name()
    return lambda: Moment(time.time_ns() // 1_000_000, lambda: str(uuid.uuid4()), zone)


def _zone_name() -> str:
    """The machine's IANA time zone, or UTC."""
    name = os.environ.get("TZ") or os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2]
    return name if name and "/" in name else "UTC"


__all__ = ["Running", "VaultMissing", "limits_of", "make_providers", "open_vault", "vault_key", "vault_path"]
