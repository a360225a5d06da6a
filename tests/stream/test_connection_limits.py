"""Who has to go when the house is full."""

from functools import partial

import pytest

from addons.stream.body_budget import OF_ALL, OF_ONE, BodyBudget
from addons.stream.connection_limits import LOOKED_AT, ConnectionLimiter, ConnectionLimits, parse_networks

ABROAD, OTHER, PROXY = "192.0.2.1", "192.0.2.2", "10.1.2.3"


class House:
    def __init__(self, **rules: object) -> None:
        self.limiter = ConnectionLimiter(ConnectionLimits(**rules))  # type: ignore[arg-type]
        self.gone: list[tuple[object, ...]] = []

    def comes(self, host: str, port: int) -> bool:
        peer = (host, port)
        if not self.limiter.make_room(peer):
            return False
        self.limiter.add(peer, lambda: self.gone.append(peer))
        return True


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        (ABROAD, [b"6.6.6.6"], ABROAD),  # anybody can write that
        (PROXY, [], PROXY),
        (PROXY, [b"6.6.6.6, 192.0.2.2"], OTHER),
        (PROXY, [b"6.6.6.6", b"192.0.2.2, 10.9.9.9"], OTHER),
        (PROXY, [b"10.9.9.9,10.8.8.8"], "10.9.9.9"),
        (PROXY, [b"192.0.2.2:5000"], OTHER),
        (PROXY, [b"[2001:db8::1]:5000"], "2001:db8::1"),
        (PROXY, [b"::ffff:192.0.2.2"], OTHER),
        (PROXY, [b"192.0.2.2, unknown"], PROXY),
        (PROXY, [b"192.0.2.2, x\x1b]0;T\x07, 10.9.9.9"], "10.9.9.9"),
        (PROXY, [b"1.1.1.1, " * 10_000 + b"192.0.2.2"], OTHER),
        (f"::ffff:{PROXY}", [b"192.0.2.2"], OTHER),
    ],
)
def test_a_trusted_proxy_tells_the_client(peer: str, said: list[bytes], client: str) -> None:
    rules = ConnectionLimits(trusted=parse_networks(["10.0.0.0/8"]))
    fields = [(b"accept", b"*/*"), *((b"X-Forwarded-For", value) for value in said)]
    assert rules.client_address((peer, 5000), fields) == client
    assert ConnectionLimits().client_address((peer, 5000), fields) == peer


def test_the_longest_silent_makes_room() -> None:
    house = House(most=3)
    assert all(house.comes(ABROAD, port) for port in (1, 2, 3))
    house.limiter.busy((ABROAD, 1))
    assert house.comes(OTHER, 4)
    assert house.gone == [(ABROAD, 2)]
    house.limiter.busy((OTHER, 4))
    house.limiter.idle((ABROAD, 1))  # silent since later than 3
    assert house.comes(OTHER, 5)
    assert house.comes(OTHER, 6)
    assert house.gone == [(ABROAD, 2), (ABROAD, 3), (ABROAD, 1)]
    assert len(house.limiter) == 3


def test_who_has_a_request_under_way_stays_and_the_newcomer_is_refused() -> None:
    house = House(most=2)
    for port in (1, 2):
        house.comes(ABROAD, port)
        house.limiter.busy((ABROAD, port))
    assert not house.comes(OTHER, 3)
    house.limiter.remove((ABROAD, 1))
    assert house.comes(OTHER, 3)
    assert house.gone == []


def test_who_has_asked_and_was_not_read_yet_is_not_silent() -> None:
    """Of sixty that came at once and asked, all but those there was room for were reset without a word."""
    limiter, gone, said = ConnectionLimiter(ConnectionLimits(most=2)), list[int](), {1, 2}
    for port in (1, 2):
        limiter.add((ABROAD, port), partial(gone.append, port), lambda port=port: port in said)  # type: ignore[misc]
    assert not limiter.make_room((OTHER, 3))
    said.discard(2)
    assert limiter.make_room((OTHER, 3))
    assert gone == [2]


def test_of_very_many_some_are_looked_at() -> None:
    looks = list[int]()

    def has_said(port: int) -> bool:
        looks.append(port)
        return True

    limiter = ConnectionLimiter(ConnectionLimits(most=200))
    for port in range(200):
        limiter.add((ABROAD, port), lambda: None, partial(has_said, port))
    assert not limiter.make_room((OTHER, 1))
    assert len(looks) == LOOKED_AT


def test_an_address_has_its_own_limit_and_makes_its_own_room() -> None:
    house = House(per_address=2)
    assert house.comes(OTHER, 1)
    assert all(house.comes(ABROAD, port) for port in (1, 2, 3))
    assert house.gone == [(ABROAD, 1)], "not the other's, though it is older"
    for port in (2, 3):
        house.limiter.busy((ABROAD, port))
    assert not house.comes(ABROAD, 4)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", PROXY])
def test_loopback_and_a_proxy_in_front_are_not_one_person(host: str) -> None:
    house = House(per_address=2, trusted=parse_networks(["10.0.0.0/8"]))
    for port in range(10):
        assert house.comes(host, port)
        house.limiter.busy((host, port))
    assert house.gone == []


def test_nothing_is_kept_of_who_has_left() -> None:
    house = House()
    for port in range(100):
        house.comes(ABROAD, port)
        house.limiter.busy((ABROAD, port))
        house.limiter.idle((ABROAD, port))
        house.limiter.remove((ABROAD, port))
        house.limiter.idle((ABROAD, port))  # a late word
        house.limiter.remove((ABROAD, port))
    limiter = house.limiter
    assert not any((limiter._close, limiter._idle, limiter._idle_of, limiter._of))


def test_bodies_of_one_client_are_bounded_together_and_all_are() -> None:
    bodies = BodyBudget(0, 0)
    assert all(bodies.reserve([ABROAD, "key a"], 10, 10) for _ in range(OF_ONE))
    assert not bodies.reserve([ABROAD], 1, 10)
    assert not bodies.reserve([OTHER, "key a"], 1, 10), "another address, the same key"
    assert bodies.reserve([OTHER, "key b"], 10, 10)
    bodies.release([OTHER, "key b"], 10)
    while bodies.total < OF_ALL * 10:
        assert bodies.reserve([], 10, 10)
    assert not bodies.reserve([OTHER], 1, 10)
    bodies.release([ABROAD, "key a"], OF_ONE * 10)
    assert bodies.reserve([OTHER], 1, 10)
    assert set(bodies.held) == {OTHER}


def test_a_whole_body_counts_until_its_request_is_over() -> None:
    bodies = BodyBudget()
    assert bodies.reserve(["key a"], 10, 10)
    bodies.complete("flow", ["key a"], 10)
    assert bodies.total == 10
    bodies.ended("another")
    for _ in range(2):
        bodies.ended("flow")
    assert (bodies.total, dict(bodies.held)) == (0, {})
