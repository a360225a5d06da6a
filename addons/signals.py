"""What signals mean for the process.

SIGTERM, SIGINT   drain and end; a second one ends at once (Ctrl-C in mitmproxy's console stays its own: it asks first)
SIGHUP            in a terminal: that has gone, so drain and end, in mitmproxy's console too;
                  without one (a service): look at the configuration; ignored (nohup): stays ignored
"""

import asyncio
import os
import signal
from collections.abc import Callable

from addons.drain import Drain


def heed_signals(drain: Drain, look_now: Callable[[], None], *, asks: bool) -> None:
    """Takes the signals over from mitmproxy, which would end everything at once. `asks`: it is the console."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM,) if asks else (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, drain.asked)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGHUP, drain.hung_up if has_terminal() else look_now)


def has_terminal() -> bool:
    """Whether the process belongs to a terminal, whatever its input and output are."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
