"""The pool of connections to providers: who shares one, how long it is kept, and what becomes of a dead one."""

from dataclasses import replace

import pytest

from addons.upstream import pool
from addons.upstream.events import ENDED, RECONNECTING, Body, Broken, Connected, NoConnection
from addons.upstream.port import Target
from tests.support.pool_mixing import PoolMix
from tests.support.upstream import TARGET, Asked, Wires

WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


def answered(wires: Wires, target: Target = TARGET, answer: bytes = WHOLE) -> Asked:
    """A request that has had its answer."""
    asked = wires.asks(target)
    if not asked.call.is_connected:
        wires.made[-1].opens()
    wire = next(wire for wire in wires.made if wire.receiver is asked.call.connection)
    wire.says(answer)
    return asked


def test_a_connection_serves_one_request_after_the_other() -> None:
    wires = Wires()
    for _ in range(100):
        asked = answered(wires)
        assert asked.told[-1] is ENDED
    assert len(wires.made) == 1
    assert wires.made[0].sent.count(b"POST /chat HTTP/1.1\r\n") == 100


def test_requests_at_the_same_time_have_a_connection_each() -> None:
    wires = Wires()
    first, second = wires.asks(), wires.asks()
    assert len(wires.made) == 2
    for wire in wires.made:
        wire.opens()
    wires.made[1].says(WHOLE)
    assert (len(first.told), second.told[-1]) == (1, ENDED)
    assert wires.asks().call.is_connected
    assert len(wires.made) == 2


@pytest.mark.parametrize(
    "other",
    [
        replace(TARGET, port=2),
        replace(TARGET, host="localhost"),
        replace(TARGET, tls=True),
        replace(TARGET, via=("http", ("127.0.0.1", 3))),
        replace(TARGET, account="zai/b"),
    ],
)
def test_only_who_asks_the_same_target_shares(other: Target) -> None:
    wires = Wires()
    answered(wires, replace(TARGET, account="zai/a") if other.account else TARGET)
    wires.asks(other)
    assert len(wires.made) == 2


def test_the_one_used_last_is_taken_first() -> None:
    wires = Wires()
    both = [wires.asks(), wires.asks()]
    for wire in wires.made:
        wire.opens()
    wires.made[1].says(WHOLE)
    wires.made[0].says(WHOLE)
    assert wires.asks().call.connection is both[0].call.connection


# -- time -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "lives_s"),
    [
        (b"", pool.IDLE_S),
        (b"keep-alive: timeout=5, max=100\r\n", 5 - pool.MARGIN_S),
        (b"keep-alive: max=100, Timeout=5\r\n", 5 - pool.MARGIN_S),
        (b"keep-alive: timeout=0\r\n", 0),
        (b"keep-alive: notimeout=5\r\n", pool.IDLE_S),
        (b"keep-alive: timeout=7200\r\n", pool.IDLE_S),
        (b"keep-alive: timeout=x\r\n", pool.IDLE_S),
    ],
)
def test_an_idle_connection_is_kept_for_a_while(said: bytes, lives_s: float) -> None:
    wires = Wires()
    answered(wires, answer=WHOLE.replace(b"content-length", said + b"content-length"))
    wires.now += lives_s - 0.1
    wires.pool.sweep()
    assert len(wires.pool) == 1
    wires.now += 0.1
    wires.pool.sweep()
    assert wires.made[0].closed
    assert len(wires.pool) == 0


def test_one_whose_time_is_over_is_not_taken_before_the_sweep_either() -> None:
    wires = Wires()
    answered(wires)
    wires.now += pool.IDLE_S
    wires.asks()
    assert wires.made[0].closed
    assert len(wires.made) == 2


def test_no_request_begins_on_an_old_connection() -> None:
    wires = Wires()
    while wires.now < 1000 + pool.AGE_S:
        answered(wires)
        wires.now += 20
    assert len(wires.made) == 1
    asked = wires.asks()
    assert wires.made[0].closed
    assert not asked.call.is_connected


def test_an_old_one_ends_with_its_answer() -> None:
    wires = Wires()
    wires.asks()
    wires.made[0].opens()
    wires.now += pool.AGE_S
    wires.made[0].says(WHOLE)
    assert wires.made[0].closed


def test_so_many_may_be_idle() -> None:
    wires = Wires()
    asked = [wires.asks() for _ in range(pool.IDLE_PER_TARGET + 3)]
    for wire in wires.made:
        wire.opens()
        wire.says(WHOLE)
        wires.now += 0.01
    assert [wire.closed for wire in wires.made] == [True] * 3 + [False] * pool.IDLE_PER_TARGET
    assert len(wires.pool) == len(asked) - 3


def test_so_many_may_be_idle_in_all() -> None:
    wires = Wires()
    for number in range(pool.MOST_IDLE + 2):
        answered(wires, replace(TARGET, account=f"zai/{number}"))
        wires.now += 0.01
    assert [wire.closed for wire in wires.made] == [True] * 2 + [False] * pool.MOST_IDLE


# -- ends -------------------------------------------------------------------------------------------------------------
def test_who_leaves_closes_the_connection() -> None:
    wires = Wires()
    asked = wires.asks()
    wires.made[0].opens()
    wires.made[0].says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi")
    asked.call.leave()
    assert wires.made[0].closed
    told = list(asked.told)
    wires.made[0].says(b"more")
    assert asked.told == told


def test_who_leaves_before_there_is_a_connection_ends_its_making() -> None:
    wires = Wires()
    asked = wires.asks()
    asked.call.leave()
    assert wires.made[0].closed
    assert len(wires.pool) == 0
    assert asked.told == []


def test_who_leaves_after_the_answer_leaves_the_connection_to_others() -> None:
    wires = Wires()
    asked = answered(wires)
    asked.call.leave()
    asked.call.finish()
    assert not wires.made[0].closed
    assert wires.asks().call.is_connected


def test_the_rest_of_an_answer_that_was_enough_is_read_past() -> None:
    wires = Wires()
    asked = wires.asks()
    wires.made[0].opens()
    wires.made[0].says(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhi")
    asked.call.finish()
    assert not wires.asks().call.is_connected, "it has not ended yet"
    wires.made[0].says(b"!!")
    assert asked.told[-1] == Body([b"hi"])
    assert wires.asks().call.is_connected


def test_a_rest_that_does_not_come_ends_the_connection() -> None:
    wires = Wires()
    asked = wires.asks()
    wires.made[0].opens()
    wires.made[0].says(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhi")
    asked.call.finish()
    wires.now += pool.DRAIN_S
    wires.pool.sweep()
    assert wires.made[0].closed


def test_no_connection_is_said() -> None:
    wires = Wires()
    asked = wires.asks()
    wires.made[0].fails("refused")
    assert asked.told == [NoConnection("refused")]
    assert len(wires.pool) == 0


def test_a_connection_that_was_closed_while_idle_is_not_taken() -> None:
    wires = Wires()
    answered(wires)
    wires.made[0].ends()
    assert not wires.asks().call.is_connected


def test_settings_that_change_concern_what_is_idle_and_what_is_at_work() -> None:
    wires = Wires()
    asked = wires.asks()
    answered(wires)
    wires.pool.close_idle()
    assert [wire.closed for wire in wires.made] == [False, True]
    wires.made[0].opens()
    wires.made[0].says(WHOLE)
    assert asked.told[-1] is ENDED
    assert wires.made[0].closed


def test_the_end_closes_all() -> None:
    wires = Wires()
    answered(wires)
    wires.asks()
    wires.asks()
    wires.pool.close()
    assert [wire.closed for wire in wires.made] == [True, True]
    assert len(wires.pool) == 0


@pytest.mark.parametrize(
    "fields",
    [
        b"content-length: 2\r\ntransfer-encoding: chunked",
        b"transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        b"content-length: 2\r\ncontent-length: 2",
        b"content-length: 0\r\nx y: z",
    ],
)
def test_an_answer_whose_length_is_in_doubt_leaves_no_connection_to_others(fields: bytes) -> None:
    wires = Wires()
    asked = answered(wires, answer=b"HTTP/1.1 200 OK\r\n%s\r\n\r\n0\r\n\r\n" % fields)
    assert asked.told[-1] == Broken("HTTP/1 protocol error: the head of the answer is malformed", closed=False)
    assert wires.made[0].closed
    assert not wires.asks().call.is_connected


def test_what_came_before_a_request_is_no_answer_to_it() -> None:
    wires = Wires()
    answered(wires)
    answered(wires)
    wires.made[0].unread = True  # a second answer that nobody asked for, or the end
    asked = wires.asks()
    assert wires.made[0].closed
    assert not asked.call.is_connected


# -- dead ones --------------------------------------------------------------------------------------------------------
def test_a_dead_connection_costs_one_silent_attempt() -> None:
    wires = Wires()
    answered(wires)
    asked = wires.asks(body=b"once more")
    wires.made[0].ends()
    assert asked.told == [RECONNECTING]
    wires.made[1].opens()
    wires.made[1].says(WHOLE)
    assert asked.told[1] == Connected(wires.made[1].server)
    assert asked.told[-1] is ENDED
    assert wires.made[1].sent.endswith(b"once more")


def test_it_costs_no_more_than_one() -> None:
    wires = Wires()
    for _ in range(2):
        wires.asks()
    for wire in wires.made:
        wire.opens()
        wire.says(WHOLE)
    asked = wires.asks()
    wires.made[1].ends()
    assert len(wires.made) == 3, "the other idle one may be as dead"
    wires.made[2].opens()
    wires.made[2].ends()
    assert asked.told[-1] == Broken("server closed connection", closed=True)
    assert len(wires.made) == 3


@pytest.mark.parametrize("said", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_who_has_heard_anything_is_not_asked_again(said: bytes) -> None:
    wires = Wires()
    answered(wires)
    asked = wires.asks()
    wires.made[0].says(said)
    wires.made[0].ends()
    assert len(wires.made) == 1
    assert asked.told


def test_a_new_connection_that_ends_is_no_dead_one() -> None:
    wires = Wires()
    asked = wires.asks()
    wires.made[0].opens()
    wires.made[0].ends()
    assert asked.told[-1] == Broken("server closed connection", closed=True)
    assert len(wires.made) == 1


# -- who gets which answer --------------------------------------------------------------------------------------------
def test_no_answer_ever_comes_to_another_request() -> None:
    """Callers leave, providers cut, reset, fall silent, answer twice, in pieces of any size; the ids tell."""
    mix = PoolMix(seed=7)
    mix.run(3000)
    assert mix.faults == [], "seed 7"
    assert mix.seen["right"] > 1500
    for met in ("left", "had enough", "cut", "not answered", "unasked", "no connection", "closed all idle"):
        assert mix.seen[met], met
    assert mix.seen["connections"] < 2500, "connections serve on"
