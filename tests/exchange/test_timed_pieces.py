"""When pieces came: the first ones, in two numbers each."""

import sys

import pytest

from addons.exchange import timed_pieces
from addons.exchange.timed_pieces import TimedPieces


def test_pieces_come_back_as_they_were_from_any_of_them_on() -> None:
    pieces = TimedPieces()
    for at in range(5):
        pieces.add(at / 8, 2**40 + at)
    assert len(pieces) == 5
    assert pieces.pieces() == [(at / 8, 2**40 + at) for at in range(5)]
    assert pieces.pieces(1, 3) == [(0.125, 2**40 + 1), (0.25, 2**40 + 2)]
    assert pieces.pieces(5) == []
    assert all(type(length) is int for _, length in pieces.pieces())


def test_so_many_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timed_pieces, "PIECES_LIMIT", 3)
    pieces = TimedPieces()
    for at in range(5):
        pieces.add(at, 1)
    assert pieces.pieces() == [(0.0, 1), (1.0, 1), (2.0, 1)]


def test_a_piece_costs_little_memory() -> None:
    pieces = TimedPieces()
    for at in range(1000):
        pieces.add(at / 1000, 200)
    assert sys.getsizeof(pieces._numbers) < 20 * 1000
