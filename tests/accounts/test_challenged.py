"""A challenged account rests: how long, for whom, and what ends it; with clocks of the test's own."""

import asyncio
from pathlib import Path

import pytest

from addons.accounts.availability import AccountAvailability, AvailabilityRules
from addons.accounts.health import AccountState, Health
from addons.accounts.limiter import RateLimits
from addons.accounts.report import AccountLine
from addons.accounts.report import told as told_line
from addons.accounts.sessions import Account, Accounts
from addons.accounts.state_file import AccountStateFile
from addons.exchange.context import AnyProvider
from addons.exchange.final_error import FinalError
from addons.routing.candidates import Candidate, Candidates
from addons.routing.model_index import Route
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Credentials, Model
from providers.zai.provider import Zai, ZaiOptions

KEY = ("zai", "main")
MODEL = "GLM-4.6"
CHECK = ProviderError(ErrorKind.CHALLENGE, "Z.AI asks for a captcha.")


class House:
    """An AccountAvailability whose time and stored session the test sets."""

    def __init__(self, folder: Path, rules: AvailabilityRules | None = None) -> None:
        self.now = 1000.0
        self.session = 1
        book = AccountStateFile(folder / "accounts.json", lambda: self.now)
        self.traffic = AccountAvailability(
            {}, rules or AvailabilityRules(), book, lambda: self.now, lambda: self.now, lambda key: self.session
        )

    def wait_s(self, model: str = MODEL) -> float:
        blocked = self.traffic.blocked(KEY, model)
        return blocked.wait_s if blocked else 0.0

    def attempt(self, error: ProviderError | None = CHECK) -> bool:
        """One request; False when it was not let in."""
        if asyncio.run(self.traffic.enter(KEY, MODEL)) is not None:
            return False
        if error is None:
            self.traffic.succeeded(KEY, MODEL)
        else:
            self.traffic.failed(KEY, MODEL, error)
        self.traffic.leave(KEY, MODEL)
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
    assert house.traffic.shunned(KEY)


def test_requests_that_met_the_check_together_count_once(house: House) -> None:
    for _ in range(2):
        assert asyncio.run(house.traffic.enter(KEY, MODEL)) is None
    for _ in range(2):
        house.traffic.failed(KEY, MODEL, CHECK)
        house.traffic.leave(KEY, MODEL)
    assert house.wait_s() == 300


def test_after_the_rest_one_request_tries_and_the_others_wait_for_it(house: House) -> None:
    house.attempt()
    house.now += 300
    assert asyncio.run(house.traffic.enter(KEY, MODEL)) is None
    assert asyncio.run(house.traffic.enter(KEY, MODEL)) is not None
    house.traffic.leave(KEY, MODEL)  # its client left: it told nothing
    assert house.wait_s() == 0
    assert house.attempt(None)
    assert house.wait_s() == 0
    assert not house.traffic.shunned(KEY)


def test_nobody_waits_for_the_end_of_an_answer_that_has_begun(house: House) -> None:
    house.attempt()
    house.now += 300
    assert asyncio.run(house.traffic.enter(KEY, MODEL)) is None
    assert asyncio.run(house.traffic.enter(KEY, MODEL)) is not None
    house.traffic.began(KEY)
    assert asyncio.run(house.traffic.enter(KEY, MODEL)) is None
    house.traffic.failed(KEY, MODEL, CHECK)  # after its first words
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
    house.session = 2
    assert house.wait_s() == 0
    assert house.attempt()
    assert house.wait_s() == 300, "its own first challenge"


def test_a_reset_by_hand_ends_it(house: House) -> None:
    house.attempt()
    house.traffic.reset(KEY)
    assert house.wait_s() == 0


def test_a_new_configuration_keeps_it_or_switches_it_off(house: House, tmp_path: Path) -> None:
    house.attempt()
    same, off = House(tmp_path), House(tmp_path, AvailabilityRules(cooldown=None))
    for other in (same, off):
        other.traffic.paces = {KEY: house.traffic._lane(KEY).limiter.pace}
        other.traffic.adopt(house.traffic)
    assert (same.wait_s(), off.wait_s()) == (300, 0)


def test_switched_off_nothing_rests(tmp_path: Path) -> None:
    house = House(tmp_path, AvailabilityRules(cooldown=None))
    assert [house.attempt() for _ in range(5)] == [True] * 5
    assert house.traffic.shunned(KEY), "others are asked first all the same"


def test_a_limit_remembered_from_before_counts_for_nothing_when_rests_are_off(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert house.attempt(ProviderError(ErrorKind.RATE_LIMITED, "slow down", retry_after_s=100))
    assert house.wait_s() == 100
    house.traffic.book.save()
    off = House(tmp_path, AvailabilityRules(cooldown=None))
    assert off.wait_s() == 0
    off.traffic.adopt(house.traffic)
    assert off.wait_s() == 0


# -- another process --------------------------------------------------------------------------------------------------
def after_restart(house: House, folder: Path, stored_at: int | None, rules: AvailabilityRules | None = None) -> House:
    """A gateway that begins with the book that the other one has written."""
    house.traffic.book.save()
    later = House(folder, rules)
    later.now = house.now
    later.traffic = AccountAvailability(
        {KEY: RateLimits()}, rules or AvailabilityRules(), AccountStateFile(folder / "accounts.json", lambda:
        later.now), lambda: later.now, lambda: later.now, lambda key: later.session,
    )  # fmt: skip
    later.traffic.recall(lambda key: stored_at)
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
    assert later.traffic.challenged(KEY)
    assert later.attempt(None)
    assert not later.traffic.challenged(KEY)
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
    house.traffic.book.save()
    AccountStateFile(tmp_path / "accounts.json", lambda: house.now).reset([KEY])
    book = AccountStateFile(tmp_path / "accounts.json", lambda: house.now)
    later = AccountAvailability({KEY: RateLimits()}, AvailabilityRules(), book, lambda: house.now, lambda: house.now)
    later.recall(lambda key: 900)
    assert later.blocked(KEY, MODEL) is None


def test_an_edited_book_makes_no_account_rest_for_longer_than_the_longest_rest(house: House, tmp_path: Path) -> None:
    house.traffic.book.note(KEY, AccountState(Health.CHALLENGED, 1000, 10**9, "edited"))
    assert after_restart(house, tmp_path, stored_at=900).wait_s() == 4 * 3600


def test_an_edited_book_makes_no_rest_shorter_than_the_first(house: House, tmp_path: Path) -> None:
    house.traffic.book.note(KEY, AccountState(Health.CHALLENGED, 1000, 900, "edited"))
    later = after_restart(house, tmp_path, stored_at=900)
    assert later.attempt()
    assert later.wait_s() == 600


def test_a_session_stored_anew_is_seen_in_the_book_at_once(house: House) -> None:
    house.attempt()
    noted = house.traffic.book.state(KEY)
    assert noted is not None
    assert (noted.health, noted.since, noted.until) == (Health.CHALLENGED, 1000, 1300)
    house.session = 2
    house.traffic.look()
    noted = house.traffic.book.state(KEY)
    assert noted is not None
    assert noted.health is Health.OK


def test_people_are_told_until_when_it_rests() -> None:
    line = AccountLine("zai", "main", Health.CHALLENGED, "Z.AI asks for a captcha.", until=1300)
    assert "challenged  rests, asked again 1970" in told_line(line, 1000)
    assert "(in 5 min)  Z.AI asks" in told_line(line, 1000)
    assert "asked again with the next request" in told_line(line, 1300)


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
    model = Model(MODEL, MODEL)
    candidates = Candidates(house.traffic, [Candidate(Route("zai", model), Account(*KEY))])
    assert asyncio.run(candidates.take()) is None
    zai: AnyProvider = Zai("zai", ZaiOptions())  # type: ignore[assignment]  # invariant
    final_error = FinalError({"zai": zai})
    final_error.not_asked(candidates)
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
    accounts = Accounts([Account(*KEY)], {}, vault, {})

    async def scenario() -> list[object]:
        seen = [accounts.standing(KEY)]
        stored = accounts.stored(Account(*KEY))
        assert stored is not None
        await accounts.store(Account(*KEY), stored, Credentials(token="renewed"))
        seen.append(accounts.standing(KEY))
        other = Vault.open(path, VaultKey.from_text("A" * 43 + "="))
        other.put(*KEY, {"token": "captured"})
        await accounts.refresh()
        seen.append(accounts.standing(KEY))
        return seen

    first, renewed, captured = asyncio.run(scenario())
    assert first == renewed != captured


def test_of_the_environment_another_value_is_another_session() -> None:
    one, two = ({KEY: Credentials(token=token)} for token in ("a", "b"))
    assert Accounts([], {}, None, one).standing(KEY) != Accounts([], {}, None, two).standing(KEY)
