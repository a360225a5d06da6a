"""A challenged account rests: how long, for whom, and what ends it; with clocks of the test's own."""

import asyncio
from pathlib import Path

import pytest

from addons.accounts.availability import AvailabilityRules
from addons.accounts.health import AccountState, Health
from addons.accounts.lease import Candidate, NoAccount
from addons.accounts.report import AccountLine, report_lines
from addons.accounts.sessions import SessionVault, StoredSession
from addons.accounts.state_store import FileStateStore
from addons.exchange.final_error import FinalError
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import AnyProvider, Model
from providers.contract.session import Credentials
from providers.zai.options import ZaiOptions
from providers.zai.provider import Zai
from tests.support.accounts import NOBODY, account, around, pool, saved

KEY = ("zai", "main")
MODEL = "GLM-4.6"
CHECK = ProviderError(ErrorKind.CHALLENGE, "Z.AI asks for a captcha.")


class House:
    """An account whose time and stored session the test sets."""

    def __init__(self, folder: Path, rules: AvailabilityRules | None = None, now: float = 1000.0) -> None:
        self.now = now
        self.store = FileStateStore(folder / "accounts.json", lambda: self.now)
        self.around = around(self.store, lambda: self.now, rules=rules)
        self.account = account(KEY, self.around)
        self.stores(1)

    def stores(self, number: int) -> None:
        """A session of the account, from outside of the vault."""
        self.account.session.from_env = Credentials(token=f"token {number}")

    def wait_s(self, model: str = MODEL) -> float:
        blocked = self.account.availability.blocked(model)
        return blocked.wait_s if blocked else 0.0

    def attempt(self, error: ProviderError | None = CHECK) -> bool:
        """One request; False when it was not let in."""
        if asyncio.run(self.account.acquire(MODEL)) is not None:
            return False
        if error is None:
            self.account.availability.succeeded(MODEL)
        else:
            self.account.availability.failed(MODEL, error)
        self.account.release(MODEL)
        return True


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_the_rest_doubles_from_five_minutes_to_some_hours(house: House) -> None:
    rests = []
    for _ in range(8):
        assert house.attempt()
        rests.append(house.wait_s())
        house.now += house.wait_s()
    assert rests == [300, 600, 1200, 2400, 4800, 9600, 14400, 14400]


def test_meanwhile_nobody_is_let_in_whatever_the_model(house: House) -> None:
    assert house.attempt()
    assert [house.attempt() for _ in range(20)] == [False] * 20
    assert house.wait_s("another model") == 300
    assert house.account.availability.is_deferred()


def test_requests_that_met_the_check_together_count_once(house: House) -> None:
    for _ in range(2):
        assert asyncio.run(house.account.acquire(MODEL)) is None
    for _ in range(2):
        house.account.availability.failed(MODEL, CHECK)
        house.account.release(MODEL)
    assert house.wait_s() == 300


def test_after_the_rest_one_request_tries_and_the_others_wait_for_it(house: House) -> None:
    house.attempt()
    house.now += 300
    assert asyncio.run(house.account.acquire(MODEL)) is None
    assert asyncio.run(house.account.acquire(MODEL)) is not None
    house.account.release(MODEL)  # its client left: it told nothing
    assert house.wait_s() == 0
    assert house.attempt(None)
    assert house.wait_s() == 0
    assert not house.account.availability.is_deferred()


def test_nobody_waits_for_the_end_of_an_answer_that_has_begun(house: House) -> None:
    house.attempt()
    house.now += 300
    assert asyncio.run(house.account.acquire(MODEL)) is None
    assert asyncio.run(house.account.acquire(MODEL)) is not None
    house.account.availability.answering()
    assert asyncio.run(house.account.acquire(MODEL)) is None
    house.account.availability.failed(MODEL, CHECK)  # after its first words
    assert house.wait_s() == 600, "words that a check follows are no passed check"


def test_a_passed_check_begins_anew(house: House) -> None:
    house.attempt()
    house.now += 300
    house.attempt()
    house.now += 600
    assert house.attempt(None)
    assert house.attempt()
    assert house.wait_s() == 300


def test_another_session_ends_the_rest(house: House) -> None:
    house.attempt()
    house.now += 300
    house.attempt()
    house.stores(2)
    assert house.wait_s() == 0
    assert house.attempt()
    assert house.wait_s() == 300, "its own first challenge"


def test_a_reset_by_hand_ends_it(house: House) -> None:
    house.attempt()
    house.account.reset()
    assert house.wait_s() == 0


def test_a_new_configuration_keeps_it_or_switches_it_off(house: House, tmp_path: Path) -> None:
    house.attempt()
    same, off = House(tmp_path), House(tmp_path, AvailabilityRules(cooldown=None))
    waits = []
    for other in (same, off):
        other.account = account(KEY, other.around, before=house.account)
        other.stores(1)
        waits.append(other.wait_s())
    assert waits == [300, 0]


def test_switched_off_nothing_rests(tmp_path: Path) -> None:
    house = House(tmp_path, AvailabilityRules(cooldown=None))
    assert [house.attempt() for _ in range(5)] == [True] * 5
    assert house.account.availability.is_deferred(), "others are asked first all the same"


def test_a_limit_remembered_from_before_counts_for_nothing_when_rests_are_off(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert house.attempt(ProviderError(ErrorKind.RATE_LIMITED, "slow down", retry_after_s=100))
    assert house.wait_s() == 100
    saved(house.store)
    off = House(tmp_path, AvailabilityRules(cooldown=None))
    assert off.wait_s() == 0
    off.account = account(KEY, off.around, before=house.account)
    assert off.wait_s() == 0


# -- another process --------------------------------------------------------------------------------------------------
def after_restart(house: House, folder: Path, stored_at: int | None, rules: AvailabilityRules | None = None) -> House:
    """A gateway that begins with the file that the other one has written."""
    saved(house.store)
    later = House(folder, rules, house.now)
    later.account.availability.recall(stored_at)
    return later


def test_the_rest_outlives_the_process_and_goes_on_growing(house: House, tmp_path: Path) -> None:
    house.attempt()
    house.now += 300
    house.attempt()
    house.now += 100
    later = after_restart(house, tmp_path, stored_at=900)
    assert later.wait_s() == 500
    assert not later.attempt()
    later.now += 500
    assert later.attempt()
    assert later.wait_s() == 1200


def test_a_rest_that_has_passed_meanwhile_is_tried_once(house: House, tmp_path: Path) -> None:
    house.attempt()
    house.now += 5000
    later = after_restart(house, tmp_path, stored_at=900)
    assert later.account.availability.is_challenged()
    assert later.attempt(None)
    assert not later.account.availability.is_challenged()
    assert after_restart(later, tmp_path, stored_at=900).wait_s() == 0


@pytest.mark.parametrize(
    ("stored_at", "rules"),
    [
        pytest.param(1001, None, id="a newer session"),
        pytest.param(None, None, id="not of the vault"),
        pytest.param(900, AvailabilityRules(cooldown=None), id="switched off"),
    ],
)
def test_what_ends_or_forbids_the_rest_counts_after_a_restart_too(
    house: House, tmp_path: Path, stored_at: int | None, rules: AvailabilityRules | None
) -> None:
    house.attempt()
    assert after_restart(house, tmp_path, stored_at, rules).wait_s() == 0


def test_a_reset_by_hand_counts_after_a_restart_too(house: House, tmp_path: Path) -> None:
    house.attempt()
    saved(house.store)
    FileStateStore(tmp_path / "accounts.json", lambda: house.now).reset([KEY])
    later = account(KEY, around(FileStateStore(tmp_path / "accounts.json", lambda: house.now), lambda: house.now))
    later.availability.recall(900)
    assert later.availability.blocked(MODEL) is None


def test_an_edited_file_makes_no_account_rest_for_longer_than_the_longest_rest(house: House, tmp_path: Path) -> None:
    house.account.health.record(AccountState(Health.CHALLENGED, 1000, 10**9, "edited"))
    assert after_restart(house, tmp_path, stored_at=900).wait_s() == 4 * 3600


def test_an_edited_file_makes_no_rest_shorter_than_the_first(house: House, tmp_path: Path) -> None:
    house.account.health.record(AccountState(Health.CHALLENGED, 1000, 900, "edited"))
    later = after_restart(house, tmp_path, stored_at=900)
    assert later.attempt()
    assert later.wait_s() == 600


def test_a_session_stored_anew_is_seen_in_its_state_at_once(house: House) -> None:
    house.attempt()
    noted = house.account.health.state
    assert noted is not None
    assert (noted.health, noted.since, noted.until) == (Health.CHALLENGED, 1000, 1300)
    house.stores(2)
    house.account.availability.forget_replaced()
    noted = house.account.health.state
    assert noted is not None
    assert noted.health is Health.OK


def test_people_are_told_until_when_it_rests() -> None:
    line = AccountLine("zai", "main", Health.CHALLENGED, "Z.AI asks for a captcha.", until=1300)
    assert "challenged  rests, asked again 1970" in report_lines([line], 1000)[0]
    assert "(in 5 min)  Z.AI asks" in report_lines([line], 1000)[0]
    assert "asked again with the next request" in report_lines([line], 1300)[0]


# -- words ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            CHECK,
            ("captcha", "in 5 min", "./run_proxy.sh capture zai main", "official API"),
        ),
        (
            ProviderError(ErrorKind.CHALLENGE, "x" * 900),
            ("in 5 min", "./run_proxy.sh capture zai main", "official API"),
        ),
        (
            ProviderError(ErrorKind.CHALLENGE, f"A {'long ' * 40}reason."),
            ("long reason. The account rests", "zai main"),
        ),
        (ProviderError(ErrorKind.CHALLENGE, "no", credential="key"), ("glassgate accounts reset zai main",)),
    ],
)
def test_the_client_is_told_why_how_long_and_what_to_do(
    house: House, error: ProviderError, said: tuple[str, ...]
) -> None:
    house.attempt(error)
    with pytest.raises(NoAccount) as none:
        asyncio.run(pool([KEY]).acquire([Candidate(house.account, Model(MODEL, MODEL))]))
    zai: AnyProvider = Zai("zai", ZaiOptions())  # type: ignore[assignment]  # invariant
    final_error = FinalError({"zai": zai})
    final_error.not_asked(none.value.passed_over)
    told = final_error.error(asked=False)
    assert (told.status, told.code) == (502, "provider_challenge")
    assert dict(told.headers())["retry-after"] == "300"
    assert all(words in told.message for words in said), told.message
    assert "capture" not in told.message or error.credential == "session"


# -- whose session it is ----------------------------------------------------------------------------------------------
def test_sessions_stored_by_others_count_as_another_and_renewals_of_ours_do_not(tmp_path: Path) -> None:
    path = tmp_path / "v" / "vault.json"
    vault = Vault.create(path, VaultKey.from_text("A" * 43 + "="), sync=False)
    vault.put(*KEY, {"token": "first"})
    reader = SessionVault(vault)
    session = StoredSession(KEY, NOBODY, reader)

    async def scenario() -> list[object]:
        seen = [session.standing()]
        stored = session.stored()
        assert stored is not None
        await session.store(stored, Credentials(token="renewed"))
        seen.append(session.standing())
        other = Vault.open(path, VaultKey.from_text("A" * 43 + "="))
        other.put(*KEY, {"token": "captured"})
        await reader.refresh()
        seen.append(session.standing())
        return seen

    first, renewed, captured = asyncio.run(scenario())
    assert first == renewed != captured


def test_of_the_environment_another_value_is_another_session() -> None:
    one, two = (StoredSession(KEY, NOBODY, SessionVault(None), Credentials(token=token)) for token in ("a", "b"))
    assert one.standing() != two.standing()
