"""When exactly a session is renewed, and what a renewal leaves as it was."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from addons.accounts.account import ConfiguredAccount
from addons.accounts.health import Health
from addons.accounts.pool import build
from addons.accounts.renewal import (
    CHALLENGE_AGAIN_S,
    DEAD_S,
    IDLE_S,
    PROVEN_S,
    RENEW_BEFORE_S,
    STILL_GOOD_S,
    TRY_AGAIN_S,
)
from addons.accounts.state_store import FileStateStore
from addons.tasks import Background
from addons.vault.errors import VaultError
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Credentials, SessionUpdate
from providers.contract.steps import Moment
from tests.accounts.renewing import DOWN, EXPIRED, ME, START, FakeSite, House, renewed
from tests.support.accounts import around

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("left_s", "given", "asked"),
    [
        (RENEW_BEFORE_S + 1, RENEW_BEFORE_S + 1, []),
        (RENEW_BEFORE_S, RENEW_BEFORE_S, ["refresh"]),
        (STILL_GOOD_S + 1, STILL_GOOD_S + 1, ["refresh"]),
        (STILL_GOOD_S, 900, ["refresh"]),
        (0, 900, ["refresh"]),
    ],
)
async def test_what_is_left_of_a_session_decides(
    make: Callable[..., House], left_s: int, given: int, asked: list[str]
) -> None:
    """Long: it serves; shorter: it serves and is renewed; next to nothing: its renewal is waited for."""
    house = make(f"a:{START + left_s}")
    house.site.answers = [renewed(START + 900)]
    assert await house.token() == START + given
    await house.pool.close()
    assert house.site.asked == asked


@pytest.mark.parametrize(("left_s", "ended"), [(1, False), (0, True)])
async def test_a_session_that_nothing_renews_serves_to_its_last_second(
    make: Callable[..., House], left_s: int, ended: bool
) -> None:
    house = make(f"a:{START + left_s}", cookies={})
    if ended:
        with pytest.raises(ProviderError, match="has ended"):
            await house.token()
        assert house.health() is Health.EXPIRED
    else:
        assert await house.token() == START + left_s


async def test_a_dead_session_is_tried_once_more_when_sites_may_have_erred(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers = [EXPIRED, renewed(START + 900)]
    for clock_s in (0.0, DEAD_S - 1):
        house.clock_s = clock_s
        with pytest.raises(ProviderError, match="signed out"):
            await house.token()
    assert house.site.asked == ["refresh"]
    house.clock_s = DEAD_S
    assert await house.token() == START + 900


@pytest.mark.parametrize(
    ("error", "pause_s"),
    [(DOWN, TRY_AGAIN_S), (ProviderError(ErrorKind.CHALLENGE, "prove you are human"), CHALLENGE_AGAIN_S)],
)
async def test_after_a_renewal_that_failed_the_next_waits_while_the_session_serves(
    make: Callable[..., House], error: ProviderError, pause_s: float
) -> None:
    house = make(f"a:{START + 60}")
    house.site.answers = [error, renewed(START + 900)]
    for clock_s, asked in ((0.0, 1), (pause_s, 1), (pause_s + 0.1, 2)):
        house.clock_s = clock_s
        await house.token()
        await house.pool.close()
        assert len(house.site.asked) == asked, clock_s


async def test_a_session_that_nobody_uses_is_renewed_when_it_has_been_idle_for_days(make: Callable[..., House]) -> None:
    house = make("a")
    house.site.answers = [SessionUpdate("another")]
    house.now_s = START + IDLE_S
    await house.pool.tend()
    assert house.site.asked == []
    house.now_s += 1
    await house.pool.tend()
    assert house.site.asked == ["refresh"]
    house.now_s += IDLE_S
    await house.pool.tend()
    assert house.site.asked == ["refresh"], "it was stored anew then"


@pytest.mark.parametrize(("after_s", "asked"), [(PROVEN_S - 1, ["refresh"]), (PROVEN_S, ["refresh", "refresh"])])
async def test_a_session_refused_right_after_its_renewal_is_not_the_reason(
    make: Callable[..., House], after_s: float, asked: list[str]
) -> None:
    house = make(f"a:{START - 5}", clock_s=1000.0)
    house.site.answers = [renewed(START + 900), renewed(START + 1800)]
    await house.token()
    session = await house.renewal.session(house.account)
    house.clock_s += after_s
    if len(asked) == 1:
        with pytest.raises(ProviderError, match="signed out"):
            await house.renewal.rejected(house.account, session, EXPIRED)
        assert house.health() is Health.EXPIRED
    else:
        assert (await house.renewal.rejected(house.account, session, EXPIRED)).expires_at == START + 1800
    assert house.site.asked == asked


async def test_a_token_that_names_no_end_serves_while_it_is_renewed_however_old(make: Callable[..., House]) -> None:
    house = make("a")
    house.site.renew_every_s = 3600  # type: ignore[misc]
    house.site.answers, house.gate = [SessionUpdate("another")], asyncio.Event()
    house.now_s += 3600 - RENEW_BEFORE_S - 1
    assert await house.token() is None
    await house.pool.close()
    assert house.kept == [], "it is not old"
    house.now_s += 10 * 3600
    serves = asyncio.ensure_future(house.token())
    for _ in range(5):
        await asyncio.sleep(0)
    assert serves.done(), "its renewal is not waited for"
    house.gate.set()
    await house.pool.close()
    assert house.stored["token"] == "another"


async def test_a_renewal_is_told_in_the_log(make: Callable[..., House], caplog: pytest.LogCaptureFixture) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers = [renewed(START + 900)]
    with caplog.at_level("INFO", "glassgate.accounts"):
        await house.token()
    assert "site/me: the session was renewed" in [record.getMessage() for record in caplog.records]


async def test_a_renewal_refused_once_is_no_more_a_reason_when_the_next_went_well(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers = [ProviderError(ErrorKind.QUOTA, "used up", retry_after_s=60), renewed(START + 900)]
    with pytest.raises(ProviderError, match="used up"):
        await house.token()
    assert house.health() is Health.LIMITED
    assert await house.token() == START + 900
    assert house.health() is Health.OK


async def test_after_a_renewal_the_next_may_follow_at_once(make: Callable[..., House]) -> None:
    """It is one that failed after which there is a pause."""
    house = make(f"a:{START - 5}", clock_s=1000.0)
    house.site.answers = [renewed(START + 60), renewed(START + 900)]
    assert [await house.token(), await house.token()] == [START + 60] * 2
    await house.pool.close()
    assert await house.token() == START + 900


async def test_the_sites_own_answers_to_renewals_keep_no_cookies_by_themselves(make: Callable[..., House]) -> None:
    """What is new in them is in the renewed session; kept twice, the older would stand."""
    house = make(f"a:{START - 5}", email="me@example.com", password="secret word")
    house.site.answers, house.site.sign_ins = [EXPIRED], [renewed(START + 900)]
    await house.token()
    assert house.kept == [False, False]


async def test_a_session_stored_by_another_process_takes_the_place_of_a_refused_one(make: Callable[..., House]) -> None:
    house = make(f"a:{START + 1000}")
    session = await house.renewal.session(house.account)
    house.other.put("site", "me", {"token": f"a:{START + 5000}"})
    assert (await house.renewal.rejected(house.account, session, EXPIRED)).expires_at == START + 5000
    assert house.site.asked == []


async def test_a_session_that_another_process_renewed_meanwhile_is_not_renewed_again(
    make: Callable[..., House],
) -> None:
    house = make(f"a:{START - 5}")
    other = FileStateStore(house.folder / "accounts.json", lambda: house.now_s)
    async with other.lock(ME):
        waiting = asyncio.ensure_future(house.token())
        await asyncio.sleep(0.01)
        house.other.put("site", "me", {"token": f"a:{START + 5000}", "cookies": {"refresh": "r7"}})
    assert await waiting == START + 5000
    assert house.site.asked == []


async def test_a_vault_that_cannot_be_locked_leaves_the_account_as_it_was(
    make: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make(f"a:{START - 5}")

    def fails(*_: object) -> None:
        raise VaultError("No locks available")

    monkeypatch.setattr(FileStateStore, "lock", fails)
    with pytest.raises(ProviderError, match="cannot be renewed: No locks available"):
        await house.token()
    assert house.health() is Health.OK


async def test_a_limit_of_one_renewal_does_not_speak_for_a_later_one(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers = [
        ProviderError(ErrorKind.QUOTA, "used up", retry_after_s=60),
        renewed(START + 60),
        renewed(START + 900),
    ]
    with pytest.raises(ProviderError, match="used up"):
        await house.token()
    await house.token()
    house.account.refused(ProviderError(ErrorKind.CHALLENGE, "not for programs"))
    house.clock_s += TRY_AGAIN_S + 1
    await house.token()
    await house.pool.close()
    assert await house.token() == START + 900
    assert house.health() is Health.CHALLENGED, "chats are not answered, whatever renewals say"


async def test_a_cookie_that_comes_while_a_renewal_is_under_way_is_older_than_its(make: Callable[..., House]) -> None:
    house = make(f"a:{START + 60}")
    house.site.answers, house.gate = [renewed(START + 900, refresh="r3")], asyncio.Event()
    session = await house.renewal.session(house.account)
    house.pool.handed_out(session, {"refresh": "r2"})
    for _ in range(5):
        await asyncio.sleep(0)
    assert house.stored["cookies"] == {"refresh": "r1"}
    house.gate.set()
    await house.pool.close()
    assert house.stored["cookies"] == {"refresh": "r3"}


async def test_a_site_that_cannot_be_asked_who_somebody_is_ends_nothing(
    make: Callable[..., House], caplog: pytest.LogCaptureFixture
) -> None:
    house = make("a", cookies={})
    house.site.identify = lambda session, now: None  # type: ignore[method-assign]
    session = await house.renewal.session(house.account)
    with pytest.raises(ProviderError, match="signed out"):
        await house.renewal.rejected(house.account, session, EXPIRED)
    await house.pool.close()
    assert (await house.renewal.session(house.account)) is session
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_check_that_the_site_asks_for_when_it_is_asked_who_somebody_is_is_told(
    make: Callable[..., House],
) -> None:
    house = make("a", cookies={})
    house.site.identities = [ProviderError(ErrorKind.CHALLENGE, "prove you are human")]
    session = await house.renewal.session(house.account)
    with pytest.raises(ProviderError, match="signed out"):
        await house.renewal.rejected(house.account, session, EXPIRED)
    await house.pool.close()
    assert house.kept == [False]
    assert house.health() is Health.CHALLENGED


async def test_an_account_whose_session_has_ended_is_told_when_it_is_looked_after(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}", cookies={})
    await house.pool.tend()
    assert house.health() is Health.EXPIRED


async def test_what_the_environment_gives_is_renewed_by_nobody(tmp_path: Path) -> None:
    """There is no vault to keep another session in."""
    site: Any = FakeSite()
    given = Credentials(token=f"a:{START - 5}", cookies={"refresh": "r1"})
    parts = around(clock=lambda: 0.0, now=lambda: START)
    moment: Callable[[], Moment] = lambda: Moment(START * 1000, lambda: "id")  # noqa: E731
    accounts = build([ConfiguredAccount(*ME)], {"site": site}, parts, site, moment, Background(), {ME: given})
    with pytest.raises(ProviderError, match="has ended"):
        await accounts.renewal.session(accounts.all()[0])
    assert site.asked == []
