"""What runs: everything made from one configuration, put together. Each part is built where it lives."""

import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from addons.accounts.account import Surroundings
from addons.accounts.account_record import AccountId
from addons.accounts.pool import AccountPool, build
from addons.accounts.report import AccountLine
from addons.accounts.sessions import SessionVault
from addons.app.configured_vault import state_store, vault_path
from addons.app.lent_keys import LentKeys
from addons.app.managed_keys import ManagedKeys
from addons.app.outside import Outside, moment_source
from addons.app.rules import (
    accounts_of,
    availability_rules,
    fallbacks_of,
    features_of,
    gate_rules,
    limits_of,
    order_of,
    record_rules,
    retry_rules,
)
from addons.app.secrets_in_force import SecretsInForce
from addons.cache.cache import AnswerCache
from addons.cleaning.cleaner import Cleaner
from addons.cleaning.index import KnownSecret
from addons.cleaning.known import KnownSecrets
from addons.config.configuration import Config
from addons.config.providers import disabled_providers, make_providers
from addons.exchange.allowance import Allowances
from addons.exchange.context import Context
from addons.exchange.threads import Threads
from addons.exchange.trace_port import TracePort
from addons.features.media.cache import UploadedFiles
from addons.kept.files import FOLDER_NAME, KeptFolder
from addons.kept.items import KeptStore
from addons.kept.mirror import Mirror, MirrorKeys
from addons.keys.meters import KeyMeters
from addons.recordings.archive import SWITCH_NAME, Archive
from addons.recordings.drift import FILE_NAME as DRIFT_NAME
from addons.recordings.drift import Drift
from addons.routing.models import Models
from addons.routing.retry_policy import RetryBudget
from addons.routing.strategy import OrderState
from addons.stream.deps import NoUpstream, Upstream
from addons.tasks import Background
from addons.transport.carrier import Carrier
from addons.transport.codings import InflationBudget
from addons.transport.public_fetch import PublicFetcher
from addons.transport.recoveries import Recoveries
from addons.transport.sealing import Seals
from addons.transport.step_runner import CallRecord, StepRunner
from addons.usage.prices import Prices
from addons.vault.store import Vault
from providers.contract.provider import Provider, ProviderOptions
from providers.contract.session import Session

log = logging.getLogger("glassgate")


class Running:
    """Everything made from one Config. `close` waits for what is under way."""

    def __init__(
        self,
        config: Config,
        vault: Vault | None,
        carrier: Carrier,
        *,
        before: "Running | None" = None,
        seen: Callable[[CallRecord], None] | None = None,
        outside: Outside | None = None,
        upstream: Upstream | None = None,
    ) -> None:
        """`before` is what runs already: what it has learnt of sites, accounts and conversations is taken over.

        `carrier` carries the calls of steps, and `seen` is told of each.
        """
        self.config = config
        self.vault = vault
        self.outside: Outside = before.outside if before else outside or Outside()
        self.background: Background = before.background if before else Background()
        self.providers: Mapping[str, Provider[ProviderOptions]] = make_providers(
            config, before.providers if before else None
        )
        self.sessions: SessionVault = before.sessions if before else SessionVault(vault)
        self.lent: LentKeys = before.lent if before else LentKeys()
        secrets = SecretsInForce(config, self.sessions, self.lent)
        self.known: KnownSecrets = before.known if before else KnownSecrets(secrets.version, secrets.find)
        self.cleaner = Cleaner(self.known.index, self.known.learn)
        self.managed: ManagedKeys = before.managed if before else ManagedKeys(self._learn_key)
        self.managed.load(config, vault)
        self.models: Models = Models(
            self.providers,
            config.sections.models.aliases,
            self.cleaner,
            before.models if before else None,
            disabled_providers(config),
        )
        self.seen: Callable[[CallRecord], None] | None = seen or (before.seen if before else None)
        self.carrier = carrier
        self.upstream: Upstream = before.upstream if before else NoUpstream() if upstream is None else upstream
        self._proxies = {s.name: s.common.proxy for s in config.providers if s.common.proxy}
        seals = Seals(self._reveal)
        self.steps = StepRunner(
            seals,
            carrier,
            self.cleaner,
            self._handed_out,
            self.seen,
            self._proxies.get,
            self.outside.now,
            PublicFetcher(carrier, self.outside.resolve),
        )
        self._prices: Prices | None = None
        self.pool = self._pool(before)
        self.context = self._context(seals, before)
        folder = vault_path(config).parent
        drift: Drift = before.archive.drift if before else Drift.load(folder / DRIFT_NAME, self.cleaner.words)
        self.mirror: Mirror = before.mirror if before else self._mirror(folder)
        self.archive: Archive = Archive(record_rules(config), folder / SWITCH_NAME, drift, self.cleaner)
        self.admit_anew()
        self.pool.start()  # last: what failed above changes nothing
        self.context.kept.bound(config.sections.kept.days, config.sections.kept.mb)
        self.known.set_source(secrets.version, secrets.find)

    def _pool(self, before: "Running | None") -> AccountPool:
        """The accounts; what is known of them is taken over."""
        config, outside = self.config, self.outside
        store = before.pool.around.store if before else state_store(config, outside.now, self.cleaner.words)
        challenged = before.pool.around.challenged if before else set[AccountId]()
        rules = availability_rules(config)
        around = Surroundings(self.sessions, store, outside.clock, outside.now, rules, challenged)
        moment, known = moment_source(outside.now), before.pool if before else None
        return build(
            accounts_of(config),
            self.providers,
            around,
            self.steps,
            moment,
            self.background,
            config.env_sessions,
            known,
        )

    def _context(self, seals: Seals, before: "Running | None") -> Context:
        """What each exchange works with."""
        config, known = self.config, before.context if before else None
        order = known.order.state if known else OrderState(random.Random())  # noqa: S311  (no secrets)
        return Context(
            providers=self.providers,
            pool=self.pool,
            order=order_of(config, order),
            index=self.models,
            seals=seals,
            cleaner=self.cleaner,
            steps=self.steps,
            limits=limits_of(config),
            retries=retry_rules(config),
            budget=known.budget if known else RetryBudget(),
            uploaded=known.uploaded if known else UploadedFiles(self.outside.clock),
            inflated=known.inflated if known else InflationBudget(),
            cleaned_up=frozenset(s.name for s in config.providers if s.common.delete_chats),
            fallbacks=fallbacks_of(config),
            features=features_of(config),
            proxies=self._proxies,
            moment=moment_source(self.outside.now),
            rng=random.Random(),  # noqa: S311  (spreads retries, keeps no secret)
            background=self.background,
            threads=known.threads if known else Threads(self.outside.clock),
            allowances=known.allowances if known else Allowances(KeyMeters(self.outside.clock, self.outside.now)),
            kept=known.kept if known else KeptStore(self.outside.now),
            cache=known.cache if known else AnswerCache(self.outside.clock),
            upstream=self.upstream,
            recoveries=Recoveries(self.outside.clock),
            tracing=known.tracing if known else TracePort(),
            clock=self.outside.clock,
        )

    def admit_anew(self) -> None:
        """Lets in whose keys there are now: those that are lent or managed come and go."""
        self.rules = gate_rules(self.config, self.lent.keys, self.managed.found, self.outside.now)

    def _learn_key(self, token: str) -> None:
        """A managed key was shown: from now on it is known to the cleaner, as others are from the start."""
        self.known.learn((KnownSecret(token, "client_key"),))

    def _mirror(self, folder: Path) -> Mirror:
        """Where what is kept for clients outlives the process; nothing does without a vault."""
        vault = self.vault

        def keys() -> MirrorKeys | None:
            key = vault.derived_key("what is kept for clients") if vault is not None else b""
            return MirrorKeys(vault.id, key) if vault is not None and key else None

        return Mirror(self.context.kept, KeptFolder(folder / FOLDER_NAME), keys)

    def flow_key(self) -> bytes:
        """The key that proves whose secrets a flow may be sent with again; nothing without a vault."""
        return self.vault.derived_key("places of secrets in flows") if self.vault else b""

    def prices(self) -> Prices:
        """What models cost now; made anew once sites were asked for their models."""
        index = self.models()
        if self._prices is None or self._prices.index is not index:
            self._prices = Prices(self.config.sections.prices, index)
        return self._prices

    def report(self) -> list[AccountLine]:
        """The accounts as people are told of them."""
        return self.pool.report(self.context.moment())

    def problem(self) -> str | None:
        """Why the vault's file could not be used when it was looked at last, if so (`tend` looks; anybody may ask)."""
        return str(self.vault.problem) if self.vault is not None and self.vault.problem else None

    def _reveal(self, provider: str, account: str) -> Mapping[str, str]:
        return self.pool.reveal(provider, account)

    def _handed_out(self, session: Session, cookies: Mapping[str, str]) -> None:
        self.pool.handed_out(session, cookies)

    async def close(self) -> None:
        """Ends what goes on beside the requests; each part is ended, whatever becomes of the others."""
        endings: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("the accounts", self.pool.close),
            ("what was unknown", self._save_drift),
            ("what is kept for clients", self.mirror.save),
        )
        for what, end in endings:
            try:
                await end()
            except Exception:
                log.exception("%s could not be put away at the end: a fault of the gateway", what)

    async def _save_drift(self) -> None:
        self.archive.drift.save()
