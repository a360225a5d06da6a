"""What a request was is counted, each part where it belongs, and nothing grows by what clients make up."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from addons.exchange.outcome import AttemptRecord, Outcome
from addons.routing.model_index import ModelIndex, ModelRoute
from addons.telemetry.known_names import KnownNames
from addons.telemetry.metrics import Metrics
from addons.telemetry.requests import RequestMeter
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.events import Usage
from providers.contract.price import DOLLAR
from providers.contract.provider import Model
from tests.support.counting import work_of

NAMES = KnownNames(
    ModelIndex([("zai", {"m": Model("m", "o")})], {}), {("zai", "a"), ("zai", "b")}, {"zai"}, frozenset({"ada"})
)
ATTEMPT: Any = SimpleNamespace(report=SimpleNamespace(received_bytes=100), sent_bytes=40)
GONE = AttemptRecord("r", 1, "m", "zai", "a", ProviderError(ErrorKind.PROVIDER_DOWN, "x"))
GOOD = AttemptRecord("r", 2, "m", "zai", "b", attempt=ATTEMPT, usage=Usage(10, 5, 15, 3, 4))
CHAT = Outcome(
    "r", "ada", "/v1/chat/completions", 200, "m", "zai", "b", (GONE, GOOD), 300, 1200,
    dialect="chat", operation="chat_completions", wait_ms=50, received_bytes=70, sent_bytes=80, cache="miss",
)  # fmt: skip
WHO = {"model": "m", "provider": "zai"}


class Counted:
    def __init__(self, names: KnownNames = NAMES) -> None:
        self.metrics = Metrics()
        self.meter = RequestMeter(self.metrics)
        self.meter.take_up(names, lambda provider, model, usage: DOLLAR // 4)

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"glassgate_{name}", labels)

    def series(self) -> int:
        return sum(len(family.samples) for family in self.metrics.registry.collect())


def test_a_chat_with_two_attempts() -> None:
    counted = Counted()
    counted.meter.count(CHAT)
    value = counted.value
    served = {**WHO, "account": "b", "key": "ada"}
    assert value("requests_total", operation="chat_completions", outcome="ok", status="2xx", **served) == 1
    assert value("request_duration_seconds_sum", operation="chat_completions", **WHO) == 1.2
    assert value("first_token_seconds_bucket", le="0.5", **WHO) == 1
    assert value("first_token_seconds_bucket", le="0.25", **WHO) == 0
    assert value("queue_wait_seconds_sum", provider="zai") == 0.05
    assert value("attempts_total", account="a", result="provider_down", **WHO) == 1
    assert value("attempts_total", account="b", result="ok", **WHO) == 1
    tokens = {kind: value("tokens_total", type=kind, **served) for kind in ("input", "output", "cached", "reasoning")}
    assert tokens == {"input": 10, "output": 5, "cached": 4, "reasoning": 3}
    assert value("cost_dollars_total", **served) == 0.25
    assert value("cache_requests_total", result="miss") == 1
    assert value("provider_received_bytes_total", provider="zai") == 100
    assert value("provider_sent_bytes_total", provider="zai") == 40
    assert (value("client_received_bytes_total"), value("client_sent_bytes_total")) == (70, 80)


def test_a_refusal_counts_as_one_and_asks_nobody() -> None:
    counted = Counted()
    counted.meter.count(Outcome("r", "-", "/x", 401, outcome="refused", error_code="invalid_api_key"))
    nobody = {"operation": "", "model": "", "provider": "", "account": "", "key": "-"}
    assert counted.value("requests_total", outcome="refused", status="4xx", **nobody) == 1
    assert counted.value("errors_total", code="invalid_api_key", provider="") == 1
    assert [len(family) for family in counted.metrics.families[1:5]] == [0, 0, 0, 0]


def test_before_any_name_is_known_nothing_is_counted() -> None:
    metrics = Metrics()
    RequestMeter(metrics).count(CHAT)
    assert not any(len(family) for family in metrics.families)


def made_up(number: int) -> Outcome:
    word = f"made-up-{number}"
    record = AttemptRecord("r", 1, word, word, word, usage=Usage(1, 1, 2))
    asked = {"model": word, "asked": word, "provider": word, "account": word, "operation": word, "path": f"/{word}"}
    return replace(CHAT, key=word, outcome="failed", status=404, error_code="e", records=(record,), **cast(Any, asked))


def test_ten_thousand_made_up_names_make_no_series_but_one_each() -> None:
    counted = Counted()
    counted.meter.count(made_up(0))
    before = counted.series()
    for number in range(10_000):
        counted.meter.count(made_up(number))
    assert counted.series() == before
    assert max(len(counted.meter._ended), len(counted.meter._attempted)) <= 1000
    assert not any("made-up" in str(one) for family in counted.metrics.registry.collect() for one in family.samples)


def test_models_of_a_site_that_renames_them_are_bounded_too() -> None:
    counted = Counted()
    table: Mapping[str, Model] = {f"m{number}": Model(f"m{number}", "o") for number in range(3000)}
    counted.meter.take_up(replace(NAMES, index=ModelIndex([("zai", table)], {})), lambda *_: None)
    for name in table:
        counted.meter.count(replace(CHAT, model=name, records=()))
    assert [len(counted.metrics.requests), len(counted.metrics.duration)] == [1001, 201]
    counted.meter.take_up(NAMES, lambda *_: None)
    assert len(counted.metrics.requests) == 1


def test_a_key_that_left_takes_its_series_along() -> None:
    counted = Counted()
    counted.meter.count(CHAT)
    counted.meter.take_up(replace(NAMES, keys=frozenset()), lambda *_: None)
    assert "ada" not in str([one for family in counted.metrics.registry.collect() for one in family.samples])
    counted.meter.count(CHAT)
    samples = [one for family in counted.metrics.registry.collect() for one in family.samples]
    assert {one.labels["key"] for one in samples if "key" in one.labels} == {"other"}


def test_the_names_of_a_request_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for = list[str]()
    find = ModelIndex.find

    def noted(index: ModelIndex, name: str) -> Sequence[ModelRoute]:
        looked_for.append(name)
        return find(index, name)

    monkeypatch.setattr(ModelIndex, "find", noted)
    counted = Counted()
    counted.meter.count(CHAT)
    assert looked_for
    looked_for.clear()
    counted.meter.count(CHAT)
    assert looked_for == []
    assert counted.value("attempts_total", account="b", result="ok", **WHO) == 2


@pytest.mark.parametrize("outcome", [CHAT, made_up(1)])
def test_a_request_costs_the_same_however_many_there_were(outcome: Outcome) -> None:
    counted = Counted()
    counted.meter.count(outcome)
    _, first = work_of(lambda: counted.meter.count(outcome))
    for number in range(300):
        counted.meter.count(made_up(number))
    _, later = work_of(lambda: counted.meter.count(outcome))
    assert later <= first * 1.1
