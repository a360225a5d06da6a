"""A sign-in that nobody wrote."""

from providers.contract.session import Credentials, ObservedExchange, Session, SessionUpdate
from providers.contract.sign_in import SignIn
from providers.contract.steps import Moment


def test_a_sign_in_that_nobody_wrote_knows_nothing_and_asks_nobody() -> None:
    sign_in, session = SignIn("https://site.example"), Session("site", "a", ("email", "password"))
    now = Moment(0, lambda: "id")
    assert sign_in.page == "https://site.example"
    assert (sign_in.rotating_cookies, sign_in.renew_every_s) == (frozenset(), None)
    asked = [sign_in.identify(session, now), sign_in.refresh(session, now), sign_in.with_password(session, now)]
    assert asked == [None, None, None]
    assert sign_in.missing(Credentials()) == ()
    assert sign_in.from_cookies(session, {"a": "1"}) == SessionUpdate(None, {"a": "1"})
    assert sign_in.extract(ObservedExchange("GET", "https://site.example/", {"authorization": "Bearer t"})) is None
