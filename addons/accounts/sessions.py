"""Accounts and sessions: which accounts there are, and each one's session as the vault holds it now."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from addons.accounts.way_in import way_in
from addons.cleaning.index import Known, secrets_of
from addons.vault.errors import VaultConflict, VaultError, VaultMissing
from addons.vault.store import Vault
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Credentials, Provider, ProviderOptions, Session
from providers.formats.moments import moment_s

log = logging.getLogger("glassgate.accounts")

type AccountId = tuple[str, str]
"""(provider name, account name), both as in config.yaml."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account of config.yaml. `needs_session` is False where an API wants no key."""

    provider: str
    name: str
    needs_session: bool = True


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept for an account. `rev` and `updated` (Unix seconds) are None outside of the vault."""

    material: Credentials
    rev: int | None = None
    updated: int | None = None


FRESH_S: Final = 0.5
"""So long a request waits for a changed vault to be read; then the sessions known so far serve it."""


class Accounts:
    """Sessions of the configured accounts, as the vault had them when it was last read.

    `refresh` takes up a changed file, in a thread: a passphrase's key may take seconds to derive.
    """

    def __init__(
        self,
        accounts: list[Account],
        providers: Mapping[str, Provider[ProviderOptions]],
        vault: Vault | None,
        env_sessions: Mapping[AccountId, Credentials],
    ) -> None:
        self._accounts = accounts
        self._providers = providers
        self._vault = vault
        self._env = env_sessions
        self._cache: dict[AccountId, tuple[Credentials, Session | ProviderError]] = {}
        self._problem: str | None = None
        self._reading: asyncio.Future[None] | None = None
        self._stored_last: Credentials | None = None
        self._unwritten: dict[AccountId, Stored] = {}
        """Renewed sessions the vault's disk has not taken yet: in force while the vault holds what they replace."""
        self._tried: dict[AccountId, Stored] = {}
        """Renewed sessions of which the site is just being asked whose they are: in force, not to be written yet."""
        self._standing: dict[AccountId, tuple[int, int]] = {}
        """The revision somebody else stored, and the newest one that we made of it."""

    def adopt(self, other: "Accounts") -> None:
        """Takes over what is in force but not written: for a new configuration."""
        self._unwritten, self._tried, self._stored_last = other._unwritten, other._tried, other._stored_last
        self._standing = other._standing

    def of(self, provider: str) -> list[Account]:
        """The accounts of a provider, in order of config."""
        return [account for account in self._accounts if account.provider == provider]

    def all(self) -> list[Account]:
        return list(self._accounts)

    def find(self, provider: str, account: str) -> Account | None:
        return next((a for a in self._accounts if (a.provider, a.name) == (provider, account)), None)

    async def refresh(self, patience_s: float | None = None) -> None:
        """Reads the vault again if its file has changed; waits for that, but for `patience_s` at most."""
        if self._vault is None:
            return
        if self._reading is None:
            self._note(self._vault.problem)
            if not self._vault.changed():
                return
            self._reading = asyncio.ensure_future(asyncio.to_thread(self._vault.refresh))
            self._reading.add_done_callback(self._has_read)
        await asyncio.wait({self._reading}, timeout=patience_s)

    def _has_read(self, reading: asyncio.Future[None]) -> None:
        self._reading = None
        if not reading.cancelled() and (error := reading.exception()) is not None:
            log.error("the changed vault could not be read", exc_info=error)
        elif self._vault is not None:
            self._note(self._vault.problem)

    def stored(self, account: Account) -> Stored | None:
        """What is kept for the account: in the vault, or else in the environment."""
        return self._stored(account.provider, account.name)

    def _stored(self, provider: str, account: str) -> Stored | None:
        key = (provider, account)
        if self._vault is not None:
            record = self._vault.known.get(key)
            if record is not None:
                newer = self._tried.get(key) or self._unwritten.get(key)
                if newer is not None and newer.rev == record.rev:
                    return newer
                return Stored(material_of(record.material), record.rev, record.updated)
        found = self._env.get(key)
        return Stored(found) if found else None

    def stored_at(self, key: AccountId) -> int | None:
        """When the account's session was written to the vault, in Unix seconds; None for one that is not in it."""
        stored = self._stored(*key)
        return stored.updated if stored is not None else None

    def standing(self, key: AccountId) -> object:
        """Another value once somebody has stored another session for the account; renewals by us change nothing."""
        record = self._vault.known.get(key) if self._vault is not None else None
        if record is None:
            return self._env.get(key)
        base, ours = self._standing.get(key, (record.rev, record.rev))
        if record.rev != ours and key not in self._unwritten:  # (a write of ours may be known to the vault first)
            base = ours = record.rev
        self._standing[key] = (base, ours)
        return base

    @contextmanager
    def trying(self, account: Account, old: Stored, material: Credentials) -> Iterator[None]:
        """`material` is in force in the place of `old` meanwhile, so that the site can be asked about it."""
        key = (account.provider, account.name)
        self._tried[key] = Stored(material, old.rev, old.updated)
        try:
            yield
        finally:
            self._tried.pop(key, None)

    async def store(self, account: Account, old: Stored, material: Credentials) -> bool:
        """Puts a renewed session in the place of `old`: in force at once, then written. False: somebody was first.

        A disk that takes nothing is logged, the session stays in force, and `write_again` tries once more.
        """
        key = (account.provider, account.name)
        self._unwritten[key] = Stored(material, old.rev, old.updated)
        self._stored_last = material
        return await self._write(key)

    async def write_again(self) -> None:
        """Writes the renewed sessions that could not be written so far."""
        for key in list(self._unwritten):
            await self._write(key)

    async def _write(self, key: AccountId) -> bool:
        assert self._vault is not None
        waiting = self._unwritten[key]
        put = self._vault.put
        self.standing(key)
        try:
            made = await asyncio.to_thread(put, *key, record_of(waiting.material), expected_rev=waiting.rev)
        except VaultConflict:
            log.info("%s/%s: another session was stored meanwhile; it stands", *key)
            await self.refresh()
            written = False
        except VaultError as e:
            log.error("%s/%s: the renewed session could not be written to the vault: %s", *key, e)
            return True
        else:
            written = True
            if key in self._standing:
                self._standing[key] = (self._standing[key][0], made.rev)
        if self._unwritten.get(key) is waiting:
            del self._unwritten[key]
        return written

    def reveal(self, provider: str, account: str) -> Mapping[str, str]:
        """Secret name → value, for the seals. Raises KeyError when there is no such session."""
        stored = self._stored(provider, account)
        if stored is None:
            raise KeyError(f"{provider}/{account}")
        return stored.material.secrets()

    def version(self) -> tuple[object, ...]:
        """The very same objects as long as `in_force` gives the same; no I/O."""
        return (self._vault.known if self._vault is not None else None, self._stored_last)

    def in_force(self) -> Iterator[Known]:
        """The secrets of every session there is, as they were last read; no I/O."""
        stored = dict(self._vault.known) if self._vault is not None else {}
        for (provider, account), record in stored.items():
            yield from secrets_of(material_of(record.material), provider, account)
        for (provider, account), waiting in dict(self._unwritten).items():
            yield from secrets_of(waiting.material, provider, account)
        for (provider, account), material in self._env.items():
            yield from secrets_of(material, provider, account)

    def session(self, account: Account) -> Session:
        """The provider's view of the account. Raises ProviderError(SESSION_EXPIRED) when it cannot serve."""
        if not account.needs_session:
            return Session(account.provider, account.name)
        stored = self.stored(account)
        key = (account.provider, account.name)
        if stored is None:
            self._cache.pop(key, None)
            provider = self._providers[account.provider]
            what = "session" if provider.web_session else "key"
            raise ProviderError(
                ErrorKind.SESSION_EXPIRED,
                f"the vault has no {what} for {account.provider}/{account.name}. "
                f"Add one: {way_in(provider, account.name)}",
                credential="session" if provider.web_session else "key",
                advised=True,
            )
        material = stored.material
        cached = self._cache.get(key)
        if cached is None or cached[0] != material:
            cached = (material, self._read(account, material))
            self._cache[key] = cached
        if isinstance(cached[1], ProviderError):
            raise cached[1]
        return cached[1]

    def can_serve(self, provider: str) -> bool:
        """Whether any account of the provider has a session that can be read."""
        for account in self.of(provider):
            try:
                self.session(account)
            except ProviderError:
                continue
            return True
        return False

    def _read(self, account: Account, material: Credentials) -> Session | ProviderError:
        try:
            return self._providers[account.provider].read_session(account.name, material)
        except ProviderError as error:
            error.advised = error.credential == "session"  # a site's adapter says where its session is to be found
            return error

    def _note(self, problem: VaultError | None) -> None:
        """Logs once when the vault's file went bad, and once when it is well again."""
        before, said = self._problem, str(problem) if problem else None
        self._problem = said
        if said and said != before and isinstance(problem, VaultMissing) and not self._cache:
            log.warning("%s", said)  # a first start: nothing is lost
        elif said and said != before:
            log.error("the vault file has a problem; the sessions known so far keep serving: %s", said)
        elif before and not said:
            log.warning("the vault file is well again")


def material_of(stored: Mapping[str, object]) -> Credentials:
    """The vault's JSON record as Credentials; anything of a wrong shape counts as absent."""

    def word(name: str) -> str | None:
        value = stored.get(name)
        return value if isinstance(value, str) and value else None

    def table(name: str) -> dict[str, str]:
        value = stored.get(name)
        if not isinstance(value, dict):
            return {}
        return {key: item for key, item in value.items() if isinstance(key, str) and isinstance(item, str)}

    return Credentials(
        token=word("token"),
        cookies=table("cookies"),
        headers=table("headers"),
        api_key=word("api_key"),
        email=word("email"),
        password=word("password"),
        expires_at=moment_s(stored.get("expires_at")),
    )


def record_of(material: Credentials) -> dict[str, object]:
    """The JSON record the vault keeps of a session: the inverse of `material_of`."""
    kept = {
        "token": material.token,
        "cookies": dict(material.cookies),
        "headers": dict(material.headers),
        "api_key": material.api_key,
        "email": material.email,
        "password": material.password,
        "expires_at": material.expires_at,
    }
    return {name: value for name, value in kept.items() if value}
