"""Sessions of accounts: as the vault had them when it was read last, or as the environment gives them."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from addons.accounts.account_record import AccountId
from addons.accounts.way_in import way_in
from addons.cleaning.index import KnownSecret, secrets_of
from addons.vault.errors import VaultConflict, VaultError, VaultMissing
from addons.vault.format import Record
from addons.vault.store import Vault
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import AnyProvider
from providers.contract.session import Credentials, Session
from providers.formats.moments import moment_s

log = logging.getLogger("glassgate.accounts")


@dataclass(frozen=True, slots=True)
class StoredCredentials:
    """What is kept for an account. `rev` and `updated` (Unix seconds) are None outside of the vault."""

    credentials: Credentials
    rev: int | None = None
    updated: int | None = None


FRESH_S: Final = 0.5
"""So long a request waits for a changed vault to be read; then the sessions known so far serve it."""


class SessionVault:
    """The vault's sessions as they were read last, and those that it has not taken yet.

    `refresh` takes up a changed file, in a thread: a passphrase's key may take seconds to derive.
    """

    def __init__(self, vault: Vault | None) -> None:
        self.vault = vault
        self.unwritten: dict[AccountId, StoredCredentials] = {}
        """Renewed sessions the vault's disk has not taken yet: in force while the vault holds what they replace."""
        self.stored_last: Credentials | None = None
        """The newest session that we have made ourselves, of whichever account."""
        self._secrets: dict[AccountId, tuple[Record, Sequence[KnownSecret]]] = {}
        """Those of each record, as they were listed last."""
        self._to_put: dict[AccountId, tuple[dict[str, object], int | None]] = {}
        """What the next write stores."""
        self._next_write: asyncio.Future[Mapping[AccountId, Record | VaultError]] | None = None
        self._writing = asyncio.Lock()
        self._problem: str | None = None
        self._reading: asyncio.Future[None] | None = None

    @property
    def known(self) -> Mapping[AccountId, Record]:
        return self.vault.known if self.vault is not None else {}

    async def refresh(self, patience_s: float | None = None) -> None:
        """Reads the vault again if its file has changed; waits for that, but for `patience_s` at most."""
        if self.vault is None:
            return
        if self._reading is None:
            self._tell(self.vault.problem)
            if not self.vault.changed():
                return
            self._reading = asyncio.ensure_future(asyncio.to_thread(self.vault.refresh))
            self._reading.add_done_callback(self._has_read)
        await asyncio.wait({self._reading}, timeout=patience_s)

    async def write(self, key: AccountId) -> int | None:
        """Writes a renewed session; its new revision, or None when there is none or the disk does not take it.

        Raises VaultConflict when somebody has stored another one meanwhile, which stands.
        """
        waiting = self.unwritten.get(key)
        if waiting is None or self.vault is None:
            return None
        record = record_of(waiting.credentials)
        try:
            made = await self._put(key, record, waiting.rev)
        except VaultConflict:
            log.info("%s/%s: another session was stored meanwhile; it stands", *key)
            await self.refresh()
            self._written(key, waiting)
            raise
        except VaultError as e:
            log.error("%s/%s: the renewed session could not be written to the vault: %s", *key, e)
            return None
        self._written(key, waiting)
        return made.rev

    async def _put(self, key: AccountId, record: dict[str, object], expected_rev: int | None) -> Record:
        """Stores it, in one write of the file with all that is to be stored by then. Raises VaultError."""
        self._to_put[key] = (record, expected_rev)
        if self._next_write is None:
            self._next_write = asyncio.ensure_future(self._put_all())
        made = (await asyncio.shield(self._next_write))[key]
        if isinstance(made, VaultError):
            raise made
        return made

    async def _put_all(self) -> Mapping[AccountId, Record | VaultError]:
        await asyncio.sleep(0)  # who comes in the same turn comes along
        assert self.vault is not None
        async with self._writing:
            taken, self._to_put, self._next_write = self._to_put, {}, None
            return await asyncio.to_thread(self.vault.put_all, taken)

    def version(self) -> tuple[object, ...]:
        """The very same objects as long as `secrets` gives the same; no I/O."""
        return (self.vault.known if self.vault is not None else None, self.stored_last)

    def secrets(self) -> Iterator[KnownSecret]:
        """Those of every session of the vault, as it was read last; no I/O."""
        before, self._secrets = self._secrets, {}
        for key, record in dict(self.known).items():
            had = before.get(key)
            if had is None or had[0] is not record:
                had = record, tuple(secrets_of(credentials_of(record.material), *key))
            self._secrets[key] = had
            yield from had[1]
        for key, waiting in dict(self.unwritten).items():
            yield from secrets_of(waiting.credentials, *key)

    def _written(self, key: AccountId, stored: StoredCredentials) -> None:
        if self.unwritten.get(key) is stored:
            del self.unwritten[key]

    def _has_read(self, reading: asyncio.Future[None]) -> None:
        self._reading = None
        if not reading.cancelled() and (error := reading.exception()) is not None:
            log.error("the changed vault could not be read", exc_info=error)
        elif self.vault is not None:
            self._tell(self.vault.problem)

    def _tell(self, problem: VaultError | None) -> None:
        """Logs once when the vault's file went bad, and once when it is well again."""
        before, said = self._problem, str(problem) if problem else None
        self._problem = said
        if said and said != before and isinstance(problem, VaultMissing) and not self.known:
            log.warning("%s", said)  # a first start: nothing is lost
        elif said and said != before:
            log.error("the vault file has a problem; the sessions known so far keep serving: %s", said)
        elif before and not said:
            log.warning("the vault file is well again")


@dataclass(slots=True)
class _InForce:
    """What the vault does not say of an account's session; it outlives the configuration."""

    tried: StoredCredentials | None = None
    """A renewed session of which the site is just being asked whose it is: in force, not to be written yet."""
    standing: tuple[int, int] | None = None
    """The revision somebody else stored, and the newest one that we made of it."""


@dataclass(slots=True)
class StoredSession:
    """One account's session. `from_env` is what the environment gives, where the vault has nothing."""

    key: AccountId
    provider: AnyProvider
    vault: SessionVault
    from_env: Credentials | None = None
    needed: bool = True
    """Where it is not, an API wants no key."""
    _in_force: _InForce = field(default_factory=_InForce)
    _read: tuple[Credentials, Session | ProviderError] | None = None
    """What was read last, and of what."""
    _secrets: tuple[Credentials, Mapping[str, str]] | None = None
    """What was opened last, and of what."""
    _known: tuple[Record, StoredCredentials] | None = None
    """What the vault had last, as it is and as ours."""

    def adopt(self, other: "StoredSession") -> None:
        """Shares what is known of the session with the same account of an earlier configuration."""
        self._in_force = other._in_force

    def stored(self) -> StoredCredentials | None:
        """What is kept for the account: in the vault, or else in the environment."""
        record = self.vault.known.get(self.key)
        if record is None:
            return StoredCredentials(self.from_env) if self.from_env else None
        newer = self._in_force.tried or self.vault.unwritten.get(self.key)
        if newer is not None and newer.rev == record.rev:
            return newer
        if self._known is None or self._known[0] is not record:
            self._known = record, StoredCredentials(credentials_of(record.material), record.rev, record.updated)
        return self._known[1]

    def secrets(self) -> Mapping[str, str] | None:
        """Secret name → value, for the seals; None when nothing is kept for the account."""
        if (stored := self.stored()) is None:
            return None
        if self._secrets is None or self._secrets[0] is not stored.credentials:
            self._secrets = stored.credentials, stored.credentials.secrets()
        return self._secrets[1]

    def read(self) -> Session:
        """The provider's view of it. Raises ProviderError(SESSION_EXPIRED) when it cannot serve."""
        if not self.needed:
            return Session(*self.key)
        stored = self.stored()
        if stored is None:
            self._read = None
            raise self._missing()
        read, credentials = self._read, stored.credentials
        if read is None or (read[0] is not credentials and read[0] != credentials):
            read = self._read = credentials, self._view(credentials)
        if isinstance(read[1], ProviderError):
            raise read[1]
        return read[1]

    def standing(self) -> object:
        """Another value once somebody has stored another session for the account; renewals by us change nothing."""
        record = self.vault.known.get(self.key)
        if record is None:
            return self.from_env
        base, ours = self._in_force.standing or (record.rev, record.rev)
        if record.rev != ours and self.key not in self.vault.unwritten:
            base = ours = record.rev  # (else it may be a write of ours that the vault knows of first)
        self._in_force.standing = (base, ours)
        return base

    # -- another one in its place ---------------------------------------------------------------------------------
    @contextmanager
    def trying(self, old: StoredCredentials, credentials: Credentials) -> Iterator[None]:
        """`credentials` is in force in the place of `old` meanwhile, so that the site can be asked about it."""
        self._in_force.tried = StoredCredentials(credentials, old.rev, old.updated)
        try:
            yield
        finally:
            self._in_force.tried = None

    async def store(self, old: StoredCredentials, credentials: Credentials) -> bool:
        """Puts a renewed session in the place of `old`: in force at once, then written. False: somebody was first.

        A disk that takes nothing is logged, the session stays in force, and `write` tries once more.
        """
        self.vault.unwritten[self.key] = StoredCredentials(credentials, old.rev, old.updated)
        self.vault.stored_last = credentials
        return await self.write()

    async def write(self) -> bool:
        """Writes a renewed session that is not written yet. False: another one was stored meanwhile."""
        self.standing()
        try:
            revision = await self.vault.write(self.key)
        except VaultConflict:
            return False
        if revision is not None and self._in_force.standing is not None:
            self._in_force.standing = (self._in_force.standing[0], revision)
        return True

    # -- details --------------------------------------------------------------------------------------------------
    def _view(self, credentials: Credentials) -> Session | ProviderError:
        try:
            return self.provider.read_session(self.key[1], credentials)
        except ProviderError as error:
            error.advised = error.credential == "session"  # a site's adapter says where its session is to be found
            return error

    def _missing(self) -> ProviderError:
        what: Literal["session", "key"] = "session" if self.provider.web_session else "key"
        return ProviderError(
            ErrorKind.SESSION_EXPIRED,
            f"the vault has no {what} for {'/'.join(self.key)}. Add one: {way_in(self.provider, self.key[1])}",
            credential=what,
            advised=True,
        )


def credentials_of(stored: Mapping[str, object]) -> Credentials:
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


def record_of(credentials: Credentials) -> dict[str, object]:
    """The JSON record the vault keeps of a session: the inverse of `credentials_of`."""
    kept = {
        "token": credentials.token,
        "cookies": dict(credentials.cookies),
        "headers": dict(credentials.headers),
        "api_key": credentials.api_key,
        "email": credentials.email,
        "password": credentials.password,
        "expires_at": credentials.expires_at,
    }
    return {name: value for name, value in kept.items() if value}
