"""A provider's answer is cleaned where it enters: its head before it is seen, its errors before anybody is told."""

import json

import pytest
from mitmproxy import http

from addons.cleaning.cleaner import HIDDEN, Cleaner
from addons.cleaning.index import KnownSecret
from addons.exchange.attempt import Attempt
from tests.support.attempts import attempt_of

KEY = "ak_9fPq2LzR7tXw4mVbN8sKd3"
CLEANER = Cleaner.knowing([KnownSecret(KEY, "api_key", "p", "a")])


@pytest.fixture
def attempt() -> Attempt:
    """One of an account whose key is known to the cleaner."""
    return attempt_of(CLEANER)


def _answer(status: int, **headers: str) -> http.Response:
    response = http.Response.make(status, b"", {"content-type": "application/json", **headers})
    response.reason = f"says {KEY}"
    return response


def test_a_head_is_cleaned_before_it_is_seen(attempt: Attempt) -> None:
    response = _answer(200, **{"x-said": KEY, "set-cookie": "sid=a-fresh-cookie-1"})
    attempt.head(response)
    told = repr(response.get_state())
    assert KEY not in told
    assert "a-fresh-cookie-1" not in told
    assert attempt.report.set_cookies == ("sid=a-fresh-cookie-1",), "the account gets what it was given"


def test_a_refusal_is_told_without_the_key_and_without_what_it_hands_out(attempt: Attempt) -> None:
    body = json.dumps({"error": {"message": f"bad key {KEY}, now a-fresh-cookie-1"}}).encode()
    attempt.head(_answer(400, **{"set-cookie": "sid=a-fresh-cookie-1"}))
    attempt.data(body)
    attempt.end()
    assert attempt.report.error
    assert f"bad key {HIDDEN}, now {HIDDEN}" in attempt.report.error.message


def test_of_a_head_that_could_not_be_cleaned_nothing_is_kept(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: object) -> list[str]:
        raise ValueError

    monkeypatch.setattr(Cleaner, "head", fails)
    response = _answer(200, **{"x-said": KEY})
    attempt.head(response)
    assert KEY not in repr(response.get_state())
