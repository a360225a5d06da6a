"""A request as a row of the ledger."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.errors import GatewayError
from addons.exchange.outcome import Outcome
from addons.usage.row import COLUMNS, MOST_NANO, MOST_TOKENS, belongs, cost_of, dollars, nano, row_of
from addons.usage.tables import REQUESTS
from addons.words.shown import shown
from providers.contract.events import Usage
from providers.contract.price import Price, money_of
from tests.usage.rows import NOW, named, outcome, prices, record

REFUSED = GatewayError(403, "not this model", code="model_not_allowed")
M = Price(Decimal(2), Decimal(8), Decimal("0.5"))


def test_a_row_has_what_was_asked_and_what_it_took() -> None:
    usage = Usage(100, 20, 120, reasoning_tokens=7, cached_tokens=60, written_tokens=5)
    asked = outcome(
        record(usage), first_token_ms=300, wait_ms=12, usage=usage, asked="fast", retry=1, error_code="x" * 300
    )
    assert named(row_of(asked, prices(m=M), NOW, str.upper)) == {
        "at": 1_800_000_000_000,
        "request_id": "req_1",
        "key": "ada",
        "client": "127.0.0.1",
        "operation": "chat",
        "asked": "FAST",
        "model": "m",
        "provider": "zai",
        "account": "main",
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "cached_tokens": 60,
        "written_tokens": 5,
        "reasoning_tokens": 7,
        "cost_nano": 270_000,
        "outcome": "ok",
        "status": 200,
        "error_code": "x" * 99 + "…",
        "attempts": 1,
        "cache": "",
        "wait_ms": 12,
        "first_token_ms": 300,
        "total_ms": 1500,
    }


def test_attempts_that_failed_are_paid_for_at_the_price_of_their_model() -> None:
    dear = Price(Decimal(1000), Decimal(1000))
    asked = outcome(record(Usage(1, 1, 2), model="other"), record(None), record(Usage(1_000_000, 0, 1_000_000)))
    assert cost_of(asked.records, prices(m=M, other=dear)) == money_of(Decimal("2.002"))
    assert cost_of(asked.records, prices(m=M)) == money_of(Decimal(2))
    assert cost_of(asked.records, prices()) is None
    made = named(row_of(asked, prices(m=M), NOW, str))
    assert (made["prompt_tokens"], made["completion_tokens"], made["attempts"]) == (1_000_001, 1, 3)


def test_a_kept_answer_costs_nothing_and_names_its_model() -> None:
    made = named(row_of(outcome(cache="hit", usage=Usage(9, 9, 18)), prices(m=M), NOW, str))
    assert (made["prompt_tokens"], made["cost_nano"], made["model"], made["cache"]) == (0, None, "m", "hit")


def test_what_a_provider_says_of_tokens_costs_no_less_than_nothing() -> None:
    made = named(row_of(outcome(record(Usage(-(10**9), -5, -5))), prices(m=M), NOW, str))
    assert (made["prompt_tokens"], made["cost_nano"]) == (0, 0)


def test_columns_are_those_of_the_table() -> None:
    assert [column.name for column in REQUESTS.columns] == ["id", *COLUMNS]


def test_a_model_that_nobody_was_asked_for_is_none_that_was_used() -> None:
    made = named(row_of(outcome(model="made-up", asked="made-up", provider=None, account=None), prices(), NOW, str))
    assert (made["asked"], made["model"], made["provider"], made["account"]) == ("made-up", None, None, None)


@pytest.mark.parametrize(
    ("changed", "there"),
    [
        ({}, True),
        ({"key": "anyone"}, True),
        ({"key": "-"}, False),
        ({"key": ""}, False),
        ({"dialect": ""}, False),
        ({"dialect": "", "error": REFUSED}, True),
        ({"dialect": "", "error": REFUSED, "key": "-"}, False),
        ({"key": "-", "dialect": "", "records": (record(Usage(1, 1, 2)),), "outcome": "replayed"}, True),
    ],
)
def test_who_shows_no_key_fills_no_disk(changed: dict[str, Any], there: bool) -> None:
    assert belongs(outcome(**changed)) is there


@pytest.mark.parametrize(
    ("cost", "nanos"),
    [
        ("0", 0),
        ("-1", 0),
        ("0.0000000014", 1),
        ("0.0000000015", 2),
        ("0.0000000016", 2),
        ("0.0000000025", 2),
        ("1.5", 1_500_000_000),
        ("1e30", MOST_NANO),
    ],
)
def test_money_is_whole_billionths(cost: str, nanos: int) -> None:
    assert nano(money_of(Decimal(cost))) == nanos
    assert dollars(1_500_000_001) == Decimal("1.500000001")


hostile = st.text(st.characters(categories=None) | st.sampled_from("\x00\x1b\ud800\u202e\n=@"), max_size=50) | st.just(
    "A" * 10_000
)
numbers = st.integers(min_value=-5, max_value=2**70)


@settings(max_examples=40)
@given(hostile, hostile, hostile, numbers, numbers)
def test_whatever_was_said_a_row_is_bounded_and_printable(
    asked: str, model: str, name: str, count: int, milliseconds: int
) -> None:
    usage = Usage(count, count, count, count, count, written_tokens=count)
    said: Outcome = replace(
        outcome(record(usage)), asked=asked, model=model, key=name, client=name, error_code=name, id=name,
        operation=name, provider=name, account=name, total_ms=milliseconds, wait_ms=milliseconds,
    )  # fmt: skip
    made = named(row_of(said, prices(), NOW, str))
    assert len(json.dumps(made, ensure_ascii=False)) < 2500
    for value in made.values():
        if isinstance(value, str):
            assert value == shown(value)
            value.encode()
        elif value is not None:
            assert isinstance(value, int)
            assert 0 <= value <= max(MOST_TOKENS, NOW * 1000)


def test_a_secret_in_the_name_of_a_model_that_nobody_serves_is_taken_out() -> None:
    """Such a request has the client's own word as its model."""
    secret = "plain-words-as-a-key-0815"
    made = row_of(
        outcome(asked=f"is it {secret}?", model=f"is it {secret}?", outcome="refused", status=404),
        prices(),
        NOW,
        lambda text: text.replace(secret, "~hidden~"),
    )
    found = named(made)
    assert (found["asked"], found["model"]) == ("is it ~hidden~?", None)
