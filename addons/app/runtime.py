"""What runs: everything made from one configuration, put together. Each part is built where it lives."""

import random
from collections.abc import Callable, Mapping

import httpx
from mitmproxy import http

from addons.accounts.availability import AccountAvailability
from addons.accounts.cooldown import CooldownRules
from addons.accounts.renewal import Renewal
from addons.accounts.report import AccountLine, report
from addons.accounts.sessions import Accounts
from addons.accounts.state_file import AccountStateFile
from addons.app.configured_vault import book_path, vault_path
from addons.app.outside import Outside, moment_source
from addons.app.rules import (
    accounts_of,
    fallbacks_of,
    gate_rules,
    limits_of,
    paces_of,
    planner_of,
    record_rules,
    retry_rules,
    traffic_rules,
)
from addons.app.secrets_in_force import SecretsInForce
from addons.cleaning.cleaner import Cleaner
from addons.cleaning.known import KnownSecrets
from addons.config.providers import disabled_providers, make_providers
from addons.config.schema import Config
from addons.exchange.attempt import Attempt
from addons.exchange.context import Context
from addons.recordings.archive import SWITCH_NAME, Archive
from addons.recordings.drift import FILE_NAME as DRIFT_NAME
from addons.recordings.drift import Drift
from addons.routing.models import Models
from addons.routing.retry_policy import RetryBudget
from addons.routing.strategy import Orderer
from addons.tasks import Background
from addons.transport.clients import Clients
from addons.transport.codings import Inflated
from addons.transport.recoveries import Recoveries
from addons.transport.sealing import Seals
from addons.transport.step_runner import Carried, StepRunner
from addons.vault.store import Vault
from providers.contract.provider import Provider, ProviderOptions, Session


class Running:
    """Everything made from one Config. `close` waits for what is under way and ends the HTTP clients."""

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
        """`before` is what runs already: what it has learnt of sites, accounts and conversations is taken over.

        `seen` is told of every preparing call; `ca_file`: who signs for the sites, where it is not the machine's list.
        """
        self.config = config
        self.vault = vault
        self.outside: Outside = before.outside if before else outside or Outside()
        self.background: Background = before.background if before else Background()
        self.providers: Mapping[str, Provider[ProviderOptions]] = make_providers(
            config, before.providers if before else None
        )
        self.accounts = Accounts(accounts_of(config), self.providers, vault, config.env_sessions)
        secrets = SecretsInForce(config, self.accounts)
        self.known: KnownSecrets = before.known if before else KnownSecrets(secrets.version, secrets.find)
        self.cleaner = Cleaner(self.known.index, self.known.learn)
        self.models: Models = Models(
            self.providers,
            config.sections.models.aliases,
            self.cleaner,
            before.models if before else None,
            disabled_providers(config),
        )
        self.seen: Callable[[Carried], None] | None = seen or (before.seen if before else None)
        self._clients: Clients = before._clients if before else Clients(ca_file, self.outside.transport)
        self._proxies = {s.name: s.common.proxy for s in config.providers if s.common.proxy}
        seals = Seals(self.accounts.reveal)
        self.steps = StepRunner(
            seals, self._client, self.cleaner, self._handed_out, self.seen, self._proxies.get, self.outside.now
        )
        self._build_accounts(before)
        self.context = self._context(seals, before)
        folder = vault_path(config).parent
        drift: Drift = before.archive.drift if before else Drift.load(folder / DRIFT_NAME, self.cleaner.words)
        self.archive: Archive = Archive(record_rules(config), folder / SWITCH_NAME, drift, self.cleaner)
        self.rules = gate_rules(config)
        self.book.keep_only({(account.provider, account.name) for account in self.accounts.all()})
        self.known.watch(secrets.version, secrets.find)  # last: what failed above changes nothing

    def _build_accounts(self, before: "Running | None") -> None:
        """What is known of each account: its state, its availability, the renewal of its session."""
        config, outside, traffic = self.config, self.outside, traffic_rules(self.config)
        self.book: AccountStateFile = (
            before.book if before else AccountStateFile(book_path(config), outside.now, self.cleaner.words)
        )
        self.renewal = Renewal(
            self.accounts,
            self.providers,
            self.vault,
            self.steps,
            self.book,
            moment_source(outside.now),
            clock=outside.clock,
            rules=traffic.cooldown or CooldownRules(),
            background=self.background,
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

    def _context(self, seals: Seals, before: "Running | None") -> Context:
        """What each exchange works with."""
        config, known = self.config, before.context if before else None
        orderer = known.planner.orderer if known else Orderer(random.Random())  # noqa: S311  (no secrets)
        return Context(
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
            budget=known.budget if known else RetryBudget(),
            inflated=known.inflated if known else Inflated(),
            tidied=frozenset(s.name for s in config.providers if s.common.delete_chats),
            fallbacks=fallbacks_of(config),
            proxies=self._proxies,
            moment=moment_source(self.outside.now),
            rng=random.Random(),  # noqa: S311  (spreads retries, keeps no secret)
            background=self.background,
            recoveries=Recoveries(self.outside.clock),
            clock=self.outside.clock,
        )

    def keep(self, flow: http.HTTPFlow, attempt: Attempt | None = None) -> None:
        """Hands an attempt or a preparing call that is over to the archive."""
        self.archive.keep(flow, attempt, self.providers, self.background)

    def flow_key(self) -> bytes:
        """The key that proves whose secrets a flow may be sent with again; nothing without a vault."""
        return self.vault.derived_key("places of secrets in flows") if self.vault else b""

    def report(self) -> list[AccountLine]:
        """The accounts as people are told of them."""
        return report(self.accounts, self.providers, self.book, self.context.moment())

    def problem(self) -> str | None:
        """Why the vault's file could not be used when it was looked at last, if so (`tend` looks; anybody may ask)."""
        return str(self.vault.problem) if self.vault is not None and self.vault.problem else None

    def _handed_out(self, session: Session, cookies: Mapping[str, str]) -> None:
        self.renewal.handed_out(session, cookies)

    async def close(self) -> None:
        await self.renewal.settle()
        self.book.save()
        self.archive.drift.save()
        await self._clients.close()

    def _client(self, provider: str) -> httpx.AsyncClient:
        return self._clients.of(self._proxies.get(provider), provider)
