"""Signing in: where sessions come from and how they are kept alive. Sans-IO.

Steps here are run for one account at a time; what they return is written into the vault.
"""

from collections.abc import Mapping
from typing import ClassVar

from providers.contract.session import Credentials, Identity, ObservedExchange, Session, SessionUpdate
from providers.contract.steps import Moment, Steps


class SignIn:
    """A provider's sign-in. As it stands here it knows nothing: a session is stored by hand and used until it ends."""

    rotating_cookies: ClassVar[frozenset[str]] = frozenset()
    """Cookies whose new value, handed out with any answer, belongs into the vault."""
    renew_every_s: ClassVar[int | None] = None
    """A session that says no end is renewed when it was stored longer ago than this; None: when the site refuses it."""

    def __init__(self, page: str) -> None:
        self.page = page
        """Where the person signs in with a browser."""

    def identify(self, session: Session, now: Moment) -> Steps[Identity] | None:
        """Steps that ask the site whose session it is. They raise ProviderError(SESSION_EXPIRED) for a dead one."""
        return None

    def refresh(self, session: Session, now: Moment) -> Steps[SessionUpdate] | None:
        """Steps that renew the session, or None where it holds nothing to renew it with.

        They raise ProviderError(SESSION_EXPIRED) when the site does not renew it any more.
        """
        return None

    def with_password(self, session: Session, now: Moment) -> Steps[SessionUpdate] | None:
        """Steps that sign in with the secrets `email` and `password` (or `password_sha256`) of `session`.

        None where the site does not let programs in (a challenge at the door), or the secrets are not there. They raise
        ProviderError: SESSION_EXPIRED for a wrong password, CHALLENGE when the site wants a human.
        """
        return None

    def from_cookies(self, session: Session, cookies: Mapping[str, str]) -> SessionUpdate | None:
        """The new secrets in `cookies` (those of `rotating_cookies`) that some answer set; None to pass them over."""
        return SessionUpdate(None, cookies)

    def extract(self, seen: ObservedExchange) -> Credentials | None:
        """What an exchange of the person's own browser with one of our origins shows of a signed-in session.

        None for an exchange that shows nothing, or a guest. What several show is merged, the newest value wins.
        """
        return None

    def missing(self, credentials: Credentials) -> tuple[str, ...]:
        """What Credentials out of exchanges still lack to serve, in words for the person; empty when they are whole."""
        return ()
