"""What is known of a request that is over."""

import dataclasses

import pytest

from addons.exchange.outcome import WHY_LIMIT, AttemptRecord, Outcome
from providers.contract.events import Usage
from tests.support.attempts import attempt_of

ENDED = Outcome("req_1", "ada", "/v1/chat/completions", 200)


def test_nothing_of_it_changes_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ENDED.status = 500  # type: ignore[misc]


def test_why_is_the_first_sentence_on_one_line() -> None:
    words = "The account of this provider is at its limit. Wait for a while, or add another account."
    assert dataclasses.replace(ENDED, why=words).why == "The account of this provider is at its limit."
    assert len(dataclasses.replace(ENDED, why="x" * 1000).why) <= WHY_LIMIT + 1


def test_its_flow_shows_the_newest_attempt_that_went_out() -> None:
    made = AttemptRecord("req_1", 1, "m", "p", "a", attempt=attempt_of())
    unmade = AttemptRecord("req_1", 2, "m", "p", "b")
    outcome = dataclasses.replace(ENDED, records=(made, unmade))
    assert (outcome.attempts, outcome.last) == (2, made)
    assert (outcome.delivered, unmade.delivered, unmade.usage) == (b"", b"", None)
    assert (ENDED.attempts, ENDED.last, ENDED.delivered) == (0, None, b"")


def test_tokens_are_counted_once_they_are_known() -> None:
    assert (ENDED.prompt_tokens, ENDED.completion_tokens) == (None, None)
    counted = dataclasses.replace(ENDED, usage=Usage(3, 2, 5))
    assert (counted.prompt_tokens, counted.completion_tokens) == (3, 2)


def test_a_body_in_the_middle_of_a_letter_is_still_text() -> None:
    assert dataclasses.replace(ENDED, client_body="né".encode()[:2]).client_request == "n\ufffd"
