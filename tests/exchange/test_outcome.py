"""What is known of a request that is over."""

import dataclasses

import pytest

from addons.exchange.outcome import SHORTEST_SENTENCE, WHY_LIMIT, AttemptRecord, Outcome, record_of
from providers.contract.errors import ErrorKind, ProviderError
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


# -- the record of an attempt -----------------------------------------------------------------------------------------
ABOUT, REQUEST = ("m", "p", "a"), ("req_1", "chat_completions", 100.0)


def test_an_attempt_is_timed_from_its_own_beginning_and_its_words_from_the_requests() -> None:
    now = 101.0
    attempt = attempt_of(clock=lambda: now)
    now = 103.5
    attempt.reader.first_token_at = 102.25
    attempt.reader._take([Usage(3, 2, 5)])
    record = record_of(REQUEST, 2, ABOUT, now, None, attempt)
    assert (record.took_ms, record.first_token_ms, record.ended_ms) == (2500, 2250, 3500)
    assert (record.request_id, record.dialect, record.number) == ("req_1", "chat_completions", 2)
    assert (record.model, record.provider, record.account) == ABOUT
    assert (record.usage, record.attempt, record.error) == (Usage(3, 2, 5), attempt, None)


def test_an_attempt_that_could_not_be_made_took_nothing() -> None:
    error = ProviderError(ErrorKind.PROVIDER_DOWN, "down")
    record = record_of(REQUEST, 1, ABOUT, 101.0, error, None)
    assert (record.took_ms, record.first_token_ms, record.ended_ms) == (0, None, 1000)
    assert (record.error, record.usage, record.delivered) == (error, None, b"")


def test_all_attempts_tokens_are_spent_and_a_kept_answer_spends_none() -> None:
    told, failed = Usage(3, 2, 5), Usage(10, 0, 10, cached_tokens=4)
    records = tuple(AttemptRecord("req_1", n, *ABOUT, usage=usage) for n, usage in enumerate((failed, None, told), 1))
    assert dataclasses.replace(ENDED, records=records, usage=told).spent == Usage(13, 2, 15, cached_tokens=4)
    assert dataclasses.replace(ENDED, records=records[1:2], usage=told).spent is None
    assert dataclasses.replace(ENDED, records=(), usage=told).spent == told
    assert dataclasses.replace(ENDED, records=(), usage=told, cache="hit").spent is None


def test_what_its_attempt_delivered_is_the_requests() -> None:
    attempt = attempt_of()
    attempt._hand_over(b"data: hi")
    record = AttemptRecord("req_1", 1, "m", "p", "a", attempt=attempt)
    assert record.delivered == dataclasses.replace(ENDED, records=(record,)).delivered == b"data: hi"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("Approx. The limit is reached now. Wait.", "Approx. The limit is reached now."),
        ("x" * (SHORTEST_SENTENCE - 1) + ". Next one. More", "x" * (SHORTEST_SENTENCE - 1) + "."),
        ("x" * (SHORTEST_SENTENCE - 2) + ". Next one. More", "x" * (SHORTEST_SENTENCE - 2) + ". Next one."),
        ("no end. of a sentence", "no end. of a sentence"),
    ],
)
def test_a_full_stop_early_on_ends_no_sentence(words: str, why: str) -> None:
    assert dataclasses.replace(ENDED, why=words).why == why
