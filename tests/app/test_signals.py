"""What signals mean, and a terminal that has gone. Signals are real, the rest of the process is not."""

import asyncio
import os
import pty
import signal
from collections.abc import Coroutine, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from addons.app.signals import Terminal, has_terminal, install_signal_handlers


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    kept = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, kept, strict=True):
        signal.signal(number, handler)


class Told:
    """In the place of Drain."""

    def __init__(self) -> None:
        self.what: list[str] = []

    def asked(self) -> None:
        self.what.append("asked")

    def hung_up(self) -> None:
        self.what.append("hung up")

    def look(self) -> None:
        self.what.append("look")


def after(*numbers: int, master: object = None, told: Told | None = None) -> list[str]:
    """What was asked for once these signals came."""
    told = told or Told()

    async def work() -> None:
        drain: Any = told
        install_signal_handlers(drain, told.look, master or SimpleNamespace())
        for number in numbers:
            os.kill(os.getpid(), number)
            for _ in range(5):  # the loop is woken, reads which signal it was, and calls who heeds it
                await asyncio.sleep(0)

    run(work())
    return told.what


def run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner() as runner:
        runner.run(work)


def test_a_service_drains_and_looks_at_its_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.app.signals.has_terminal", lambda: False)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    assert after(signal.SIGHUP, signal.SIGTERM, signal.SIGINT) == ["look", "asked", "asked"]


def test_without_its_terminal_it_drains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.app.signals.has_terminal", lambda: True)
    monkeypatch.setattr("addons.app.signals.os.isatty", lambda number: False)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    assert after(signal.SIGHUP, signal.SIGHUP) == ["hung up"]


def test_what_was_told_to_ignore_the_terminals_end_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.app.signals.has_terminal", lambda: True)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    assert after(signal.SIGHUP, signal.SIGTERM) == ["asked"]


def test_whether_there_is_a_terminal_is_asked_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*given: object) -> int:
        raise OSError(6, "No such device or address")

    monkeypatch.setattr("addons.app.signals.os.open", none)
    assert not has_terminal()


def test_the_consoles_input_is_read_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.app.signals.os.isatty", lambda number: False)
    ours, theirs = pty.openpty()
    gone: list[bool] = []
    screen = SimpleNamespace(_input_fileno=lambda: theirs, _read_raw_input=None)
    Terminal(screen, lambda: gone.append(True))
    read: Any = screen._read_raw_input
    assert read(0) == b""
    os.write(ours, b"q\n")
    assert read(0) == b"q\n"
    os.close(ours)

    async def work() -> None:
        assert read(0) == b""
        assert read(0) == b""

    run(work())
    os.close(theirs)
    assert gone == [True]
