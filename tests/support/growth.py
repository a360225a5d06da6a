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
    """How many times longer `make(4 * size)` works than `make(size)`, the best of three; 1 for what takes no time."""
    if cpu_s(make(4 * size)) < TOO_FAST_S:
        return 1.0
    ratios = []
    for _ in range(3):
        small = min(cpu_s(make(size)) for _ in range(2))
        large = cpu_s(make(4 * size))
        ratios.append(large / max(small, 1e-4))
        if ratios[-1] < MOST_RATIO:
            break
    return min(ratios)
