from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.shared.cumulative import CumulativeText


def read(pieces: Iterable[str], frames: int = 2) -> list[str]:
    text = CumulativeText(frames=frames)
    return [*(text.add(piece) for piece in pieces), text.flush()]


@pytest.mark.parametrize("frames", [2, 3])
@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        pytest.param(["你", "好", "!"], "你好!", id="increments"),
        pytest.param(["ha", "ha"], "haha", id="equal-pieces"),
        pytest.param(["ha", "ha", "ha"], "hahaha", id="equal-pieces-thrice"),
        pytest.param(["a", "b", "bc", "bcd"], "abbcbcd", id="decided-once"),
        pytest.param(["He", "Hell", "Hello", "Hello"], "Hello", id="snapshots-repeated"),
        pytest.param(["He", "", "Hell", "", "Hello"], "Hello", id="empty-frames-do-not-count"),
        pytest.param(["He", "Hell", "Hello", "He"], "Hello", id="shorter-snapshot-takes-nothing-back"),
        pytest.param(["He", "Hell", "Hello", "Other"], "HelloOther", id="another-text"),
        pytest.param(["one two", "one two th", "one two thr", "one two Thr ee"], "one two thr ee", id="edit"),
        pytest.param(["only"], "only", id="one-frame"),
        pytest.param([], "", id="nothing"),
    ],
)
def test_new_part_of_each_frame(pieces: list[str], whole: str, frames: int) -> None:
    assert "".join(read(pieces, frames)) == whole


def test_two_frames_decide_at_once() -> None:
    assert read(["He", "Hello"]) == ["He", "llo", ""]


def test_patient_reader_holds_a_doubtful_frame_until_the_next() -> None:
    assert read(["1", "10", "5"], frames=3) == ["1", "", "105", ""]
    assert read(["H", "Hel", "Hello"], frames=3) == ["H", "", "ello", ""]


def test_patient_reader_takes_two_frames_alone_for_increments() -> None:
    assert read(["1", "10"], frames=3) == ["1", "", "10"]


def test_snapshots_that_disagree_are_counted() -> None:
    text = CumulativeText()
    for piece in ("a", "ab", "abc", "xyz"):
        text.add(piece)
    assert text.conflicts == 1
    assert text.cumulative is True


@given(st.lists(st.text(min_size=1), min_size=3, max_size=12))
def test_growing_snapshots_join_to_the_last(pieces: list[str]) -> None:
    snapshots = ["".join(pieces[: n + 1]) for n in range(len(pieces))]
    assert "".join(read(snapshots)) == snapshots[-1]
    assert "".join(read(snapshots, frames=3)) == snapshots[-1]


@given(st.text(min_size=1), st.lists(st.text(), max_size=12))
def test_once_increments_always_increments(piece: str, later: list[str]) -> None:
    assert "".join(read([piece, piece, *later])) == piece * 2 + "".join(later)
