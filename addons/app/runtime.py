"""From a Config to the running parts: providers, accounts, vault, clients."""

import asyncio
import logging
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx

from addons.accounts.availability import AccountAvailability
from addons.accounts.cooldown import CooldownRules
from addons.accounts.pruning import ended_for_good
from addons.accounts.renewal import Renewal
from addons.accounts.report import AccountLine, report
from addons.accounts.sessions import Accounts
from addons.accounts.state_file import FILE_NAME, AccountStateFile
from addons.app.outside import Outside
from addons.app.rules import (
    accounts_of,
    fallbacks_of,
    limits_of,
    paces_of,
    planner_of,
    retry_rules,
    traffic_rules,
)
from addons.cleaning.cleaner import NOTHING_KNOWN, Cleaner
from addons.cleaning.index import Known, secrets_of
from addons.cleaning.known import KnownSecrets, Version
from addons.config.client_keys import ClientKeys
from addons.config.schema import Config
from addons.exchange.context import AnyProvider, Context
from addons.ingress.gate import GateRules
from addons.recordings.archive import SWITCH_NAME, Archive, RecordRules
from addons.recordings.drift import FILE_NAME as DRIFT_NAME
from addons.recordings.drift import Drift
from addons.routing.model_index import ModelIndex
from addons.routing.retry_policy import RetryBudget
from addons.routing.strategy import Orderer
from addons.transport.codings import Inflated
from addons.transport.recoveries import Recoveries
from addons.transport.sealing import Seals
from addons.transport.step_runner import Carried, StepRunner, new_client
from addons.vault import prompt as terminal
from addons.vault.errors import VaultError, VaultMissing
from addons.vault.keys import ENV_NAME, VaultKey, load_key
from addons.vault.rollback import RollbackGuard
from addons.vault.store import Vault
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Credentials, Model, Moment, Session
from providers.registry import provider_class

log = logging.getLogger("glassgate")


class Models:
    """The index of models, made anew when a provider has learnt of others."""

    def __init__(
        self,
        providers: Mapping[str, AnyProvider],
        aliases: Mapping[str, str],
        cleaner: Cleaner = NOTHING_KNOWN,
        before: "Models | None" = None,
        disabled: Mapping[str, AnyProvider] | None = None,
    ) -> None:
        """`disabled` are those that serve nothing."""
        self._providers = providers
        self._cleaner = cleaner
        self._own: dict[str, frozenset[str]] = {}
        """The names each provider has by itself; what it learns of its site may be anything."""
        for name, provider in providers.items():
            same = before is not None and before._providers.get(name) is provider
            self._own[name] = before._own[name] if before is not None and same else frozenset(provider.models())
        self._aliases = aliases
        self._disabled = [(name, provider.models()) for name, provider in (disabled or {}).items()]
        self._index: ModelIndex | None = None

    def __call__(self) -> ModelIndex:
        if self._index is None:
            tables = [(name, self._clean(name, provider.models())) for name, provider in self._providers.items()]
            self._index = ModelIndex(tables, self._aliases, self._disabled)
        return self._index

    def _clean(self, provider: str, models: Mapping[str, Model]) -> Mapping[str, Model]:
        """Without those that a site lists under a secret's name."""
        own = self._own[provider]
        return {name: model for name, model in models.items() if name in own or not self._holds_secret(model)}

    def _holds_secret(self, model: Model) -> bool:
        said = f"{model.id} {model.site_id} {model.owned_by}"
        return self._cleaner.text(said) != said

    def forget(self) -> None:
        self._index = None


class Running:
    """Everything made from one Config. `close` ends its HTTP clients."""

    book: AccountStateFile
    context: Context
    known: KnownSecrets
    outside: Outside
    models: Models
    _clients: "Clients"
    seen: Callable[[Carried], None] | None
    archive: Archive

    def __init__(
        self,
        config: Config,
        vault: Vault | None,
        *,
        ca_file: str | None = None,
        before: "Running | None" = None,
        seen: Callable[[Carried], None] | None = None,
        outside: Outside | None = None,
    ) -> None:
        """`before` is what runs already: what it has learnt of sites, accounts and conversations is taken over."""
        self.outside = outside = before.outside if before else outside or Outside()
        self.config = config
        self.providers = make_providers(config, before)
        self.vault = vault
        self.accounts = Accounts(accounts_of(config), self.providers, self.vault, config.env_sessions)
        self.known = before.known if before else KnownSecrets(self._version, self._secrets)
        self.cleaner = Cleaner(self.known.index, self.known.learn)
        self.models = Models(
            self.providers,
            config.sections.models.aliases,
            self.cleaner,
            before.models if before else None,
            {s.name: provider_class(s.common.type).configured(s.name, s.options) for s in config.disabled},
        )
        self.proxies = {s.name: s.common.proxy for s in config.providers if s.common.proxy}
        self._clients = before._clients if before else Clients(ca_file, outside.transport)
        seals = Seals(self.accounts.reveal)
        self.seen = seen or (before.seen if before else None)
        self.steps = StepRunner(seals, self._client, self.cleaner, self._handed_out, self.seen, self.proxies.get)
        self.book = before.book if before else AccountStateFile(book_path(config), outside.now, self.cleaner.words)
        moment = moment_source(outside.now)
        traffic = traffic_rules(config)
        self.renewal = Renewal(
            self.accounts,
            self.providers,
            self.vault,
            self.steps,
            self.book,
            moment,
            clock=outside.clock,
            rules=traffic.cooldown or CooldownRules(),
        )
        self.traffic = AccountAvailability(
            paces_of(config), traffic, self.book, outside.clock, outside.now, self.accounts.standing
        )
        if before is None:
            self.traffic.recall(self.accounts.stored_at)
        else:
            self.accounts.adopt(before.accounts)
            self.traffic.adopt(before.traffic)
            self.renewal.adopt(before.renewal)
        orderer = before.context.planner.orderer if before else Orderer(random.Random())  # noqa: S311  (no secrets)
        self.context = Context(
            providers=self.providers,
            accounts=self.accounts,
            renewal=self.renewal,
            traffic=self.traffic,
            planner=planner_of(config, self.traffic, orderer),
            index=self.models,
            seals=seals,
            cleaner=self.cleaner,
            steps=self.steps,
            limits=limits_of(config),
            retries=retry_rules(config),
            budget=before.context.budget if before else RetryBudget(),
            inflated=before.context.inflated if before else Inflated(),
            tidied=frozenset(s.name for s in config.providers if s.common.delete_chats),
            fallbacks=fallbacks_of(config),
            proxies=self.proxies,
            moment=moment,
            rng=random.Random(),  # noqa: S311  (spreads retries, keeps no secret)
            recoveries=Recoveries(outside.clock),
            clock=outside.clock,
        )
        record = config.sections.record
        rules = RecordRules(record.enabled, config.path(record.folder), record.max_mb, record.max_days)
        beside = vault_path(config).parent
        drift = before.archive.drift if before else Drift.load(beside / DRIFT_NAME, self.cleaner.words)
        self.archive = Archive(rules, beside / SWITCH_NAME, drift, self.cleaner)
        listen = config.sections.listen
        self.rules = GateRules(
            keys=None if config.skip_auth else ClientKeys(config.keys),
            allowed_hosts=frozenset(host.lower() for host in listen.allowed_hosts),
            allowed_origins=frozenset(listen.allowed_origins),
        )
        self.book.keep_only({(account.provider, account.name) for account in self.accounts.all()})
        self.known.watch(self._version, self._secrets)  # last: what failed above changes nothing

    def _version(self) -> Version:
        """Another one when `_secrets` gives others."""
        return (self.config, *self.accounts.version())

    def _secrets(self) -> Iterator[Known]:
        """Every secret in force: of all sessions, the clients' keys, the passwords for signing in."""
        yield from self.accounts.in_force()
        yield from (Known(token, "client_key") for token in self.config.tokens)
        for settings in self.config.providers:
            for account in settings.accounts:
                if (own := account.credentials) is not None:
                    given = Credentials(email=own.email, password=own.password.get_secret_value())
                    yield from secrets_of(given, settings.name, account.name)

    def flow_key(self) -> bytes:
        """The key that proves whose secrets a flow may be sent with again; nothing without a vault."""
        return self.vault.derived_key("places of secrets in flows") if self.vault else b""

    def report(self) -> list[AccountLine]:
        """The accounts as people are told of them."""
        return report(self.accounts, self.providers, self.book, self.context.moment())

    def problem(self) -> str | None:
        """Why the vault's file could not be used when it was looked at last, if so (`tend` looks; anybody may ask)."""
        return str(self.vault.problem) if self.vault is not None and self.vault.problem else None

    async def learn_models(self) -> None:
        """Asks every provider that can be asked for its live models; a failure is logged and changes nothing."""
        for name in self.providers:
            try:
                await self._learn_models_of(name)
            except Exception:
                log.exception("%s: the live list of models could not be read: a fault of the gateway", name)

    async def _learn_models_of(self, name: str) -> None:
        provider = self.providers[name]
        for account in self.accounts.of(name):
            if self.traffic.challenged((account.provider, account.name)):
                continue
            try:
                session = await self.renewal.session(account)
            except ProviderError:
                continue  # the account's state is told already
            try:
                steps = provider.list_models(session, self.context.moment())
                if steps is None:
                    return
                await self.steps.run(provider, steps, session)
            except ProviderError as e:
                level = logging.WARNING if e.kind is ErrorKind.MISCONFIGURED else logging.INFO
                log.log(level, "%s: the live list of models is not to be had: %s", name, e.message)
                continue
            self.models.forget()
            return

    async def tend(self) -> None:
        """What the accounts need now and then: resets heeded, idle sessions renewed, ended ones removed."""
        for account in await self.book.resets():
            self.traffic.reset(account)
            self.renewal.reset(account)
        self.traffic.look()
        await self.renewal.tend()
        if self.config.sections.sessions.prune_expired:
            await self._prune()

    async def write_down(self) -> None:
        """What has to be kept: the accounts' states, and what was unknown. The switch of recording is heeded."""
        self.archive.look()
        self.archive.drift.heed_clearing()
        await asyncio.to_thread(self.book.write, self.book.unsaved())
        await asyncio.to_thread(self.archive.drift.write, self.archive.drift.unsaved())

    async def _prune(self) -> None:
        """Removes sessions that have ended for good. The data key stays: other processes hold it."""
        if self.vault is None:
            return
        for one in ended_for_good(self.accounts, self.providers, self.book, self.context.moment()):
            name = (one.account.provider, one.account.name)
            try:
                await asyncio.to_thread(self.vault.remove, *name)
            except VaultError as e:
                log.warning("%s/%s could not be removed from the vault: %s", *name, e)
            else:
                log.warning("%s/%s was removed from the vault: %s", *name, one.why)

    def _handed_out(self, session: Session, cookies: Mapping[str, str]) -> None:
        self.renewal.handed_out(session, cookies)

    async def close(self) -> None:
        await self.renewal.settle()
        self.book.save()
        self.archive.drift.save()
        await self._clients.close()

    def _client(self, provider: str) -> httpx.AsyncClient:
        return self._clients.of(self.proxies.get(provider), provider)


class Clients:
    """The HTTP clients for steps, one a provider and proxy; they outlive a change of the configuration."""

    def __init__(self, ca_file: str | None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._ca_file = ca_file
        self._transport = transport
        self._known: dict[tuple[str, str | None], httpx.AsyncClient] = {}

    def of(self, proxy: str | None, provider: str) -> httpx.AsyncClient:
        key = (provider, proxy)
        if key not in self._known:
            self._known[key] = new_client(proxy, verify=self._ca_file or True, transport=self._transport)
        return self._known[key]

    async def close(self) -> None:
        for client in self._known.values():
            await client.aclose()
        self._known.clear()


def make_providers(config: Config, before: Running | None = None) -> dict[str, AnyProvider]:
    """The configured providers by name, in order of the file; those whose settings did not change stay the same."""
    made = {}
    for settings in config.providers:
        old = before.providers.get(settings.name) if before else None
        cls = provider_class(settings.common.type)
        same = old is not None and type(old) is cls and old.options == settings.options
        made[settings.name] = old if old is not None and same else cls.configured(settings.name, settings.options)
    return made


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


def open_vault(config: Config) -> Vault | None:
    """The vault; None when no account needs one or it has not been made yet. Raises VaultError when it cannot open."""
    needed = any(a.session == "vault" for s in config.providers for a in s.common.accounts)
    if not needed:
        return None
    if not os.path.lexists(vault_path(config)):
        log.warning("%s", no_vault(config))
        return LateVault(config)
    return Vault.open(vault_path(config), vault_key(config, terminal.prompt()), guard=rollback_guard(config))


def no_vault(config: Config) -> str:
    """What is told where a vault should be and none is."""
    return (
        f"there is no vault at {vault_path(config)}. If there was one, put it back; "
        "the first session that is added makes a new one"
    )


class LateVault(Vault):
    """A vault that is not there yet when the gateway starts: opened as soon as its file appears."""

    def __init__(self, config: Config) -> None:
        key = vault_key(config, terminal.prompt())
        super().__init__(vault_path(config), key, os.urandom, time.time, True, rollback_guard(config))
        if lacks_sessions(config):
            self.problem = VaultMissing(no_vault(config))


def lacks_sessions(config: Config) -> bool:
    """Whether an account's session can be nowhere but in the vault."""
    wanted = [
        (s.name, account.name) for s in config.providers for account in s.common.accounts if account.session == "vault"
    ]
    return any(name not in config.env_sessions for name in wanted)


def moment_source(now: Callable[[], float] = time.time) -> Callable[[], Moment]:
    """Time and randomness for providers; `now` gives Unix seconds."""
    zone = _zone_name()
    return lambda: Moment(int(now() * 1000), lambda: str(uuid.uuid4()), zone)


def _zone_name() -> str:
    """The machine's IANA time zone, or UTC."""
    name = os.environ.get("TZ") or os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2]
    return name if name and "/" in name else "UTC"
