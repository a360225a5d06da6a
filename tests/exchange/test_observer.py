"""Who is told how requests go."""

import asyncio

import pytest

from addons.exchange.observer import Observer, Observers
from addons.exchange.outcome import AttemptRecord, Outcome

ENDED = Outcome("req_1", "ada", "/v1/chat/completions", 200)
RECORD = AttemptRecord("req_1", 1, "m", "p", "a")


class Counts(Observer):
    def __init__(self) -> None:
        self.seen: list[Outcome] = []

    async def ended(self, outcome: Outcome) -> None:
        self.seen.append(outcome)


class Fails(Observer):
    async def attempted(self, record: AttemptRecord) -> None:
        raise ValueError("no room left")

    async def ended(self, outcome: Outcome) -> None:
        raise ValueError("no room left")


def test_each_observer_is_told_whatever_becomes_of_the_others(caplog: pytest.LogCaptureFixture) -> None:
    first, last = Counts(), Counts()
    asyncio.run(Observers((first, Fails(), last)).ended(ENDED))
    assert (first.seen, last.seen) == ([ENDED], [ENDED])
    assert "Fails failed over the end of request req_1" in caplog.text
    assert "no room left" in caplog.text


def test_a_fault_over_an_attempt_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(Observers((Counts(), Fails())).attempted(RECORD))
    assert "Fails failed over an attempt of request req_1" in caplog.text


def test_what_an_observer_does_not_want_to_know_it_is_not_told() -> None:
    observer = Observer()

    async def tell() -> None:
        await observer.attempted(RECORD)
        await observer.ended(ENDED)

    asyncio.run(tell())
