"""Tables that grow with what clients and sites say stay small, in entries and in bytes."""

import random
from pathlib import Path

import pytest

from addons.accounts.account_record import MODELS_KEPT
from addons.accounts.cooldown import KNOWN_LIMIT, CooldownRules, Cooldowns
from addons.accounts.health import AccountState, Health
from addons.dialects.openai.error import error_body
from addons.errors import GatewayError
from addons.features.token_estimate import TokenCounter, count, estimated
from addons.recordings.drift import KIND_CHARS, KINDS_LIMIT, Drift
from addons.routing.model_index import ModelIndex
from addons.routing.strategy import REMEMBERED, OrderState, conversation_of
from providers.contract.chat import Message
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest
from tests.support.accounts import health_of
from tests.support.choices import Chosen, order


def test_a_clients_own_key_for_a_conversation_is_not_kept_itself() -> None:
    long = ChatRequest("m", (), affinity="u" * 5_000_000)
    assert len(conversation_of(long)) == 64
    assert conversation_of(long) == conversation_of(ChatRequest("m", (), affinity="u" * 5_000_000))
    assert conversation_of(long) != conversation_of(ChatRequest("m", (), affinity="u" * 4_999_999))
    assert len(conversation_of(ChatRequest("m", (), affinity="half \ud83d"))) == 64


def test_of_a_conversation_only_the_beginning_is_read() -> None:
    def begun(words: str) -> str:
        return conversation_of(ChatRequest("m", (Message("user", words),)))

    assert begun("a" * 70_000) == begun("a" * 70_000)
    assert begun("a" * 70_000) != begun("a" * 70_001)
    assert begun("a" * 70_000) != begun("b" + "a" * 69_999)


def test_turns_of_models_are_bounded() -> None:
    state = OrderState(random.Random(1))
    for number in range(REMEMBERED + 10):
        order(state, [Chosen(("p", "a"))], "round_robin", f"m{number}", "c")
    assert len(state._turns) == REMEMBERED


def test_cool_downs_are_bounded_and_the_first_to_end_is_forgotten() -> None:
    cooldowns: Cooldowns[str] = Cooldowns(CooldownRules(), lambda: 0.0)
    for number in range(KNOWN_LIMIT + 1):
        cooldowns.limited(f"m{number}", ProviderError(ErrorKind.RATE_LIMITED, "", retry_after_s=100.0 + number))
    assert len(cooldowns.known) == KNOWN_LIMIT
    assert cooldowns.left_s("m0") == 0
    assert cooldowns.left_s("m1") > 0


def test_limited_models_are_bounded(tmp_path: Path) -> None:
    health = health_of(tmp_path / "accounts.json", ("p", "a"))
    for number in range(MODELS_KEPT + 3):
        health.limit_model(f"m{number}", AccountState(Health.LIMITED, 0, 100 + number, ""))
    assert len(health.models) == MODELS_KEPT
    assert "m0" not in health.models


def test_what_was_unknown_is_kept_short_and_clean(tmp_path: Path) -> None:
    drift = Drift(tmp_path / "drift.json")
    drift.count("zai", {f"field \x1b[2J\ud800 {n} " + "x" * 500: 1 for n in range(2 * KINDS_LIMIT)}, 1, "req_1")
    assert len(drift.found["zai"]) <= KINDS_LIMIT
    assert all(len(kind) <= KIND_CHARS and kind.isprintable() for kind in drift.found["zai"])
    drift.save()
    assert Drift.load(tmp_path / "drift.json").plain() == drift.plain()


def test_an_odd_file_of_drift_is_read_as_far_as_it_makes_sense(tmp_path: Path) -> None:
    file = tmp_path / "drift.json"
    file.write_text('{"zai":{"kind":{"count":2,"last":"soon","example":["\\u001b"]},"other":3}}')
    file.chmod(0o600)
    tmp_path.chmod(0o700)
    found = Drift.load(file).found
    assert [(strange.count, strange.last) for strange in found.get("zai", {}).values()] in ([(2, 0)], [])


def test_near_names_are_looked_for_among_a_bounded_number() -> None:
    models = {f"model-{n}": Model(f"model-{n}", "x") for n in range(20_000)}
    index = ModelIndex([("p", models)], {})
    assert index.near("model-7x") != []
    assert index.near("m" * 60_000) == []


@pytest.mark.parametrize("said", ["[DONE]", "cut before [DONE] came"])
def test_no_error_ends_a_clients_answer(said: str) -> None:
    error = GatewayError.from_provider(ProviderError(ErrorKind.BAD_REQUEST, said, param="[DONE]"), "p", "a")
    assert b"[DONE]" not in error_body(error)
    assert b"DONE" in error_body(error)


def test_a_long_prompt_is_estimated_by_its_beginning() -> None:
    words = "word, " * 100_000
    assert estimated([words]) == count(words)
    assert estimated([words] * 20) == pytest.approx(20 * count(words), rel=0.01)
    assert estimated([]) == 0


def test_a_long_piece_is_counted_by_its_beginning() -> None:
    counter = TokenCounter()
    counter.add("ab " * 2_000_000)
    assert counter.tokens == pytest.approx(2_000_000, rel=0.01)
