"""Signing in to K2Think: by e-mail and password, or out of the person's own browsing."""

from collections.abc import Mapping

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.given import person_id, words
from providers.contract.session import Credentials, Identity, ObservedExchange, Session, SessionUpdate
from providers.contract.sign_in import SignIn
from providers.contract.steps import Moment, Steps
from providers.formats.jsontext import loads, mapping, text
from providers.formats.jwt import claims, ends_at
from providers.k2think import data
from providers.k2think.api import K2ThinkApi
from providers.k2think.captured_session import extract, missing
from providers.k2think.errors import refusal
from providers.k2think.password import with_password


def read_session(provider: str, account: str, credentials: Credentials) -> Session:
    """The token stands as such or as the cookie `token`; it says itself until when it is good, if it says so."""
    found = claims(credentials.token or credentials.cookies.get("token") or "")
    if found is None:
        raise ProviderError(
            ErrorKind.SESSION_EXPIRED,
            f"The stored K2Think session has no token of the site's (a JWT, it begins with eyJ). Sign in at "
            f"{data.BASE_URL} in your browser and store the value of the cookie or localStorage key `token`.",
        )
    names = tuple(name for name, value in credentials.values().items() if value)
    facts = {"user_id": person_id(found.get("id")), "email": words(found.get("email"))}
    return Session(provider, account, names, facts, expires_at=ends_at(found) or credentials.expires_at)


class K2ThinkSignIn(SignIn):
    """The SignIn of K2Think."""

    rotating_cookies = frozenset({"token"})

    def __init__(self, api: K2ThinkApi) -> None:
        super().__init__(f"{api.options.base_url}/auth?mode=signin")
        self._api = api

    def identify(self, session: Session, now: Moment) -> Steps[Identity]:
        """Open WebUI's own call; where the site lacks it, a list of models shows that the token is good."""
        answer = yield self._api.call("GET", data.WHO_PATH, session)
        who = mapping(loads(answer.body))
        if answer.status == 200 and (user_id := text(who.get("id"))):
            return Identity(user_id, text(who.get("name")), text(who.get("email")))
        if answer.status in (401, 403):
            raise refusal(answer.status, answer.headers, answer.body)
        yield from self._api.ask_models(session)
        return Identity(session.facts.get("user_id", ""), email=session.facts.get("email", ""))

    def with_password(self, session: Session, now: Moment) -> Steps[SessionUpdate] | None:
        if not session.has("email") or not session.has("password"):
            return None
        headers = session.as_browser(self._api.headers) | {"accept": "application/json"}
        if cookies := session.cookie_header(without=("token",)):
            headers["cookie"] = cookies
        return with_password(session, self._api.options.base_url, headers, now)

    def from_cookies(self, session: Session, cookies: Mapping[str, str]) -> SessionUpdate | None:
        """The token renews whichever place it is kept in; another person's (read_session tells) is refused later."""
        token = cookies.get("token", "")
        if claims(token) is None:
            return None
        kept = {"token": token} if session.has("cookie:token") else {}
        return SessionUpdate(token if session.has("token") else None, kept)

    def extract(self, seen: ObservedExchange) -> Credentials | None:
        return extract(seen)

    def missing(self, credentials: Credentials) -> tuple[str, ...]:
        return missing(credentials)
