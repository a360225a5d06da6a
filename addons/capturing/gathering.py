"""What the person's own browser shows of a session, put together until it can serve. Pure."""

from dataclasses import replace

from addons.exchange.context import AnyProvider
from providers.contract.browser import AGENT
from providers.contract.errors import ProviderError
from providers.contract.provider import Credentials, ObservedExchange, Session


class CredentialCollector:
    """The observed exchanges of one sign-in, merged: the newest value wins. It holds secrets and shows none."""

    def __init__(self, provider: AnyProvider, account: str) -> None:
        self._provider = provider
        self._account = account
        self._material = Credentials()
        self._refused: list[Credentials] = []

    def __repr__(self) -> str:
        return f"CredentialCollector({', '.join(self.names())})"

    def names(self) -> tuple[str, ...]:
        """Names of the secrets seen so far."""
        return tuple(sorted(self._material.values()))

    def add(self, seen: ObservedExchange) -> bool:
        """Whether the exchange showed anything that was not known."""
        found = self._provider.extract(seen)
        if found is None:
            return False
        before, self._material = self._material, self._material.merged(found)
        return _news(self._material) != _news(before)

    def missing(self) -> tuple[str, ...]:
        """What is still missing, in words for the person."""
        return self._provider.missing(self._material)

    def whole(self, now_s: float) -> tuple[Credentials, Session] | None:
        """The session, once it can serve: nothing lacks, the provider can read it, it has not ended or been refused."""
        if not self._material.values() or self.missing() or _bare(self._material) in self._refused:
            return None
        try:
            session = self._provider.read_session(self._account, self._material)
        except ProviderError:
            return None
        if session.expires_at is not None and session.expires_at <= now_s:
            return None
        return self._material, session

    def renew(self, before: Credentials, now: Credentials) -> Credentials:
        """`before` became `now` when the site was asked; what was seen since is newer still. Gives `now`."""
        if self._material == before:
            self._material = now
        return now

    def refuse(self, material: Credentials) -> None:
        """The site does not take this session: begin anew, and do not offer the same again."""
        self._refused.append(_bare(material))
        self._material = Credentials()


def _bare(material: Credentials) -> Credentials:
    """The session without its browser's headers, of which one or the other (the time) is new with each call."""
    return replace(material, headers={})


def _news(material: Credentials) -> object:
    """What is worth storing again when it changes; the newest headers are taken along in any case."""
    return _bare(material), frozenset(material.headers), material.headers.get(AGENT), material.asked


def with_kept_login(new: Credentials, old: Credentials, email: str) -> Credentials:
    """The captured session with the e-mail and password that the vault keeps to sign in again.

    Those of another person (`email` is whose session it is, if the site says so) would change the account by and by.
    """
    other = "@" in email and old.email is not None and "@" in old.email and old.email.casefold() != email.casefold()
    if other:
        return new
    return replace(new, email=old.email or new.email, password=old.password or new.password)
