"""The sign-in to Z.AI: in the browser; the token is renewed by asking for it."""

from collections.abc import Mapping

from providers.contract.session import Credentials, Identity, ObservedExchange, Session, SessionUpdate
from providers.contract.sign_in import SignIn
from providers.contract.steps import Answer, Moment, Steps
from providers.zai.api import ZaiApi, refused
from providers.zai.captured_session import extract, missing
from providers.zai.session import read_auths, token_name


class ZaiSignIn(SignIn):
    """The SignIn of Z.AI."""

    rotating_cookies = frozenset({"token"})
    renew_every_s = 12 * 3600
    """The token names no end; the site hands out a fresh one for the asking (rolling renewal)."""

    def __init__(self, api: ZaiApi) -> None:
        super().__init__(api.options.base_url)
        self._api = api

    def identify(self, session: Session, now: Moment) -> Steps[Identity]:
        identity, _ = read_auths((yield from self._auths(session)), session)
        return identity

    def refresh(self, session: Session, now: Moment) -> Steps[SessionUpdate]:
        """Steps that ask for the token again: the call hands out a fresh one each time (rolling renewal)."""
        _, token = read_auths((yield from self._auths(session)), session)
        if token_name(session) == "token":
            return SessionUpdate(token=token or None)
        return SessionUpdate(cookies={"token": token} if token else {})

    def _auths(self, session: Session) -> Steps[Answer]:
        answer = yield self._api.call("GET", "/api/v1/auths/", session)
        if answer.status != 200:
            raise refused(answer)
        return answer

    def from_cookies(self, session: Session, cookies: Mapping[str, str]) -> SessionUpdate | None:
        """A person's token in a cookie renews the session; a guest's is passed over."""
        seen = ObservedExchange("GET", self.page, {"authorization": f"Bearer {cookies.get('token', '')}"})
        found = extract(seen)
        if found is None or not found.token:
            return None
        name = token_name(session)
        return SessionUpdate(found.token) if name == "token" else SessionUpdate(None, {"token": found.token})

    def extract(self, seen: ObservedExchange) -> Credentials | None:
        return extract(seen)

    def missing(self, credentials: Credentials) -> tuple[str, ...]:
        return missing(credentials)
