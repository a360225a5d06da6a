"""The check of a captured session against its site, before it is stored."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from addons.cleaning.cleaner import Cleaner
from addons.transport.carrier import Carrier
from addons.transport.httpx_carrier import HttpxCarrier
from addons.transport.sealing import Seals
from addons.transport.step_runner import StepRunner
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import AnyProvider
from providers.contract.session import Credentials, Identity, Session
from providers.contract.steps import Moment

CHECK_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class SessionCheck:
    """The result of a check. `refused` says why the session cannot serve; `identity` is None where nobody could say."""

    credentials: Credentials
    identity: Identity | None = None
    refused: str = ""
    doubt: str = ""
    """Why it could not be proven, in words for the person."""

    def owner(self, session: Session) -> str:
        """The session's owner, as far as the site or the session itself says."""
        known = self.identity
        said = (known.email, known.name, known.user_id) if known else (session.facts.get("email", ""),)
        return next((word for word in said if word), "")


class SessionChecker(Protocol):
    """Anything that checks a session: the site (SiteSessionChecker), or a test's stand-in."""

    async def __call__(self, session: Session, credentials: Credentials) -> SessionCheck: ...


class SiteSessionChecker:
    """Checks a session with the provider's `identify`, over an HTTP client of its own."""

    def __init__(
        self, provider: AnyProvider, moment: Callable[[], Moment], *, proxy: str | None, ca_file: str | None
    ) -> None:
        self._provider = provider
        self._moment = moment
        self._proxy = proxy
        self._ca_file = ca_file

    async def __call__(self, session: Session, credentials: Credentials) -> SessionCheck:
        steps = self._provider.sign_in.identify(session, self._moment())
        if steps is None:
            return SessionCheck(credentials, doubt=f"{self._provider.name} cannot be asked whose session it is")
        async with HttpxCarrier(ca_file=self._ca_file) as carrier:
            asking = _SessionInUse(self._provider, credentials, carrier, self._proxy)
            try:
                async with asyncio.timeout(CHECK_S):
                    identity = await asking.runner.run(self._provider, steps, session)
            except TimeoutError:
                return SessionCheck(asking.credentials, doubt="the site did not answer in time")
            except ProviderError as error:
                if error.kind is ErrorKind.SESSION_EXPIRED:
                    return SessionCheck(credentials, refused=error.message)
                return SessionCheck(asking.credentials, doubt=error.message)
        if identity.guest:
            return SessionCheck(credentials, identity, refused="it is a guest's")
        return SessionCheck(asking.credentials, identity)


class _SessionInUse:
    """Credentials while the site is asked with them: a cookie that rotates on the way is kept."""

    def __init__(self, provider: AnyProvider, credentials: Credentials, carrier: Carrier, proxy: str | None) -> None:
        self.credentials = credentials
        self._provider = provider
        cleaner = Cleaner.of(credentials, provider.name, "")
        seals = Seals(lambda *_: self.credentials.secrets())
        self.runner = StepRunner(seals, carrier, cleaner, self._handed_out, proxy_of=lambda name: proxy)

    def _handed_out(self, session: Session, cookies: Mapping[str, str]) -> None:
        ours = {name: value for name, value in cookies.items() if name in self._provider.sign_in.rotating_cookies}
        update = self._provider.sign_in.from_cookies(session, ours) if ours else None
        if update is not None:
            self.credentials = self.credentials.updated(update)
