"""The credential collector: what the person's own browser shows of a session, merged until it can serve. Pure."""

from dataclasses import replace

from providers.contract.browser import AGENT
from providers.contract.errors import ProviderError
from providers.contract.provider import AnyProvider
from providers.contract.session import Credentials, ObservedExchange, Session


class CredentialCollector:
    """The observed exchanges of one sign-in, merged: the newest value wins. It holds secrets and shows none."""

    def __init__(self, provider: AnyProvider, account: str) -> None:
        self._provider = provider
        self._account = account
        self._credentials = Credentials()
        self._refused: list[Credentials] = []

    def __repr__(self) -> str:
        return f"CredentialCollector({', '.join(self.names())})"

    def names(self) -> tuple[str, ...]:
        """Names of the secrets seen so far."""
        return tuple(sorted(self._credentials.values()))

    def add(self, seen: ObservedExchange) -> bool:
        """Adds an exchange; True when it showed anything that was not known."""
        found = self._provider.sign_in.extract(seen)
        if found is None:
            return False
        before, self._credentials = self._credentials, self._credentials.merged(found)
        return _significant(self._credentials) != _significant(before)

    def missing(self) -> tuple[str, ...]:
        """The parts still missing, in words for the person."""
        return self._provider.sign_in.missing(self._credentials)

    def complete(self, now_s: float) -> tuple[Credentials, Session] | None:
        """Credentials and session, once they can serve: nothing lacks, it is readable, has not ended or been
        refused."""
        if not self._credentials.values() or self.missing() or _without_headers(self._credentials) in self._refused:
            return None
        try:
            session = self._provider.read_session(self._account, self._credentials)
        except ProviderError:
            return None
        if session.expires_at is not None and session.expires_at <= now_s:
            return None
        return self._credentials, session

    def replace_renewed(self, before: Credentials, now: Credentials) -> Credentials:
        """Replaces `before` by `now`, its renewal by the site, unless newer ones were seen since. Returns `now`."""
        if self._credentials == before:
            self._credentials = now
        return now

    def refuse(self, credentials: Credentials) -> None:
        """Starts anew after the site refused these credentials; the same are not offered again."""
        self._refused.append(_without_headers(credentials))
        self._credentials = Credentials()


def _without_headers(credentials: Credentials) -> Credentials:
    """The credentials without the browser's headers, of which one or the other (the time) is new with each call."""
    return replace(credentials, headers={})


def _significant(credentials: Credentials) -> object:
    """The part whose change is worth storing again; the newest headers are taken along in any case."""
    return (
        _without_headers(credentials),
        frozenset(credentials.headers),
        credentials.headers.get(AGENT),
        credentials.asked,
    )


def with_kept_login(new: Credentials, old: Credentials, email: str) -> Credentials:
    """The captured credentials with the e-mail and password that the vault keeps to sign in again.

    Those of another person (`email` is whose session it is, if the site says so) would change the account by and by.
    """
    other = "@" in email and old.email is not None and "@" in old.email and old.email.casefold() != email.casefold()
    if other:
        return new
    return replace(new, email=old.email or new.email, password=old.password or new.password)
