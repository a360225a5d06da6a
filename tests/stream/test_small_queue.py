"""The queue of a layer that waits: a deque as far as mitmproxy uses one."""

import sys
from collections import deque

from addons.stream.small_queue import SmallQueue


def test_what_came_first_goes_first() -> None:
    small, plain = SmallQueue[int](), deque[int]()
    for queue in (small, plain):
        queue.extend((1, 2))
        assert queue.popleft() == 1
        queue.append(3)
    assert [*small] == [*plain] == [2, 3]
    assert small
    assert not SmallQueue[int]()


def test_an_empty_one_is_small() -> None:
    assert sys.getsizeof(SmallQueue[int]()) * 4 < sys.getsizeof(deque[int]())
