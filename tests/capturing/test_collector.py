"""Observed exchanges put together; driven with a provider of the test's own."""

import pytest

from addons.capturing.collector import CredentialCollector, with_kept_login
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import AnyProvider
from providers.contract.session import Credentials, ObservedExchange, Session
from providers.contract.sign_in import SignIn
from providers.zai.options import ZaiOptions
from providers.zai.provider import Zai


class TwoSignIn(SignIn):
    """A site whose session is a token and a cookie."""

    def extract(self, seen: ObservedExchange) -> Credentials | None:
        if not seen.bearer and not seen.new_cookies:
            return None
        return Credentials(seen.bearer or None, seen.new_cookies)

    def missing(self, credentials: Credentials) -> tuple[str, ...]:
        return () if credentials.token and credentials.cookies else ("a token and a cookie",)


class Two(Zai):
    def __init__(self) -> None:
        super().__init__("two", ZaiOptions(base_url="https://two.example"))
        self.sign_in = TwoSignIn(self.options.base_url)

    def read_session(self, account: str, credentials: Credentials) -> Session:
        if credentials.token == "unfit":
            raise ProviderError(ErrorKind.SESSION_EXPIRED, "unfit")
        return Session(self.name, account, tuple(credentials.values()), expires_at=credentials.expires_at)


def collector() -> CredentialCollector:
    two: AnyProvider = Two()  # type: ignore[assignment]  # invariant
    return CredentialCollector(two, "main")


def seen(token: str = "", cookie: str = "") -> ObservedExchange:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return ObservedExchange("GET", "https://two.example/", headers, 200, (f"c={cookie}",) if cookie else ())


def test_a_session_is_whole_once_all_of_it_was_seen() -> None:
    gathered = collector()
    assert gathered.add(seen(token="t1"))
    assert gathered.complete(0) is None
    assert gathered.missing() == ("a token and a cookie",)
    assert gathered.add(seen(cookie="c1"))
    whole = gathered.complete(0)
    assert whole is not None
    assert whole[0] == Credentials("t1", {"c": "c1"})


def test_the_newest_value_wins_and_what_is_known_is_no_news() -> None:
    gathered = collector()
    gathered.add(seen("t1", "c1"))
    assert not gathered.add(seen("t1", "c1"))
    assert not gathered.add(seen())
    assert gathered.add(seen("t2"))
    whole = gathered.complete(0)
    assert whole is not None
    assert whole[0].token == "t2"


def test_a_session_the_provider_cannot_read_is_not_whole() -> None:
    gathered = collector()
    gathered.add(seen("unfit", "c1"))
    assert gathered.complete(0) is None


def test_a_refused_session_is_not_offered_again() -> None:
    gathered = collector()
    gathered.add(seen("t1", "c1"))
    gathered.refuse(Credentials("t1", {"c": "c1"}))
    gathered.add(seen("t1", "c1"))
    assert gathered.complete(0) is None
    gathered.add(seen("t2", "c2"))
    assert gathered.complete(0) is not None


def test_what_the_browser_showed_meanwhile_is_newer_than_what_the_proof_brought() -> None:
    gathered = collector()
    gathered.add(seen("t1", "c1"))
    before = Credentials("t1", {"c": "c1"})
    gathered.add(seen(cookie="c3"))
    gathered.replace_renewed(before, Credentials("t1", {"c": "c2"}))
    whole = gathered.complete(0)
    assert whole is not None
    assert whole[0].cookies == {"c": "c3"}


def test_it_shows_names_and_no_values() -> None:
    gathered = collector()
    gathered.add(seen("secret-token", "secret-cookie"))
    assert repr(gathered) == "CredentialCollector(cookie:c, token)"


@pytest.mark.parametrize(
    ("email", "keeps"),
    [
        pytest.param("person@example.com", True, id="the same person"),
        pytest.param("Person@Example.com", True, id="the same in other letters"),
        pytest.param("", True, id="nobody knows whose"),
        pytest.param("other@example.com", False, id="another person"),
    ],
)
def test_a_kept_login_stays_with_its_person(email: str, keeps: bool) -> None:
    old = Credentials("old", email="person@example.com", password="p")
    found = with_kept_login(Credentials("new"), old, email)
    assert found.token == "new"
    assert (found.password == "p") is keeps
