"""Renewals with a site of the test's making: one at a time, never in a loop, nothing lost."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from addons.accounts.account import Account
from addons.accounts.health import Health
from addons.accounts.renewal import (
    CHALLENGE_AGAIN_S,
    IDLE_AGAIN_S,
    PROVEN_S,
    STILL_GOOD_S,
    TRY_AGAIN_S,
    Renewal,
)
from addons.accounts.state_store import FileStateStore
from addons.vault.errors import VaultError
from addons.vault.lock import locked
from addons.vault.store import Vault
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.session import Identity, SessionUpdate
from tests.accounts.renewing import DOWN, EXPIRED, ME, START, House, renewed
from tests.support.accounts import health_of

pytestmark = pytest.mark.anyio


async def test_a_session_with_time_left_is_used_as_it_is(make: Callable[..., House]) -> None:
    house = make(f"a:{START + 1000}")
    assert await house.token() == START + 1000
    assert house.site.asked == []


async def test_fifty_who_wait_share_one_renewal(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers, house.gate = [renewed(START + 900, refresh="r2")], asyncio.Event()
    waiting = [asyncio.ensure_future(house.token()) for _ in range(50)]
    for _ in range(3):
        await asyncio.sleep(0)
    assert house.health() is Health.REFRESHING
    house.gate.set()
    assert set(await asyncio.gather(*waiting)) == {START + 900}
    assert house.site.asked == ["refresh"]
    assert house.stored["cookies"] == {"refresh": "r2"}
    assert house.health() is Health.OK


async def test_a_waiter_who_leaves_does_not_stop_the_renewal(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers, house.gate = [renewed(START + 900)], asyncio.Event()
    first, second = asyncio.ensure_future(house.token()), asyncio.ensure_future(house.token())
    await asyncio.sleep(0)
    first.cancel()
    house.gate.set()
    assert await second == START + 900


async def test_a_session_about_to_end_serves_while_it_is_renewed(make: Callable[..., House]) -> None:
    house = make(f"a:{START + STILL_GOOD_S + 5}")
    house.site.answers, house.gate = [renewed(START + 900)], asyncio.Event()
    assert await house.token() == START + STILL_GOOD_S + 5
    house.gate.set()
    await house.pool.close()
    assert await house.token() == START + 900


async def test_two_processes_renew_once(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers, house.gate = [renewed(START + 900)], asyncio.Event()
    other = house.second()
    both = [asyncio.ensure_future(p.renewal.session(p.all()[0])) for p in (house.pool, other)]
    for _ in range(5):
        await asyncio.sleep(0)
    house.gate.set()
    assert [session.expires_at for session in await asyncio.gather(*both)] == [START + 900] * 2
    assert house.site.answers == []


async def test_a_refused_renewal_ends_the_session_until_another_is_stored(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers = [EXPIRED]
    for _ in range(3):
        with pytest.raises(ProviderError, match="signed out"):
            await house.token()
    assert house.site.answers == []
    assert house.health() is Health.EXPIRED
    house.other.put("site", "me", {"token": f"a:{START + 900}", "cookies": {"refresh": "r9"}})
    assert await house.token() == START + 900


async def test_a_remembered_password_signs_in_again(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}", email="me@example.com", password="secret word")
    house.site.answers, house.site.sign_ins = [EXPIRED], [renewed(START + 900)] * 9
    assert await house.token() == START + 900
    assert house.stored["password"] == "secret word"


async def test_a_challenge_at_renewal_is_said_and_not_repeated_while_the_session_serves(
    make: Callable[..., House],
) -> None:
    house = make(f"a:{START + 60}")
    house.site.answers = [ProviderError(ErrorKind.CHALLENGE, "prove you are human")]
    for _ in range(3):
        assert await house.token() == START + 60
        await house.pool.close()
    assert house.health() is Health.CHALLENGED
    house.clock_s += TRY_AGAIN_S + 1
    assert await house.token() == START + 60
    await house.pool.close()
    house.clock_s += CHALLENGE_AGAIN_S
    house.site.answers = [renewed(START + 900)]
    await house.token()
    await house.pool.close()
    assert await house.token() == START + 900
    assert house.health() is Health.OK, "the site's check at renewals was passed"


@pytest.mark.parametrize("kind", [ErrorKind.CHALLENGE, ErrorKind.QUOTA, ErrorKind.ACCOUNT_BLOCKED])
async def test_a_renewal_says_nothing_of_how_chats_are_answered(make: Callable[..., House], kind: ErrorKind) -> None:
    """Sites whose account calls went well while no chat was answered were called well."""
    house = make(f"a:{START - 5}")
    house.site.answers = [DOWN, renewed(START + 900)]
    house.account.refused(ProviderError(kind, "not for programs", retry_after_s=3600))
    health = house.health()
    with pytest.raises(ProviderError, match="down"):
        await house.token()
    assert house.health() is health
    assert await house.token() == START + 900
    house.account.known()
    assert house.health() is health is not Health.OK
    house.account.succeeded("m")
    assert house.health() is Health.OK


async def test_a_renewed_session_is_expired_no_longer(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}")
    house.account.refused(EXPIRED)
    house.site.answers = [renewed(START + 900)]
    await house.token()
    assert house.health() is Health.OK


async def test_a_site_that_is_down_leaves_the_account_as_it_was(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers = [DOWN, renewed(START + 900)]
    with pytest.raises(ProviderError, match="down"):
        await house.token()
    assert house.health() is Health.OK
    assert await house.token() == START + 900


async def test_a_rejected_session_is_renewed_once(make: Callable[..., House]) -> None:
    house = make(f"a:{START + 1000}")
    session = await house.renewal.session(house.account)
    house.site.answers = [renewed(START + 2000)]
    new = await house.renewal.rejected(house.account, session, EXPIRED)
    assert new.expires_at == START + 2000
    assert await house.renewal.rejected(house.account, session, EXPIRED) is new, "the old one was refused, not this"
    with pytest.raises(ProviderError, match="signed out"):
        await house.renewal.rejected(house.account, new, EXPIRED)


async def test_who_comes_as_a_renewal_lands_gets_the_new_session(
    make: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the end of a renewal and the loop's telling of it others run; 2 of 1,500 requests under load did."""
    house = make(f"a:{START + 1000}")
    session = await house.renewal.session(house.account)
    house.site.answers = [renewed(START + 2000)]
    monkeypatch.setattr(type(house.renewal), "_landed", lambda *_: None)
    new = await house.renewal.rejected(house.account, session, EXPIRED)
    assert await house.renewal.rejected(house.account, session, EXPIRED) is new


async def test_what_cannot_be_renewed_is_dead_when_the_site_says_so(make: Callable[..., House]) -> None:
    house = make("a", cookies={})
    session = await house.renewal.session(house.account)
    house.site.identities = [Identity("a"), EXPIRED]
    for _ in range(2):
        with pytest.raises(ProviderError, match="signed out"):
            await house.renewal.rejected(house.account, session, EXPIRED)
        await house.pool.close()
    assert (await house.renewal.session(house.account)) is session, "the site knows it: one odd refusal ends nothing"
    house.clock_s += PROVEN_S + 1
    with pytest.raises(ProviderError, match="signed out"):
        await house.renewal.rejected(house.account, session, EXPIRED)
    await house.pool.close()
    with pytest.raises(ProviderError, match="signed out"):
        await house.renewal.session(house.account)


async def test_an_ended_session_without_renewal_is_refused_here(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 1}", cookies={})
    with pytest.raises(ProviderError, match="has ended"):
        await house.token()
    assert house.site.asked == []


async def test_nothing_stored_is_missing(make: Callable[..., House]) -> None:
    house = make("a")
    house.other.remove("site", "me")
    with pytest.raises(ProviderError, match="glassgate login site me"):
        await house.token()
    assert house.health() is Health.MISSING


async def test_somebody_elses_session_is_not_taken(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers = [SessionUpdate(f"b:{START + 900}")]
    with pytest.raises(ProviderError, match="somebody else"):
        await house.token()
    assert house.stored["token"] == f"a:{START - 5}"


async def test_a_login_meanwhile_stands(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers, house.gate = [renewed(START + 900)], asyncio.Event()
    waiting = asyncio.ensure_future(house.token())
    await asyncio.sleep(0)
    house.other.put("site", "me", {"token": f"a:{START + 5000}"})
    house.gate.set()
    assert await waiting == START + 5000


async def test_a_full_disk_loses_no_renewed_session(make: Callable[..., House], monkeypatch: Any) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers = [renewed(START + 900, refresh="r2")]

    def full(*a: Any, **k: Any) -> None:
        raise VaultError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(house.vault, "put_all", full)
        assert await house.token() == START + 900
        assert await house.token() == START + 900
        assert house.stored["cookies"] == {"refresh": "r1"}
    await house.pool.tend()
    assert house.stored["cookies"] == {"refresh": "r2"}


async def test_a_new_configuration_loses_no_renewed_session_either(
    make: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers = [renewed(START + 900)]
    with monkeypatch.context() as patch:
        patch.setattr(Vault, "put_all", lambda *_, **__: (_ for _ in ()).throw(VaultError("disk full")))
        assert await house.token() == START + 900
    second = house.second(house.pool)
    assert (await second.renewal.session(second.all()[0])).expires_at == START + 900
    await second.tend()
    assert house.stored["token"] == f"a:{START + 900}"


async def test_the_end_waits_for_the_renewal_of_an_account_that_is_not_configured_any_more(
    make: Callable[..., House],
) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers, house.gate = [renewed(START + 900)], asyncio.Event()
    asks = asyncio.ensure_future(house.token())
    await asyncio.sleep(0)
    third = house.second(house.second(house.pool, ()), ())
    ends = asyncio.ensure_future(third.close())
    await asyncio.sleep(0)
    assert not ends.done()
    house.gate.set()
    await ends
    assert house.stored["token"] == f"a:{START + 900}"
    assert await asks == START + 900


async def test_cookies_of_any_answer_are_kept(make: Callable[..., House]) -> None:
    house = make(f"a:{START + 1000}")
    session = await house.renewal.session(house.account)
    house.pool.handed_out(session, {"refresh": "r2", "tracking": "no"})
    await house.pool.close()
    assert house.stored["cookies"] == {"refresh": "r2"}
    revision = house.other.get("site", "me")
    house.pool.handed_out(session, {"refresh": "r2"})
    await house.pool.close()
    assert house.other.get("site", "me") == revision, "the same value is no news"


@pytest.mark.parametrize("fault", [ErrorKind.CHALLENGE, ErrorKind.PROVIDER_DOWN])
async def test_a_site_that_renews_no_idle_session_is_not_asked_on_and_on(
    make: Callable[..., House], fault: ErrorKind
) -> None:
    house = make(f"a:{START + 4 * 86_400 + 900}")
    house.now_s += 4 * 86_400
    house.site.answers = [ProviderError(fault, "not now"), renewed(START + 4 * 86_400 + 3600)]
    for _ in range(20):
        await house.pool.tend()
    assert len(house.site.answers) == 1
    house.clock_s += IDLE_AGAIN_S + 1
    await house.pool.tend()
    assert not house.site.answers


async def test_idle_sessions_are_renewed_now_and_then(make: Callable[..., House]) -> None:
    house = make("a")
    await house.pool.tend()
    assert house.site.asked == []
    house.now_s += 4 * 86_400
    house.site.answers = [renewed(START + 10**6)] * 2
    await house.pool.tend()
    assert house.stored["token"] == f"a:{START + 10**6}"


async def test_the_lock_of_another_process_is_waited_for(make: Callable[..., House], tmp_path: Path) -> None:
    house = make(f"a:{START - 5}")
    house.site.answers = [renewed(START + 900)]
    other = FileStateStore(house.folder / "accounts.json", lambda: house.now_s)
    async with other.lock(ME):
        waiting = asyncio.ensure_future(house.token())
        await asyncio.sleep(0.01)
        assert not waiting.done()
    assert await waiting == START + 900


async def test_the_state_outlives_the_process(make: Callable[..., House]) -> None:
    house = make(f"a:{START + 1000}")
    limited = ProviderError(ErrorKind.QUOTA, "used up", retry_after_s=3600)
    house.account.refused(limited)
    await house.pool.save()
    again = health_of(house.folder / "accounts.json", ME, lambda: house.now_s)
    state = again.state
    assert state
    assert (state.health, state.until, state.reason) == (Health.LIMITED, START + 3600, "used up")
    house.now_s += 3601
    later = again.state
    assert later
    assert later.health is Health.OK


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version": 2, "accounts": {}}', '{"accounts": {"a/b": {"x": 1}}}']
)
def test_a_damaged_file_counts_as_empty(tmp_path: Path, content: str) -> None:
    file = tmp_path / "accounts.json"
    file.write_text(content)
    file.chmod(0o600)
    assert health_of(file, ("a", "b")).state is None


@pytest.mark.processes
def test_the_lock_is_free_when_its_holder_dies(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "x.lock"
    code = "import os, sys; from pathlib import Path; from addons.vault.lock import locked\n"
    code += "with locked(Path(sys.argv[1]), 0): os._exit(9)"
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 9
    with locked(path, 0):
        pass


async def test_a_token_that_names_no_end_is_renewed_when_it_is_old(make: Callable[..., House]) -> None:
    house = make("a")
    house.site.renew_every_s = 3600  # type: ignore[misc]
    assert await house.token() is None
    assert house.site.asked == []
    house.now_s += 3700
    house.site.answers = [SessionUpdate("another")]
    assert await house.token() is None, "it serves meanwhile"
    await house.pool.close()
    assert (house.site.asked, house.stored["token"]) == (["refresh"], "another")


async def test_a_rotated_cookie_of_somebody_else_is_not_kept(make: Callable[..., House]) -> None:
    house = make(f"a:{START + 1000}")
    session = await house.renewal.session(house.account)
    house.site.from_cookies = lambda session, cookies: SessionUpdate(f"b:{START + 9000}")  # type: ignore[method-assign]
    house.pool.handed_out(session, {"refresh": "r2"})
    await house.pool.close()
    assert house.stored["token"] == f"a:{START + 1000}"


async def test_a_bug_while_a_session_is_renewed_is_told_and_ends_nothing(
    make: Callable[..., House], caplog: pytest.LogCaptureFixture
) -> None:
    """Not a ProviderError, but a fault of the gateway: who waits gets an error, the account is not left renewing."""
    house = make(f"u1:{START + 5}")
    house.site.answers = [RuntimeError("a bug")]  # type: ignore[list-item]
    with pytest.raises(ProviderError, match="could not be renewed"):
        await house.renewal.session(house.account)
    state = house.account.health.state
    assert state is None or state.health is not Health.REFRESHING
    assert any(record.exc_info for record in caplog.records)


async def test_one_account_that_cannot_be_looked_after_keeps_no_other(
    make: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make(f"u1:{START + 5000}")
    seen: list[str] = []

    async def fails(self: Renewal, account: Account) -> None:
        seen.append(account.name)
        raise KeyError(account.name)

    monkeypatch.setattr(Renewal, "_renew_idle", fails)
    await house.second(house.pool, ("me", "two")).tend()
    assert seen == ["me", "two"]


async def test_a_limit_of_a_renewal_rests_no_longer_than_another(make: Callable[..., House]) -> None:
    house = make(f"a:{START - 5}")
    for error, length in (
        (ProviderError(ErrorKind.RATE_LIMITED, "slow down", retry_after_s=2e6), 600),
        (ProviderError(ErrorKind.RATE_LIMITED, "slow down"), 15),
        (ProviderError(ErrorKind.QUOTA, "used up", retry_after_s=7200), 7200),
    ):
        house.site.answers = [error]
        with pytest.raises(ProviderError):
            await house.token()
        state = house.account.health.state
        assert state is not None
        assert (state.health, state.until) == (Health.LIMITED, START + length)
        house.clock_s += 3600
