"""The target of a capture: the configured provider and account, and the vault that takes the session."""

import os
from dataclasses import dataclass
from pathlib import Path

from addons.accounts.sessions import credentials_of, record_of
from addons.accounts.way_in import way_in
from addons.app.configured_vault import rollback_guard, vault_key, vault_path
from addons.capturing.collector import with_kept_login
from addons.cli.base import CliContext, Problem, known_provider
from addons.config.providers import make_providers
from addons.vault import prompt as terminal
from addons.vault.errors import VaultConflict, VaultError
from addons.vault.store import Vault
from addons.words.commands import serves
from providers.contract.provider import AnyProvider
from providers.contract.session import Credentials


class VaultSink:
    """The vault as a sink: opened at the start, so that a wrong key shows then; made when needed, where it is
    missing."""

    def __init__(self, cli: CliContext) -> None:
        """Raises VaultError."""
        self._config = cli.config()
        path = vault_path(self._config)
        self._vault = cli.open_vault() if os.path.lexists(path) else None
        if self._vault is None:
            self._key = vault_key(self._config, terminal.prompt("New vault passphrase", new=True))

    def put(self, provider: str, account: str, credentials: Credentials, email: str) -> None:
        """Stores the session; `email` says whose it is, if known. Blocks on the disk. Raises VaultError."""
        if self._vault is None:
            path, guard = vault_path(self._config), rollback_guard(self._config)
            made = Vault.open if os.path.lexists(path) else Vault.create
            self._vault = made(path, self._key, guard=guard)
        try:
            self._replace(self._vault, provider, account, credentials, email)
        except VaultConflict:  # the gateway renewed the old session between our look and our write
            self._replace(self._vault, provider, account, credentials, email)

    @staticmethod
    def _replace(vault: Vault, provider: str, account: str, credentials: Credentials, email: str) -> None:
        old = vault.get(provider, account)
        if vault.problem is not None:
            raise vault.problem
        if old is not None:
            credentials = with_kept_login(credentials, credentials_of(old.material), email)
        vault.put(provider, account, record_of(credentials), expected_rev=old.rev if old else 0)


@dataclass(frozen=True, slots=True)
class CaptureTarget:
    """The provider and account to capture a session for, and where it is stored."""

    provider: AnyProvider
    account: str
    sink: VaultSink
    proxy: str | None
    """The provider's own forward proxy of config.yaml."""

    @property
    def name(self) -> str:
        return f"{self.provider.name}/{self.account}"


def target_of(file: Path, provider: str, account: str | None) -> CaptureTarget:
    """The target by its names in config.yaml; an account need not be named where there is one. Raises Problem."""
    serves(file)
    cli = CliContext(file)
    config = cli.config()
    known = next((s for s in config.providers if s.name == provider), None)
    accounts = [a.name for a in known.common.accounts] if known else []
    if account is None and len(accounts) > 1:
        raise Problem(f"provider {provider!r} has several accounts; name one: {', '.join(accounts)}")
    chosen = account or (accounts[0] if accounts else "")
    settings = known_provider(config, provider, chosen)
    instance = make_providers(config)[settings.name]
    if not instance.web_session:
        why = f"{provider!r} is an official API: there is no sign-in to capture."
        raise Problem(f"{why} Store its key: {way_in(instance, chosen)}")
    if next(a.session for a in settings.accounts if a.name == chosen) == "none":
        raise Problem(f"account {chosen!r} of {provider!r} has `session: none` in config.yaml: it needs no sign-in")
    try:
        sink = VaultSink(cli)
    except VaultError as e:
        raise Problem(str(e)) from None
    return CaptureTarget(instance, chosen, sink, settings.common.proxy)
