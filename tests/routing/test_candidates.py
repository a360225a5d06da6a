"""Whom a request asks, among however many: the same as a look at all of them says, with a look at few."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.accounts.account_record import AccountId
from addons.accounts.lease import Candidate, Lease, NoAccount, PassedOver
from addons.accounts.limiter import RateLimits
from addons.accounts.pool import AccountPool
from addons.routing.candidates import CandidateOrder, Share
from addons.routing.model_index import ModelRoute
from addons.routing.strategy import OrderState, Strategy
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Model
from tests.support.accounts import around, pool
from tests.support.counting import work_of

ROUTES = [ModelRoute("p", Model("m", "pm")), ModelRoute("q", Model("m", "qm"))]
STRATEGIES: Sequence[Strategy] = get_args(Strategy.__value__)
LIMITED = ProviderError(ErrorKind.RATE_LIMITED, "slow down", retry_after_s=60)
HUMAN = ProviderError(ErrorKind.CHALLENGE, "a captcha")
KNOWN = ("free", "busy", "full", "limited", "challenged", "to be tried")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def made(kinds: Sequence[str], clock: Clock) -> AccountPool:
    """Accounts of p and q in turn, each as its kind says."""
    keys = [("pq"[at % 2], str(at)) for at in range(len(kinds))]
    found = pool(dict.fromkeys(keys, RateLimits(max_concurrent=2, queue_s=0)), around(clock=clock))
    for key, kind in zip(keys, kinds, strict=True):
        account = found.by_key[key]
        for _ in range({"busy": 1, "full": 2}.get(kind, 0)):
            asyncio.run(account.acquire("m"))
        if kind == "to be tried":
            account.failed("m", HUMAN)
    clock.now += 301  # the rest of the first challenge is over: it may be tried
    for key, kind in zip(keys, kinds, strict=True):
        if kind in ("limited", "challenged"):
            found.by_key[key].failed("m", LIMITED if kind == "limited" else HUMAN)
    return found


def ordered_plainly(
    accounts: AccountPool, shares: dict[AccountId, Share], strategy: Strategy, home: AccountId | None
) -> list[Candidate]:
    """The order of all candidates, at the first turn."""
    found = [
        Candidate(account, route.model)
        for route in ROUTES
        for account in accounts.all()
        if account.provider == route.provider
    ]
    if strategy == "least_busy":
        found.sort(key=lambda one: (one.account.limiter.load, shares[one.key].priority))
    elif strategy != "round_robin":
        found.sort(key=lambda one: shares[one.key].priority)
    found.sort(key=lambda one: one.key != home)
    return sorted(found, key=lambda one: one.account.availability.is_deferred())


def chosen_plainly(left: list[Candidate]) -> Candidate | None:
    """Whom to ask of those that are left, of which none is taken away."""
    may = [one for one in left if one.account.availability.blocked(one.model.id) is None]
    free = (one for one in may if one.account.limiter.has_room)
    return next(free, min(may, key=lambda one: one.account.limiter.load, default=None))


@given(
    st.lists(st.tuples(st.sampled_from(KNOWN), st.integers(0, 2)), max_size=8),
    st.sampled_from([one for one in STRATEGIES if one != "weighted"]),
    st.integers(-1, 7),
)
def test_the_choice_is_that_of_a_look_at_all(given_: list[tuple[str, int]], strategy: Strategy, at_home: int) -> None:
    accounts = made([kind for kind, _ in given_], Clock())
    keys = [account.key for account in accounts.all()]
    shares = {key: Share(priority) for key, (_, priority) in zip(keys, given_, strict=True)}
    home = keys[at_home] if 0 <= at_home < len(keys) else None
    order = CandidateOrder(OrderState(random.Random(1)), shares, strategy, {})
    if home is not None:
        order.state.settled("talk", home)

    plain = ordered_plainly(accounts, shares, strategy, home)
    assert list(order.of(ROUTES, accounts, "m", "talk")) == plain
    order.state._turns.clear()
    left, passed = order.of(ROUTES, accounts, "m", "talk"), list[PassedOver]()
    while (wanted := chosen_plainly(plain)) is not None:
        assert accounts._next(left, passed) == wanted
        plain.remove(wanted)
    assert accounts._next(left, passed) is None
    assert sorted(one.candidate.key for one in passed) == sorted(one.key for one in plain)


def leased(accounts: AccountPool, order: CandidateOrder) -> Lease | None:
    with suppress(NoAccount):
        taking: Any = accounts.acquire(order.of(ROUTES, accounts, "m", "talk"))
        try:
            taking.send(None)
        except StopIteration as end:
            lease: Lease = end.value
            return lease
    return None


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_among_a_thousand_accounts_a_choice_is_hardly_more_work_than_among_ten(strategy: Strategy) -> None:
    def work(count: int) -> int:
        accounts = made(["free"] * count, Clock())
        order = CandidateOrder(OrderState(random.Random(1)), {}, strategy, {})
        first = leased(accounts, order)  # what is worked out once for a configuration
        assert first
        first.release()
        again, found = work_of(partial(leased, accounts, order))
        assert again
        return found

    assert work(1000) <= work(10) + 10


def test_among_a_thousand_accounts_only_those_before_the_free_one_are_looked_at() -> None:
    def work(rest: int) -> int:
        accounts = made([*["limited", "full"] * 5, *["free"] * rest], Clock())
        order = CandidateOrder(OrderState(random.Random(1)), {}, "priority", {})
        leased(accounts, order)
        return work_of(partial(leased, accounts, order))[1]

    assert work(990) <= work(10) + 10
