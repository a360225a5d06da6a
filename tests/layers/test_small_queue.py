"""The queue of a layer that waits: a deque as far as mitmproxy uses one, and linear however much comes meanwhile."""

import sys
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.layers.small_queue import SmallQueue


@given(st.lists(st.booleans()))
def test_it_does_what_a_deque_does(course: list[bool]) -> None:
    small, plain = SmallQueue[int](), deque[int]()
    for number, comes in enumerate(course):
        if comes:
            small.append(number)
            plain.append(number)
        elif plain:
            assert small.popleft() == plain.popleft()
        assert [*small] == [*plain]
        assert bool(small) == bool(plain)


def test_of_an_empty_one_nothing_can_be_taken() -> None:
    with pytest.raises(IndexError):
        SmallQueue[int]().popleft()


def test_what_is_moved_to_take_all_grows_with_what_came() -> None:
    moved = []
    for count in (1000, 4000):
        queue, steps = SmallQueue[int](), 0
        for number in range(count):
            queue.append(number)
        while queue:
            before = len(queue._items)
            queue.popleft()
            steps += len(queue._items) if len(queue._items) < before else 0  # what stays is moved to the front
        moved.append(steps)
    assert moved[1] <= 5 * moved[0]


def test_an_empty_one_is_small() -> None:
    small = SmallQueue[int]()
    assert (sys.getsizeof(small) + sys.getsizeof(small._items)) * 4 < sys.getsizeof(deque[int]())
