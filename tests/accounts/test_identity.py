"""A site that swaps a session for another person's, where no token says whose it is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from addons.accounts.health import Health
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials, Identity, Session, SessionUpdate
from tests.accounts.renewing import START, FakeSite, House

pytestmark = pytest.mark.anyio

ENDED = ProviderError(ErrorKind.SESSION_EXPIRED, "who is that?")
DOWN = ProviderError(ErrorKind.PROVIDER_DOWN, "no answer")


class OpaqueSite(FakeSite):
    """Its tokens name nobody."""

    def read_session(self, account: str, credentials: Credentials) -> Session:
        read = super().read_session(account, credentials)
        return Session(read.provider, read.account, read.names, {}, read.expires_at)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., House]:
    tmp_path.chmod(0o700)

    def house(*identities: Identity | ProviderError) -> House:
        made = House(tmp_path, {"token": f"a:{START - 5}", "cookies": {"refresh": "r1"}}, OpaqueSite())
        made.site.answers, made.site.identities = [SessionUpdate(f"b:{START + 900}")], list(identities)
        return made

    return house


async def test_a_renewed_session_of_somebody_else_is_not_taken(make: Callable[..., House]) -> None:
    house = make(Identity("ada"), Identity("eve"))
    with pytest.raises(ProviderError, match="somebody else"):
        await house.token()
    assert house.stored["token"] == f"a:{START - 5}"
    assert house.health() is Health.EXPIRED
    assert house.site.asked == ["identify", "refresh", "identify"]


async def test_the_same_persons_is_and_the_name_is_remembered(make: Callable[..., House]) -> None:
    house = make(Identity("ada"), Identity("ada"), Identity("ada"))
    assert await house.token() == START + 900
    house.now_s += 900
    house.site.answers = [SessionUpdate(f"c:{START + 1800}")]
    assert await house.token() == START + 1800
    assert house.site.asked == ["identify", "refresh", "identify", "refresh", "identify"]
    assert not any(house.kept), "what is asked for that keeps no cookies by itself"


async def test_a_site_that_cannot_be_asked_is_believed(
    make: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make()
    monkeypatch.setattr(house.site, "identify", lambda session, now: None)
    assert await house.token() == START + 900


async def test_an_address_will_do_where_there_is_no_id(make: Callable[..., House]) -> None:
    with pytest.raises(ProviderError, match="somebody else"):
        await make(Identity("", email="ada@example.org"), Identity("", email="eve@example.org")).token()


@pytest.mark.parametrize("identities", [(ENDED,), (DOWN,), (Identity(""),), (Identity("ada"), DOWN)])
async def test_where_it_cannot_be_known_the_renewed_session_serves(
    make: Callable[..., House], identities: tuple[Identity | ProviderError, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert await make(*identities).token() == START + 900
    assert "whose it is could not be compared" in caplog.text


async def test_a_renewed_session_the_site_does_not_know_is_not_kept(make: Callable[..., House]) -> None:
    house = make(Identity("ada"), ENDED)
    with pytest.raises(ProviderError, match="who is that"):
        await house.token()
    assert house.stored["token"] == f"a:{START - 5}"


@pytest.mark.parametrize(("now", "kept"), [("ada", "r2"), ("eve", "r1")])
async def test_a_rotated_cookie_is_kept_for_the_same_person_only(
    make: Callable[..., House], now: str, kept: str
) -> None:
    house = make(Identity("ada"), Identity(now))
    house.other.put("site", "me", {"token": f"a:{START + 5000}", "cookies": {"refresh": "r1"}})
    session = await house.renewal.session(house.account)
    house.pool.handed_out(session, {"refresh": "r2"})
    await house.pool.close()
    assert house.stored["cookies"] == {"refresh": kept}
    credentials = house.account.session.stored()
    assert credentials is not None
    assert credentials.credentials.cookies == {"refresh": kept}, "and it is out of force"


async def test_an_owner_is_asked_for_once_and_anew_for_another_session(make: Callable[..., House]) -> None:
    house = make(Identity("ada"), Identity("eve"))
    owners, account = house.renewal.owners, house.account
    stored = account.session.stored()
    assert stored is not None
    assert [await owners.of(account, stored) for _ in range(3)] == ["ada"] * 3
    assert house.site.asked == ["identify"]
    other = replace(stored, rev=99)
    assert await owners.of(account, other) == "eve"
    owners.named(account, stored, "bob")
    assert await owners.of(account, stored) == "bob"
    assert house.site.asked == ["identify"] * 2


async def test_a_site_that_cannot_be_asked_is_not_asked_again_for_the_same_session(make: Callable[..., House]) -> None:
    house = make(DOWN)
    stored = house.account.session.stored()
    assert stored is not None
    assert [await house.renewal.owners.of(house.account, stored) for _ in range(2)] == ["", ""]
    assert house.site.asked == ["identify"]


async def test_a_new_session_is_asked_about_as_itself_and_is_not_in_force_then(make: Callable[..., House]) -> None:
    house = make(Identity("ada"))
    stored = house.account.session.stored()
    assert stored is not None
    new = Credentials(token=f"n:{START + 900}")
    assert await house.renewal.owners.of_new(house.account, stored, new) == "ada"
    assert house.account.session.stored() == stored
