"""Who has to go when the house is full."""

import pytest

from addons.stream.bodies import OF_ALL, OF_ONE, Bodies
from addons.stream.guests import GuestRules, Guests, networks_of

ABROAD, OTHER, PROXY = "192.0.2.1", "192.0.2.2", "10.1.2.3"


class House:
    def __init__(self, **rules: object) -> None:
        self.guests = Guests(GuestRules(**rules))  # type: ignore[arg-type]
        self.gone: list[tuple[object, ...]] = []

    def comes(self, host: str, port: int) -> bool:
        peer = (host, port)
        if not self.guests.make_room(peer):
            return False
        self.guests.enter(peer, lambda: self.gone.append(peer))
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
    rules = GuestRules(trusted=networks_of(["10.0.0.0/8"]))
    fields = [(b"accept", b"*/*"), *((b"X-Forwarded-For", value) for value in said)]
    assert rules.client_behind((peer, 5000), fields) == client
    assert GuestRules().client_behind((peer, 5000), fields) == peer


def test_the_longest_silent_makes_room() -> None:
    house = House(most=3)
    assert all(house.comes(ABROAD, port) for port in (1, 2, 3))
    house.guests.asks((ABROAD, 1))
    assert house.comes(OTHER, 4)
    assert house.gone == [(ABROAD, 2)]
    house.guests.asks((OTHER, 4))
    house.guests.rests((ABROAD, 1))  # silent since later than 3
    assert house.comes(OTHER, 5)
    assert house.comes(OTHER, 6)
    assert house.gone == [(ABROAD, 2), (ABROAD, 3), (ABROAD, 1)]
    assert len(house.guests) == 3


def test_who_has_a_request_under_way_stays_and_the_newcomer_is_refused() -> None:
    house = House(most=2)
    for port in (1, 2):
        house.comes(ABROAD, port)
        house.guests.asks((ABROAD, port))
    assert not house.comes(OTHER, 3)
    house.guests.leave((ABROAD, 1))
    assert house.comes(OTHER, 3)
    assert house.gone == []


def test_an_address_has_its_own_limit_and_makes_its_own_room() -> None:
    house = House(per_address=2)
    assert house.comes(OTHER, 1)
    assert all(house.comes(ABROAD, port) for port in (1, 2, 3))
    assert house.gone == [(ABROAD, 1)], "not the other's, though it is older"
    for port in (2, 3):
        house.guests.asks((ABROAD, port))
    assert not house.comes(ABROAD, 4)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", PROXY])
def test_loopback_and_a_proxy_in_front_are_not_one_person(host: str) -> None:
    house = House(per_address=2, trusted=networks_of(["10.0.0.0/8"]))
    for port in range(10):
        assert house.comes(host, port)
        house.guests.asks((host, port))
    assert house.gone == []


def test_nothing_is_kept_of_who_has_left() -> None:
    house = House()
    for port in range(100):
        house.comes(ABROAD, port)
        house.guests.asks((ABROAD, port))
        house.guests.rests((ABROAD, port))
        house.guests.leave((ABROAD, port))
        house.guests.rests((ABROAD, port))  # a late word
        house.guests.leave((ABROAD, port))
    guests = house.guests
    assert not any((guests._close, guests._silent, guests._silent_of, guests._of))


def test_bodies_of_one_client_are_bounded_together_and_all_are() -> None:
    bodies = Bodies(0, 0)
    assert all(bodies.take([ABROAD, "key a"], 10, 10) for _ in range(OF_ONE))
    assert not bodies.take([ABROAD], 1, 10)
    assert not bodies.take([OTHER, "key a"], 1, 10), "another address, the same key"
    assert bodies.take([OTHER, "key b"], 10, 10)
    bodies.give_back([OTHER, "key b"], 10)
    while bodies.total < OF_ALL * 10:
        assert bodies.take([], 10, 10)
    assert not bodies.take([OTHER], 1, 10)
    bodies.give_back([ABROAD, "key a"], OF_ONE * 10)
    assert bodies.take([OTHER], 1, 10)
    assert set(bodies.held) == {OTHER}


def test_a_whole_body_counts_until_its_request_is_over() -> None:
    bodies = Bodies()
    assert bodies.take(["key a"], 10, 10)
    bodies.whole("flow", ["key a"], 10)
    assert bodies.total == 10
    bodies.over("another")
    for _ in range(2):
        bodies.over("flow")
    assert (bodies.total, dict(bodies.held)) == (0, {})
