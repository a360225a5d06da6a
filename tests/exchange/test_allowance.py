"""What a client key allows one request: models, and what is reserved for it."""

from dataclasses import replace
from typing import Any

import pytest

from addons.errors import GatewayError
from addons.exchange.allowance import UNLIMITED, USUAL_ANSWER, Allowance, Allowances, allowance_of
from addons.keys.limits import NO_LIMITS, KeyLimits, budget_of
from addons.keys.meter import Estimate
from addons.keys.meters import KeyMeters
from addons.routing.model_index import ModelRoute
from providers.contract.chat import Message
from providers.contract.native import MessagesRequest, ResponsesRequest
from providers.contract.passed_on import (
    BatchRequest,
    EmbeddingRequest,
    FileRequest,
    TranscriptionRequest,
    VariationRequest,
)
from providers.contract.pictures import ImageRequest
from providers.contract.price import DOLLAR, Money, Rates
from providers.contract.provider import Model
from providers.contract.requests import ChatRequest, CompletionRequest, ModelRequest

ROUTES = [ModelRoute(provider, Model("m", "m", vision=None, tools="unknown")) for provider in ("cheap", "dear")]
TOKENS, BUDGET = KeyLimits(tokens_per_day=100), KeyLimits(budget=budget_of("1/day"))


CENT: Money = DOLLAR // 100
DEARER = Rates(3 * CENT, 4 * CENT, 0, 0)
DEAR = Rates(CENT, CENT, 0, 0, (50, DEARER))


def rates(provider: str, model: str) -> Rates | None:
    return {"cheap": None, "dear": DEAR}[provider]


def allowances() -> Allowances:
    return Allowances(KeyMeters(lambda: 0.0, lambda: 1e9), rates)


def chat(**more: Any) -> ChatRequest:
    return ChatRequest("m", (Message("user", "one two"),), **more)


def test_what_a_request_may_use() -> None:
    of = allowances()
    assert of.estimate(chat(), KeyLimits(rpm=3), ROUTES) == Estimate()
    assert of.estimate(chat(), TOKENS, ROUTES) == Estimate(2, USUAL_ANSWER)
    assert of.estimate(chat(max_tokens=10, n=3), TOKENS, ROUTES) == Estimate(2, 30)
    assert of.estimate(chat(max_tokens=10), BUDGET, ROUTES) == Estimate(2, 10, 2 * CENT, 12 * CENT)
    assert of.estimate(chat(max_tokens=10), BUDGET, ROUTES[:1]) == Estimate(2, 10)
    assert of.estimate(chat(max_tokens=10), BUDGET, ()) == Estimate(2, 10)
    long = ChatRequest("m", (Message("user", "word " * 60),), max_tokens=10)
    assert of.estimate(long, BUDGET, ROUTES) == Estimate(60, 10, 60 * 3 * CENT, 60 * 3 * CENT + 10 * 4 * CENT)
    tools = ({"type": "function", "function": {"name": "look"}},)
    assert of.estimate(chat(max_tokens=1, tools=tools), TOKENS, ROUTES).prompt > 10
    assert of.estimate(chat(max_tokens=1, tools=tools), TOKENS, ROUTES, 8_000_000).prompt == 1_000_002
    assert of.estimate(CompletionRequest("m", chat(max_tokens=5)), TOKENS, ROUTES) == Estimate(2, 5)


def test_models_that_may_be_asked() -> None:
    assert UNLIMITED.permitted(ROUTES, "m") is ROUTES
    one = Allowance("ada", KeyLimits(models=("dear/*",)), b"a", allowances())
    assert one.permitted(ROUTES, "m") == ROUTES[1:]
    assert one.permitted((), "x") == ()
    with pytest.raises(GatewayError) as caught:
        replace(one, limits=KeyLimits(models=("n",))).permitted(ROUTES, "m")
    assert caught.value.status == 403


def test_a_place_is_taken_and_told_of() -> None:
    of = allowances()
    one = Allowance("ada", KeyLimits(rpm=1, tokens_per_day=2000), b"a", of)
    assert ("x-ratelimit-remaining-requests", "1") in one.headers()
    one.take("r1", chat(), ROUTES, free=False)
    assert ("x-ratelimit-remaining-tokens", str(2000 - 2 - USUAL_ANSWER)) in one.headers()
    with pytest.raises(GatewayError) as caught:
        one.take("r2", chat(), ROUTES, free=True)
    assert caught.value.code == "rate_limit_exceeded"


def test_a_kept_answer_reserves_nothing() -> None:
    of = allowances()
    Allowance("ada", TOKENS, b"a", of).take("r1", chat(max_tokens=99), ROUTES, free=True)
    (key,) = of.meters.running()
    assert key.running["r1"].estimate == Estimate()


def test_who_has_no_limits_costs_nothing() -> None:
    assert allowance_of(allowances(), "ada", b"a", NO_LIMITS) is UNLIMITED
    assert allowance_of(allowances(), "anyone", None, TOKENS) is UNLIMITED
    UNLIMITED.take("r", chat(), ROUTES, free=False)
    assert UNLIMITED.headers() == ()
    assert not UNLIMITED.of.meters._meters


@pytest.mark.parametrize(
    "asked",
    [
        chat(extra={"models": ["dear-1"]}),
        chat(extra={"preset": "mine"}),
        CompletionRequest("m", chat(), extra={"fallbacks": ["dear-1"]}),
        MessagesRequest("m", chat(), b"", {"models": ["dear-1"]}),
        MessagesRequest("m", chat(), b"", {"tools": [{"type": "advisor_1", "name": "advisor", "model": "dear-1"}]}),
        ResponsesRequest("m", chat(), b"", {"tools": [{"type": "image_generation"}]}),
        ResponsesRequest("m", chat(), b"", {"tools": [{"type": "image_generation", "model": "dear-1"}]}),
        chat(tools=({"type": "openrouter:advisor", "parameters": {"model": "dear-1"}},)),
        chat(extra={"plugins": [{"id": "fusion", "analysis_models": ["dear-1"]}]}),
    ],
    ids=["models", "preset", "fallbacks", "native", "advisor", "draws", "drawn", "nested", "plugin"],
)
def test_no_field_leads_to_a_model_that_is_not_allowed(asked: ModelRequest) -> None:
    with pytest.raises(GatewayError, match="names further models; it may ask: m") as caught:
        Allowance("ada", KeyLimits(models=("m",)), b"a", allowances()).take("r", asked, ROUTES, free=False)
    assert caught.value.status == 403
    for limits in (KeyLimits(models=("cheap/*", "dear/*")), KeyLimits(models=("*",))):
        Allowance("ada", limits, b"a", allowances()).take("r", asked, ROUTES, free=False)
    Allowance("ada", KeyLimits(rpm=3), b"a", allowances()).take("r", asked, ROUTES, free=False)


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "f", "parameters": {"model": {"type": "string"}}}},
        {"name": "f", "input_schema": {"properties": {"model": {}}}},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
    ],
    ids=["function", "anthropic", "search"],
)
def test_tools_that_ask_no_model_are_as_ever(tool: dict[str, Any]) -> None:
    one = Allowance("ada", KeyLimits(models=("m",)), b"a", allowances())
    one.take("r", MessagesRequest("m", chat(), b"", {"tools": [tool]}), ROUTES, free=False)


@pytest.mark.parametrize(
    ("models", "allowed"), [(("m",), False), (("cheap/*",), False), (("cheap/*", "dear/*"), True), (("*",), True)]
)
def test_a_batch_that_names_a_model_may_ask_others_in_its_file(models: tuple[str, ...], allowed: bool) -> None:
    one = Allowance("ada", KeyLimits(models=models), b"a", allowances())
    if allowed:
        one.take("r", BatchRequest("m", action="create"), ROUTES, free=False)
        return
    with pytest.raises(GatewayError, match="names no model"):
        one.take("r", BatchRequest("m", action="create"), ROUTES, free=False)


@pytest.mark.parametrize(
    ("asked", "tokens"),
    [
        (EmbeddingRequest("m", fields={"input": [7] * 50}), 50),
        (EmbeddingRequest("m", fields={"input": [[7] * 20, [8] * 30]}), 50),
        (CompletionRequest("m", chat(max_tokens=5), extra={"prompt": [7] * 43}), 50),
        (ImageRequest("m", prompt="a cat", n=2), 2 + 2 * USUAL_ANSWER),
        (TranscriptionRequest("m"), USUAL_ANSWER),
        (VariationRequest("m"), USUAL_ANSWER),
        (FileRequest("m"), 0),
    ],
    ids=["numbers", "lists", "prompt", "pictures", "sound", "variation", "file"],
)
def test_what_has_no_words_is_reserved_too(asked: ModelRequest, tokens: int) -> None:
    """Else two hundred at once would each be alone."""
    of = allowances()
    assert of.estimate(asked, TOKENS, ROUTES).tokens == tokens
    one = Allowance("ada", TOKENS, b"a", of)
    one.take("r1", asked, ROUTES, free=False)
    if tokens <= 50:
        one.take("r2", asked, ROUTES, free=False)
    if tokens:
        with pytest.raises(GatewayError, match="under way"):
            one.take("r3", asked, ROUTES, free=False)


def test_what_nobody_could_count_is_not_begun() -> None:
    made, seen = BatchRequest("", action="create"), BatchRequest("", action="retrieve", id="b")
    one = Allowance("ada", BUDGET, b"a", allowances())
    with pytest.raises(GatewayError, match="known to its provider alone"):
        one.take("r", made, (), free=False)
    one.take("r", seen, (), free=False)
    Allowance("ada", KeyLimits(rpm=3), b"a", allowances()).take("r", made, (), free=False)
