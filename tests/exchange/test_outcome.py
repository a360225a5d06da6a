"""Who is told how a request ended."""

import pytest

from addons.exchange.outcome import Outcome, tell

ENDED = Outcome("req_1", "ada", "/v1/chat/completions", 200)


class Counts:
    def __init__(self) -> None:
        self.seen: list[Outcome] = []

    def ended(self, outcome: Outcome) -> None:
        self.seen.append(outcome)


class Fails:
    def ended(self, outcome: Outcome) -> None:
        raise ValueError("no room left")


def test_each_observer_is_told_whatever_becomes_of_the_others(caplog: pytest.LogCaptureFixture) -> None:
    first, last = Counts(), Counts()
    tell((first, Fails(), last), ENDED)
    assert (first.seen, last.seen) == ([ENDED], [ENDED])
    assert "Fails failed over the end of request req_1" in caplog.text
    assert "no room left" in caplog.text
