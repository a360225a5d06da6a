"""How fast the work of a reader grows with its input: measured in this thread's CPU time, judged with wide margins.

Time is noisy, growth is not: linear work takes 4 times as long for 4 times as much, quadratic work 16 times.
"""

import time
from collections.abc import Callable

TOO_FAST_S = 0.02
"""What takes less is not judged: for texts of these sizes, quadratic work takes ten times as long."""
MOST_RATIO = 9.0


def cpu_s(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def growth(make: Callable[[int], Callable[[], object]], size: int) -> float:
    """How many times longer `make(4 * size)` works than `make(size)`, the best of three where that is too much; 1 for
    what takes no time."""
    large = cpu_s(make(4 * size))
    if large < TOO_FAST_S:
        return 1.0
    ratios: list[float] = []
    while not ratios or (min(ratios) >= MOST_RATIO and len(ratios) < 3):
        if ratios:
            large = cpu_s(make(4 * size))
        ratios.append(large / max(cpu_s(make(size)), 1e-4))
    return min(ratios)
