"""What a client is told when no attempt brought an answer."""

import re
from typing import Any, Literal

import pytest

from addons.accounts.availability import Blocked
from addons.accounts.lease import Candidate, PassedOver
from addons.accounts.limiter import LimiterFull
from addons.errors import MESSAGE_LIMIT, SHORT_WAIT_S
from addons.exchange.final_error import FinalError
from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest
from tests.support.accounts import account
from tests.support.attempts import official

DOWN = ProviderError(ErrorKind.PROVIDER_DOWN, "api is down.")
LIMITED = ProviderError(ErrorKind.RATE_LIMITED, "api is at its limit.")


def candidate(name: str) -> Candidate:
    return Candidate(account(("api", name)), Model("m", "m"))


def final() -> FinalError:
    return FinalError({"api": official("api")})


def resting(name: str, wait_s: float, error: ProviderError = LIMITED, *, by_breaker: bool = False) -> PassedOver:
    return PassedOver(candidate(name), Blocked(error, wait_s, by_breaker))


def test_without_any_account_that_is_said() -> None:
    told = final().error(asked=False)
    assert (told.status, told.code) == (503, "no_account")


def test_of_a_conversation_that_is_too_long_its_length_and_the_models_are_told() -> None:
    asked = ChatRequest("m", (Message("user", "word " * 300),))
    for context, prompt in ((100, (300, 100)), (5000, (5001, 5000)), (None, None)):
        found = FinalError({"api": official("api")}, None, asked)
        of_it = Candidate(account(("api", "a")), Model("m", "m", context_length=context))
        told = found.told(ProviderError(ErrorKind.TOO_LONG, "too long."), of_it)
        assert told.prompt == prompt
    assert found.told(DOWN, candidate("a")).prompt is None


def test_the_first_failure_says_most() -> None:
    found = final()
    found.failed(DOWN, candidate("a"))
    found.failed(LIMITED, candidate("b"))
    told = found.error(asked=True)
    assert "api is down" in told.message
    assert told.about == ("m", "api", "a")


def test_why_nobody_was_asked_says_more_than_a_session_that_could_not_be_had() -> None:
    found = final()
    found.failed(DOWN, candidate("a"))
    found.not_asked([resting("b", 30)])
    assert "at its limit" in found.error(asked=False).message
    assert "api is down" in found.error(asked=True).message


def test_of_those_that_rest_the_one_that_may_be_asked_first_is_told() -> None:
    found = final()
    found.not_asked([resting("a", 90), resting("b", 30)])
    told = found.error(asked=False)
    assert (told.about, told.retry_after_s) == (("m", "api", "b"), 30)


def test_of_those_that_may_be_asked_at_the_same_time_the_first_is_told() -> None:
    found = final()
    for name in "ab":
        found.not_asked([PassedOver(candidate(name), LimiterFull(7))])
    assert found.error(asked=False).about == ("m", "api", "a")


@pytest.mark.parametrize(
    ("wait_s", "span"), [(0.2, "1 s"), (89, "89 s"), (89.5, "90 s"), (90, "2 min"), (120, "2 min"), (121, "3 min")]
)
@pytest.mark.parametrize(
    ("credential", "advice"),
    [
        ("session", r"Use the official API, or pass the check .* capture api a"),
        ("key", r"To try at once: .* accounts reset api a"),
    ],
)
def test_of_an_account_that_rests_after_a_check_is_told_how_long_and_what_ends_it(
    wait_s: float, span: str, credential: Literal["session", "key"], advice: str
) -> None:
    found = final()
    found.not_asked([resting("a", wait_s, ProviderError(ErrorKind.CHALLENGE, "Prove it.", credential=credential))])
    told = found.error(asked=False)
    assert re.search(rf"Prove it\. The account rests and is asked again in {span}\. {advice}$", told.message)


def test_a_limit_rests_without_such_advice() -> None:
    found = final()
    found.not_asked([resting("a", 30)])
    assert "The account rests" not in found.error(asked=False).message


def test_what_a_site_said_makes_room_for_the_advice() -> None:
    found = final()
    found.not_asked([resting("a", 30, ProviderError(ErrorKind.CHALLENGE, "x" * 10_000, credential="key"))])
    message = found.error(asked=False).message
    assert len(message) <= MESSAGE_LIMIT
    assert len(message) >= MESSAGE_LIMIT - 3
    assert message.endswith("accounts reset api a")


@pytest.mark.parametrize("wait_s", [SHORT_WAIT_S, SHORT_WAIT_S + 1])
def test_who_may_be_asked_soon_may_be_tried_again_by_the_client(wait_s: float) -> None:
    error = ProviderError(ErrorKind.QUOTA, "api has no quota left.")
    found = final()
    found.not_asked([resting("a", wait_s, error)])
    told = dict(found.error(asked=False).headers())
    assert (told.get("x-should-retry") != "false") is (wait_s <= SHORT_WAIT_S)


def test_an_account_that_keeps_failing_is_told_as_such() -> None:
    found = final()
    found.not_asked([resting("a", 10, DOWN, by_breaker=True)])
    told = found.error(asked=False)
    assert (told.status, told.code, told.about) == (503, "provider_unavailable", ("m", "api", "a"))
    assert told.message.startswith("api/a keeps failing and is left alone for a while: ")


@pytest.mark.parametrize(("known", "wait_s"), [(7.0, 7.0), (None, 1.0)])
def test_an_account_whose_places_are_taken(known: Any, wait_s: float) -> None:
    found = final()
    found.not_asked([PassedOver(candidate("a"), LimiterFull(known))])
    told = found.error(asked=False)
    assert (told.status, told.code, told.retry_after_s) == (429, "account_busy", wait_s)
    assert "all places of api/a are taken" in told.message
