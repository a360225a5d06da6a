"""A site of the test's making that renews sessions, and everything around one account there."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from addons.accounts.account import ConfiguredAccount
from addons.accounts.health import Health
from addons.accounts.pool import AccountPool, build
from addons.accounts.state_store import FileStateStore
from addons.tasks import Background
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Provider, ProviderOptions
from providers.contract.session import Credentials, Identity, Session, SessionUpdate
from providers.contract.sign_in import SignIn
from providers.contract.steps import Moment, Steps
from tests.support.accounts import around

ME = ("site", "me")
START = 1_000_000


class FakeSite(Provider[ProviderOptions], SignIn):
    """Tokens read `NAME:END`; what a renewal gives or raises is put into `answers`."""

    type_name = "fake"
    Options = ProviderOptions
    rotating_cookies = frozenset({"refresh"})

    def __init__(self) -> None:
        super().__init__("site", ProviderOptions(base_url="https://site.example"))
        self.operations, self.sign_in = {}, self
        self.answers: list[SessionUpdate | ProviderError] = []
        self.sign_ins: list[SessionUpdate | ProviderError] = []
        self.identities: list[Identity | ProviderError] = []
        self.asked: list[str] = []

    def models(self) -> Mapping[str, Any]:
        return {}

    def read_session(self, account: str, credentials: Credentials) -> Session:
        if not credentials.token:
            raise ProviderError(ErrorKind.SESSION_EXPIRED, "no token")
        name, _, end = credentials.token.partition(":")
        facts = {"user_id": name[0]}
        return Session("site", account, tuple(credentials.values()), facts, int(end) if end else None)

    def refresh(self, session: Session, now: Moment) -> Steps[SessionUpdate] | None:
        return self._steps("refresh", self.answers) if session.has("cookie:refresh") else None

    def with_password(self, session: Session, now: Moment) -> Steps[SessionUpdate] | None:
        return self._steps("sign_in", self.sign_ins)

    def identify(self, session: Session, now: Moment) -> Steps[Identity] | None:
        return self._steps("identify", self.identities)

    def _steps(self, name: str, answers: list[Any]) -> Steps[Any]:
        self.asked.append(name)
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found
        yield  # type: ignore[unreachable]  # makes it a generator


@dataclass
class House:
    """Everything around one account."""

    folder: Path
    credentials: dict[str, Any]
    site: FakeSite = field(default_factory=FakeSite)
    now_s: float = START
    clock_s: float = 0.0
    gate: asyncio.Event | None = None
    kept: list[bool] = field(default_factory=list)
    """Of each call of a site: whether cookies of its answer are to be kept by themselves."""

    def __post_init__(self) -> None:
        key = VaultKey(raw=b"k" * 32)
        self.vault = Vault.create(self.folder / "vault.json", key, sync=False, now=lambda: self.now_s)
        if self.credentials:
            self.vault.put("site", "me", self.credentials)
        self.other = Vault.open(self.folder / "vault.json", key, sync=False, now=lambda: self.now_s)
        self.pool = self.second()
        self.renewal, self.account = self.pool.renewal, self.pool.all()[0]

    def second(self, before: AccountPool | None = None, names: tuple[str, ...] = ("me",)) -> AccountPool:
        """A pool of its own over the same vault, as another process would have."""
        store = FileStateStore(self.folder / "accounts.json", lambda: self.now_s)
        parts = around(store, lambda: self.clock_s, lambda: self.now_s, vault=self.vault)
        settings, providers = [ConfiguredAccount("site", name) for name in names], {"site": self.site}
        found: Any = providers
        moment: Callable[[], Moment] = lambda: Moment(int(self.now_s * 1000), lambda: "id")  # noqa: E731
        made = build(settings, found, before.around if before else parts, self, moment, Background(), {}, before)
        made.start()
        return made

    async def run(self, provider: Any, steps: Steps[Any], session: Session, *, keep_cookies: bool = True) -> Any:
        """The Runner: waits at the gate, if there is one."""
        self.kept.append(keep_cookies)
        if self.gate is not None:
            await self.gate.wait()
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        raise AssertionError

    @property
    def stored(self) -> dict[str, Any]:
        record = self.other.get("site", "me")
        assert record
        return dict(record.material)

    def health(self) -> Health | None:
        state = self.account.health.state
        return state.health if state else None

    async def token(self) -> int | None:
        return (await self.renewal.session(self.account)).expires_at


EXPIRED = ProviderError(ErrorKind.SESSION_EXPIRED, "signed out")
DOWN = ProviderError(ErrorKind.PROVIDER_DOWN, "down")


def renewed(end: int, **cookies: str) -> SessionUpdate:
    return SessionUpdate(f"a:{end}", cookies)
