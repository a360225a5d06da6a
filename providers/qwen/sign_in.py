"""The sign-in to Qwen: by e-mail and password, or from the person's own browsing; the access token is renewed."""

from collections.abc import Mapping
from dataclasses import replace

from providers.contract.call import Call
from providers.contract.session import Credentials, Identity, ObservedExchange, Session, SessionUpdate
from providers.contract.sign_in import SignIn
from providers.contract.steps import Moment, Steps
from providers.qwen import data
from providers.qwen.api import QwenApi
from providers.qwen.captured_session import extract, missing
from providers.qwen.password import with_password
from providers.qwen.session import read_identity, read_renewal, read_rotated, renewable


class QwenSignIn(SignIn):
    """The SignIn of Qwen."""

    rotating_cookies = frozenset({"token", "refresh_token"})

    def __init__(self, api: QwenApi) -> None:
        super().__init__(f"{api.options.base_url}/auth")
        self._api = api

    def identify(self, session: Session, now: Moment) -> Steps[Identity]:
        """GET /api/v1/auths/, else its successor on the sign-in host."""
        answer = yield self._api.call("GET", "/api/v1/auths/", session, now)
        if answer.status in (404, 405, 410):
            answer = yield self._api.call("GET", "/api/v2/auths/", session, now, base=self._api.options.auth_url)
        return read_identity(answer, session)

    def refresh(self, session: Session, now: Moment) -> Steps[SessionUpdate] | None:
        return self._refresh(session, now) if renewable(session) else None

    def _refresh(self, session: Session, now: Moment) -> Steps[SessionUpdate]:
        """The cookie alone proves who asks; without the three headers of the page's origin the call is refused."""
        headers = self._api.page.on(session, now, bearer=False)
        headers |= {"x-request-origin": data.BASE_URL}
        if "sec-fetch-site" in headers:  # a browser that sends it says so of calls to the other host
            headers["sec-fetch-site"] = "same-site"
        url = f"{self._api.options.auth_url}/api/v2/auths/refresh"
        answer = yield Call("GET", url, tuple(headers.items()))
        return read_renewal(answer, session)

    def with_password(self, session: Session, now: Moment) -> Steps[SessionUpdate] | None:
        if not session.has("email") or not session.has("password_sha256"):
            return None
        bare = replace(session, names=tuple(name for name in session.names if name.startswith("header:")))
        page = self._api.page
        return with_password(session, self._api.options.base_url, lambda: page.on(bare, now, referer="/auth"))

    def from_cookies(self, session: Session, cookies: Mapping[str, str]) -> SessionUpdate | None:
        return read_rotated(session, cookies)

    def extract(self, seen: ObservedExchange) -> Credentials | None:
        return extract(seen)

    def missing(self, credentials: Credentials) -> tuple[str, ...]:
        return missing(credentials)
