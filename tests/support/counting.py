"""How much interpreted work something is: counted, since the time it takes is the machine's."""

import gc
import sys
import threading
from collections.abc import Callable
from typing import Final

_TOOL: Final = 4
"""One of the numbers that sys.monitoring leaves to whoever wants them."""


def work_of[T](work: Callable[[], T]) -> tuple[T, int]:
    """What `work` returns, and how many calls, rounds of loops and branches it took in this thread.

    A call into C counts as one, however long it takes: how that grows is judged in tests/test_growth_of_*.py.
    """
    count, here, thread = 0, threading.get_ident(), threading.get_ident

    def one_more(*_: object) -> None:
        nonlocal count
        count += thread() == here

    monitoring, collecting = sys.monitoring, gc.isenabled()
    gc.disable()  # what is collected meanwhile, and what that calls, is the work of others
    events = monitoring.events
    kinds = (events.PY_START, events.PY_RESUME, events.CALL, events.JUMP)
    monitoring.use_tool_id(_TOOL, "counting")
    try:
        for kind in kinds:
            monitoring.register_callback(_TOOL, kind, one_more)
        monitoring.set_events(_TOOL, events.PY_START | events.PY_RESUME | events.CALL | events.JUMP)
        found = work()
    finally:
        monitoring.set_events(_TOOL, 0)
        for kind in kinds:
            monitoring.register_callback(_TOOL, kind, None)
        monitoring.free_tool_id(_TOOL)
        if collecting:
            gc.enable()
    return found, count
