"""What a client of HTTP/2 may send without asking for anything: counted, however the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.stream.frames import (
    A_SECOND,
    BURST,
    FIELD_BYTES,
    PER_PIECE,
    PREFACE_BYTES,
    RESET_COST,
    BudgetSpent,
    FrameBudget,
)

PREFACE = b"P" * PREFACE_BYTES
PING = 6


def frame(kind: int, size: int = 8) -> bytes:
    return size.to_bytes(3) + bytes([kind]) + bytes(5) + b"\x06" * size


def begun() -> FrameBudget:
    budget = FrameBudget(0.0)
    assert budget.pay(PREFACE, 0.0) == [PREFACE]
    return budget


@pytest.mark.parametrize("kind", [2, 4, PING, 8, 0xEE])
def test_frames_that_ask_for_nothing_are_counted(kind: int) -> None:
    budget = begun()
    assert budget.pay(frame(kind) * BURST, 0.0)
    with pytest.raises(BudgetSpent):
        budget.pay(frame(kind), 0.0)


def test_a_reset_costs_more() -> None:
    budget = begun()
    assert budget.pay(frame(3, 4) * (BURST // RESET_COST), 0.0)
    with pytest.raises(BudgetSpent):
        budget.pay(frame(3, 4), 0.0)


def test_heads_and_bodies_cost_nothing_but_bodies_of_next_to_nothing_do() -> None:
    budget = begun()
    assert budget.pay((frame(1, 200) + frame(9, 10) + frame(0, 1000)) * BURST, 0.0)
    with pytest.raises(BudgetSpent):
        budget.pay(frame(0, 0) * (BURST + 1), 0.0)


def test_time_and_answers_fill_it_again() -> None:
    budget = begun()
    assert budget.pay(frame(PING) * BURST, 0.0)
    assert budget.pay(frame(PING) * A_SECOND, 1.0)
    budget.earn()
    assert budget.pay(frame(PING) * PER_PIECE, 1.0)
    with pytest.raises(BudgetSpent):
        budget.pay(frame(PING), 1.0)


def test_a_head_is_counted_as_it_is_unpacked() -> None:
    budget = begun()
    for _ in range(10 * BURST):
        budget.pay_head([(b":path", b"/v1/models"), (b"authorization", b"x" * 100)])
    large = [(b"x", b"v" * 500)] * 95
    unit = 95 * (1 + 500 + FIELD_BYTES) // 1024
    for _ in range(BURST // unit):
        budget.pay_head(large)
    with pytest.raises(BudgetSpent):
        budget.pay_head(large)


type Frames = list[tuple[int, int]]
FRAMES = st.lists(st.tuples(st.sampled_from([0, 1, 3, PING]), st.integers(0, 40)), max_size=20)


@given(FRAMES, st.data())
def test_the_count_is_the_same_however_the_bytes_are_cut(frames: Frames, drawn: st.DataObject) -> None:
    data = PREFACE + b"".join(frame(kind, size) for kind, size in frames)
    cuts = sorted(drawn.draw(st.lists(st.integers(0, len(data)), max_size=8)))
    budget, given_on = FrameBudget(0.0), []
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        given_on += budget.pay(data[start:end], 0.0)
    assert b"".join(given_on) == data
    costs = sum({0: 1, 1: 0, 3: RESET_COST, PING: 1}[kind] for kind, _ in frames)
    budget.pay(frame(PING) * (BURST - costs), 0.0)
    with pytest.raises(BudgetSpent):
        budget.pay(frame(PING), 0.0)


@given(FRAMES)
def test_a_piece_has_one_head_at_most(frames: Frames) -> None:
    pieces = FrameBudget(0.0).pay(PREFACE + b"".join(frame(kind, size) for kind, size in frames), 0.0)
    heads = [frame(1, size) for kind, size in frames if kind == 1]
    assert len(pieces) <= len(heads) + 1
    assert all(piece.endswith(head) for piece, head in zip(pieces, heads, strict=False))
