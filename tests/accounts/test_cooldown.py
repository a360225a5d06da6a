"""How long a limited account rests; with a clock of the test's own."""

import pytest

from addons.accounts.cooldown import CooldownRules, Cooldowns, rest_s
from providers.contract.errors import ErrorKind, ProviderError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limit(named_s: float | None = None, kind: ErrorKind = ErrorKind.RATE_LIMITED) -> ProviderError:
    return ProviderError(kind, "limited", retry_after_s=named_s)


@pytest.mark.parametrize("named_s", [float("nan"), float("inf"), -1.0, 0.0])
@pytest.mark.parametrize("kind", [ErrorKind.RATE_LIMITED, ErrorKind.QUOTA])
def test_a_time_that_is_none_is_none(named_s: float, kind: ErrorKind) -> None:
    assert rest_s(limit(named_s, kind), CooldownRules()) == 15


def test_a_time_of_less_than_a_second_is_one() -> None:
    assert rest_s(limit(0.5), CooldownRules()) == 0.5


def test_the_sites_own_time_or_else_doubling(clock: Clock) -> None:
    cooldowns: Cooldowns[str] = Cooldowns(CooldownRules(), clock)
    assert [cooldowns.limited("a", limit()).length_s for _ in range(8)] == [15, 30, 60, 120, 240, 480, 600, 600]
    assert cooldowns.limited("a", limit(300)).length_s == 300
    assert cooldowns.left_s("a") == 300
    assert cooldowns.limited("a", limit(7200)).length_s == 600, "a limit rests an account no longer than max_s"
    assert cooldowns.limited("a", limit(7200, ErrorKind.QUOTA)).length_s == 7200, "an allowance comes back at its time"
    assert cooldowns.limited("a", limit(1e12, ErrorKind.QUOTA)).length_s == 31 * 86_400
    assert cooldowns.limited("a", limit(None, ErrorKind.QUOTA)).length_s == 600
    assert cooldowns.left_s("b") == 0
    cooldowns.lifted("a")
    assert (cooldowns.left_s("a"), cooldowns.limited("a", limit()).length_s) == (0, 15)


def test_a_clock_set_back_does_not_lock_an_account_for_years(clock: Clock) -> None:
    cooldowns: Cooldowns[str] = Cooldowns(CooldownRules(), clock)
    cooldowns.limited("a", limit(60))
    clock.now -= 10**8
    assert cooldowns.left_s("a") == 0


def test_one_of_an_earlier_process_ends_when_it_would_have(clock: Clock) -> None:
    cooldowns: Cooldowns[str] = Cooldowns(CooldownRules(), clock)
    cooldowns.resume("a", clock.now + 40, limit())
    cooldowns.resume("b", clock.now, limit())
    cooldowns.resume("c", clock.now + 0.5, limit())
    assert [cooldowns.left_s(key) for key in "abc"] == [40, 0, 0.5]
    assert list(cooldowns.known) == ["a", "c"]
    assert cooldowns.limited("a", limit()).length_s == 30
