"""What is recorded of an account's health, and what the log tells of it."""

import logging

import pytest

from addons.accounts.account_health import AccountHealth
from addons.accounts.account_record import MODELS_KEPT
from addons.accounts.health import AccountState, Health
from addons.accounts.state_store import MemoryStateStore

A = ("p", "a")
NOW = 100.0
EXPIRED = AccountState(Health.EXPIRED, 50, None, "signed out")


@pytest.fixture
def health() -> AccountHealth:
    return AccountHealth(A, MemoryStateStore(lambda: NOW), lambda: NOW)


def test_of_a_new_account_nothing_is_known(health: AccountHealth) -> None:
    assert (health.state, dict(health.models)) == (None, {})


def test_the_log_tells_when_it_is_another_one(health: AccountHealth, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "glassgate.accounts"):
        for state in (EXPIRED, EXPIRED, AccountState(Health.EXPIRED, 60, None, "still")):
            health.record(state)
        health.well()
        health.well()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "account p/a is expired: signed out"),
        ("INFO", "account p/a is ok: all is well"),
    ]


def test_the_same_again_is_no_news(health: AccountHealth) -> None:
    health.record(EXPIRED)
    health.record(AccountState(Health.EXPIRED, 99, None, "signed out"))
    assert health.state == EXPIRED


def test_a_limit_that_has_passed_is_none(health: AccountHealth) -> None:
    health.record(AccountState(Health.LIMITED, 50, 90, "slow down"))
    assert health.state == AccountState(Health.OK, 90)
    assert health.recorded == AccountState(Health.LIMITED, 50, 90, "slow down")


@pytest.mark.parametrize("kept", [Health.CHALLENGED, Health.LIMITED, Health.BLOCKED])
def test_that_the_session_is_known_takes_nothing_back_of_the_answers(health: AccountHealth, kept: Health) -> None:
    before = AccountState(kept, 50, 500, "x")
    health.record(AccountState(Health.REFRESHING, 90))
    health.session_known(before)
    assert health.state == before


def test_else_it_is_well(health: AccountHealth) -> None:
    health.session_known(EXPIRED)
    assert health.state == AccountState(Health.OK, int(NOW))


def test_limited_models_are_lifted_pass_and_are_few(health: AccountHealth) -> None:
    health.limit_model("m", AccountState(Health.LIMITED, 50, 500, "x\x1b[2J"))
    health.limit_model("n", AccountState(Health.LIMITED, 50, 90, "x"))
    assert {name: state.reason.isprintable() for name, state in health.models.items()} == {"m": True}
    assert set(health.recorded_models) == {"m", "n"}
    health.lift_model("m")
    health.lift_model("unheard of")
    assert dict(health.models) == {}
    for number in range(MODELS_KEPT + 1):
        health.limit_model(f"m{number}", AccountState(Health.LIMITED, 50, 500 + number, "x"))
    assert len(health.models) == MODELS_KEPT
    assert "m0" not in health.models


def test_words_that_act_on_a_terminal_are_not_kept(health: AccountHealth) -> None:
    health.record(AccountState(Health.BLOCKED, 50, None, "\x1b[2J" + "x" * 9000))
    assert health.state is not None
    assert health.state.reason.isprintable()
    assert len(health.state.reason) <= 500


def test_of_too_many_models_the_one_whose_limit_ends_first_is_forgotten(health: AccountHealth) -> None:
    for number in range(MODELS_KEPT + 1):
        until = 5 if number == 3 else 10_000 - number
        health.limit_model(f"m{number}", AccountState(Health.LIMITED, 50, until, "slow down"))
    assert set(health.recorded_models) == {f"m{number}" for number in range(MODELS_KEPT + 1)} - {"m3"}
