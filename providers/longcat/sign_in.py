"""Signing in to LongCat: in the browser alone."""

from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials, Identity, ObservedExchange, Session
from providers.contract.sign_in import SignIn
from providers.contract.steps import Moment, Steps
from providers.formats.jsontext import loads, mapping, text
from providers.longcat import data
from providers.longcat.api import LongCatApi
from providers.longcat.captured_session import extract, missing
from providers.longcat.errors import number, refusal


class LongCatSignIn(SignIn):
    """The SignIn of LongCat."""

    rotating_cookies = frozenset({data.PASSPORT})

    def __init__(self, api: LongCatApi) -> None:
        super().__init__(f"{api.base_url}/t")
        self._api = api

    def identify(self, session: Session, now: Moment) -> Steps[Identity]:
        """GET user-current. It answers code 0 to a stranger too: only loginStatus tells."""
        answer = yield self._api.call("GET", f"{data.WHO_PATH}?t={now.epoch_ms}", session, now)
        value = mapping(loads(answer.body))
        who = mapping(value.get("data"))
        if answer.status != 200 or number(value.get("code")) or not who:
            raise refusal(answer.status, answer.headers, answer.body)
        if number(who.get("loginStatus")) != 1 and who.get("loginStatus") is not True:
            raise ProviderError(
                ErrorKind.SESSION_EXPIRED, "LongCat takes this session for a stranger's: its sign-in has ended."
            )
        user_id = who.get("userId")
        return Identity(
            str(user_id) if isinstance(user_id, str) or number(user_id) is not None else "",
            email=text(who.get("email")),
        )

    def extract(self, seen: ObservedExchange) -> Credentials | None:
        return extract(seen)

    def missing(self, credentials: Credentials) -> tuple[str, ...]:
        return missing(credentials)
