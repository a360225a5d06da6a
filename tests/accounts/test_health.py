"""What is known of an account's well-being: the states, and what each kind of error makes of one."""

import pytest

from addons.accounts.cooldown import CooldownRules
from addons.accounts.health import OF_ANSWERS, REASON_LIMIT, AccountState, Health, after_error
from providers.contract.errors import ErrorKind, ProviderError

RULES = CooldownRules(base_s=15.0, max_s=600.0)
MEANT = {
    ErrorKind.SESSION_EXPIRED: Health.EXPIRED,
    ErrorKind.CHALLENGE: Health.CHALLENGED,
    ErrorKind.ACCOUNT_BLOCKED: Health.BLOCKED,
    ErrorKind.RATE_LIMITED: Health.LIMITED,
    ErrorKind.QUOTA: Health.LIMITED,
}


@pytest.mark.parametrize("kind", ErrorKind)
def test_only_some_kinds_of_error_say_something_of_the_account(kind: ErrorKind) -> None:
    state = after_error(ProviderError(kind, "no"), 100.5, RULES)
    assert (None if state is None else state.health) == MEANT.get(kind)
    if state is not None:
        assert (state.since, state.reason) == (100, "no")


@pytest.mark.parametrize("kind", [ErrorKind.RATE_LIMITED, ErrorKind.QUOTA, ErrorKind.CHALLENGE])
def test_what_holds_for_a_model_says_nothing_of_the_account(kind: ErrorKind) -> None:
    assert after_error(ProviderError(kind, "no", scope="model"), 100.0, RULES) is None


@pytest.mark.parametrize(
    ("kind", "named", "until"),
    [
        (ErrorKind.RATE_LIMITED, None, 115),
        (ErrorKind.RATE_LIMITED, 30.0, 130),
        (ErrorKind.RATE_LIMITED, 9000.0, 700),
        (ErrorKind.QUOTA, 9000.0, 9100),
        (ErrorKind.CHALLENGE, 30.0, None),
        (ErrorKind.SESSION_EXPIRED, 30.0, None),
    ],
)
def test_only_a_limit_has_an_end(kind: ErrorKind, named: float | None, until: int | None) -> None:
    state = after_error(ProviderError(kind, "no", retry_after_s=named), 100.0, RULES)
    assert state is not None
    assert state.until == until


def test_a_sites_words_are_kept_clean_and_short() -> None:
    state = after_error(ProviderError(ErrorKind.QUOTA, "a\x1b[2J\r\nb" + "x" * 9000), 100.0, RULES)
    assert state is not None
    assert state.reason.isprintable()
    assert len(state.reason) <= REASON_LIMIT


@pytest.mark.parametrize(
    ("health", "until", "at", "becomes"),
    [
        (Health.LIMITED, 200, 199.9, Health.LIMITED),
        (Health.LIMITED, 200, 200.0, Health.OK),
        (Health.LIMITED, None, 999.0, Health.LIMITED),
        (Health.CHALLENGED, 200, 999.0, Health.CHALLENGED),
        (Health.BLOCKED, 200, 999.0, Health.BLOCKED),
    ],
)
def test_a_limit_that_has_passed_is_none(health: Health, until: int | None, at: float, becomes: Health) -> None:
    state = AccountState(health, 100, until, "why").now(at)
    assert state.health is becomes
    assert state == (AccountState(Health.OK, 200) if becomes is Health.OK else AccountState(health, 100, until, "why"))


def test_what_answers_say_is_a_refusal_to_answer_and_no_word_of_the_session() -> None:
    assert set(MEANT.values()) - {Health.EXPIRED} == OF_ANSWERS
