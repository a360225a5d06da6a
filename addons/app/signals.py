"""What signals, and the end of the terminal, mean for the process.

SIGTERM, SIGINT   drain and end; a second one ends at once (Ctrl-C in mitmproxy's console stays its own: it asks first)
SIGHUP            in a terminal: that has gone, so drain and end, in mitmproxy's console too;
                  without one (a service): look at the configuration; ignored (nohup): stays ignored
"""

import asyncio
import os
import select
import signal
from collections.abc import Callable
from typing import Any

from addons.app.drain import Drain


def install_signal_handlers(drain: Drain, look_now: Callable[[], None], master: Any) -> None:
    """Installs the handlers of signals in the place of mitmproxy's, which would end everything at once."""
    loop = asyncio.get_running_loop()
    screen = getattr(master, "ui", None)  # the console's
    for number in (signal.SIGTERM,) if screen is not None else (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, drain.asked)
    is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    terminal = Terminal(screen, lambda: None if is_ignored else drain.hung_up())
    if not is_ignored:
        loop.add_signal_handler(signal.SIGHUP, terminal.gone if has_terminal() else look_now)


def has_terminal() -> bool:
    """Whether the process belongs to a terminal, whatever its input and output are."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


class Terminal:
    """The terminal the process was started in. `screen` is the console's (urwid's raw display), where there is one.

    A terminal that has gone can be read without end and nothing can be written to it; urwid 2.6's display then reads
    in a loop for ever. So the console's input is read here, and what is open to the terminal becomes /dev/null.
    """

    def __init__(self, screen: Any, on_gone: Callable[[], None]) -> None:
        self._screen = screen
        self._on_gone = on_gone
        self._open = [number for number in (0, 1, 2) if os.isatty(number)]
        self._is_gone = False
        if screen is not None:
            screen._read_raw_input = self._read

    def gone(self) -> None:
        """It has gone."""
        if self._is_gone:
            return
        self._is_gone = True
        if self._screen is not None:
            for number in self._open:
                asyncio.get_running_loop().remove_reader(number)
        self._on_gone()  # before: what is said now may still be read
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for number in self._open:
            os.dup2(null, number)
        os.close(null)

    def _read(self, timeout: int) -> bytearray:
        """What was typed; called for other reasons too."""
        number = self._screen._input_fileno()
        if self._is_gone or not select.select([number], [], [], 0)[0]:
            return bytearray()
        try:
            typed = os.read(number, 65536)
        except OSError:
            typed = b""
        if not typed:
            self.gone()
        return bytearray(typed)
