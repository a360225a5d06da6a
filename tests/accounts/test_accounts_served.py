"""Several accounts behind one model, through a gateway: who is asked, who rests, what the client is told."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from addons.app.job_list import TEND_EVERY_S
from providers.sandbox.openai.site import OpenAISite
from tests.support.served import Served
from tests.support.sites import Sites

NAMES = ("first", "second", "third")
MODEL, OTHER = "sandbox-large", "sandbox-small"


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with Sites((), own={name: OpenAISite() for name in NAMES}) as running:
        yield running


@pytest.fixture
def start(tmp_path: Path, sites: Sites) -> Iterator[Callable[..., Served]]:
    """A gateway over three sites of which each serves the same model; keyword arguments are sections."""
    running: list[Served] = []

    def run(accounts: dict[str, Any] | None = None, **sections: Any) -> Served:
        described = sites.description()
        own = accounts or {name: {} for name in NAMES}
        providers = {
            name: {
                "type": "openai_compatible",
                "base_url": described["base_urls"][name] + "/v1",
                "models": more.pop("models", [MODEL]),
                "accounts": [{"name": "key", **more}],
            }
            for name, more in ((name, dict(more)) for name, more in own.items())
        }
        gateway = Served(tmp_path, sites, providers=providers, **sections)
        for name in own:
            gateway.vault.put(name, "key", sites.site(name).session())
        gateway.__enter__()
        running.append(gateway)
        return gateway

    yield run
    for gateway in running:
        gateway.__exit__()


_number = iter(range(10**9))


def fields(prompt: str = "", model: str = MODEL, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": prompt or f"talk {next(_number)}"}], **more}


def ask(gateway: Served, prompt: str = "", model: str = MODEL, **more: Any) -> httpx.Response:
    """One whole answer; without a prompt, of a conversation of its own."""
    return gateway.post(fields(prompt, model, **more))


def by(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.headers["x-glassgate-account"].partition("/")[0]


@pytest.fixture(autouse=True)
def well(sites: Sites) -> Iterator[None]:
    keys = {name: sites.site(name).key for name in NAMES}
    yield
    for name, key in keys.items():
        sites.site(name).key = key


# -- order ------------------------------------------------------------------------------------------------------------
def test_answers_say_how_they_came_about(start: Callable[..., Served]) -> None:
    answer = ask(start())
    assert answer.headers["x-glassgate-model"] == MODEL
    assert answer.headers["x-glassgate-account"] == "first/key"
    assert answer.headers["x-glassgate-attempts"] == "1"


def test_priority_follows_the_file_and_then_the_numbers(start: Callable[..., Served]) -> None:
    gateway = start()
    assert [by(ask(gateway)) for _ in range(2)] == ["first", "first"]


def test_a_number_says_who_is_first(start: Callable[..., Served]) -> None:
    gateway = start({"first": {"priority": 2}, "second": {"priority": 1}, "third": {"priority": 3}})
    assert by(ask(gateway)) == "second"


def test_round_robin(start: Callable[..., Served]) -> None:
    gateway = start(routing={"strategy": "round_robin"})
    assert Counter(by(ask(gateway)) for _ in range(9)) == dict.fromkeys(NAMES, 3)


def test_weights(start: Callable[..., Served]) -> None:
    gateway = start({"first": {"weight": 1}, "second": {"weight": 9}}, routing={"strategy": "weighted"})
    found = Counter(by(ask(gateway)) for _ in range(60))
    assert found["second"] > 40


def test_least_busy(start: Callable[..., Served], sites: Sites) -> None:
    gateway = start(routing={"strategy": "least_busy"})
    slow = gateway.at_once([fields(f"s{n}\n!sandbox delay_first_ms=800") for n in range(6)])
    assert Counter(by(answer) for answer in slow) == dict.fromkeys(NAMES, 2)


def test_a_strategy_for_one_model(start: Callable[..., Served]) -> None:
    gateway = start(routing={"strategy": "priority", "strategies": {MODEL: "round_robin"}})
    assert {by(ask(gateway)) for _ in range(3)} == set(NAMES)


def test_a_conversation_stays_with_its_account(start: Callable[..., Served]) -> None:
    gateway = start(routing={"strategy": "round_robin"})
    home = by(ask(gateway, "once upon a time"))
    for _ in range(4):
        assert by(ask(gateway, "once upon a time")) == home
    keyed = by(ask(gateway, prompt_cache_key="k1"))
    assert {by(ask(gateway, prompt_cache_key="k1")) for _ in range(4)} == {keyed}


def test_a_conversation_moves_when_its_account_is_not_well(start: Callable[..., Served], sites: Sites) -> None:
    gateway = start()
    assert by(ask(gateway, "stay with me")) == "first"
    sites.site("first").key = "sk-changed"
    moved = ask(gateway, "stay with me")
    assert (by(moved), moved.headers["x-glassgate-attempts"]) == ("second", "2")


# -- room -------------------------------------------------------------------------------------------------------------
def test_a_full_account_overflows_to_the_next(start: Callable[..., Served]) -> None:
    gateway = start({name: {"max_concurrent": 1} for name in NAMES})
    slow = gateway.at_once([fields(f"o{n}\n!sandbox delay_first_ms=800") for n in range(3)])
    assert {by(answer) for answer in slow} == set(NAMES)


def test_a_line_is_waited_in_and_has_an_end(start: Callable[..., Served], sites: Sites) -> None:
    gateway = start({"first": {"max_concurrent": 1, "queue_s": 1}})
    slow = gateway.begin(fields("slow\n!sandbox delay_first_ms=600"))
    assert by(ask(gateway)) == "first"
    assert slow().status_code == 200
    slow = gateway.begin(fields("slow\n!sandbox delay_first_ms=2500"))
    refused = ask(gateway)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "account_busy")
    assert refused.headers["retry-after"] == "1"
    assert slow().status_code == 200


def test_a_client_that_leaves_gives_its_place_back(start: Callable[..., Served], sites: Sites) -> None:
    gateway = start({"first": {"max_concurrent": 1, "queue_s": 20}})
    site, visit = sites.site("first"), gateway.house.visit()
    before = len(site.requests)
    gateway.run(visit.asks(fields("z\n!sandbox fault=silence")))
    sites.wait_for("first", lambda: len(site.requests) > before)
    gateway.run(visit.leaves())
    assert len(site.requests) == before + 1
    assert by(ask(gateway)) == "first"


def test_so_many_a_day(start: Callable[..., Served]) -> None:
    gateway = start({"first": {"requests_per_day": 2}})
    assert [ask(gateway).status_code for _ in range(3)] == [200, 200, 429]
    refused = ask(gateway)
    assert 86_000 < int(refused.headers["retry-after"]) <= 86_400


# -- rest -------------------------------------------------------------------------------------------------------------
def test_a_limited_account_rests_for_the_time_it_named(start: Callable[..., Served], sites: Sites) -> None:
    gateway = start({"first": {}, "second": {}})
    limited = ask(gateway, "a\n!sandbox fault=429 retry_after=100")
    assert limited.status_code == 429, "the second site was told to refuse as well"
    before = len(sites.site("first").requests)
    refused = ask(gateway)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert 90 < int(refused.headers["retry-after"]) <= 100
    assert len(sites.site("first").requests) == before, "it was left alone"


def accounts(gateway: Served) -> dict[str, dict[str, Any]]:
    done = gateway.command("accounts", "--json")
    assert done.exit_code == 0, done.output
    return {line["provider"]: line for line in json.loads(done.stdout)}


def test_rest_survives_a_restart_and_can_be_ended(start: Callable[..., Served]) -> None:
    gateway = start({"first": {}})
    assert ask(gateway, "a\n!sandbox fault=429 retry_after=500").status_code == 429
    gateway.pass_s(TEND_EVERY_S)
    assert list(accounts(gateway)["first"]["limited_models"]) == [MODEL]
    gateway.__exit__()
    gateway.__enter__()
    assert ask(gateway).status_code == 429
    done = gateway.command("accounts", "reset", "first")
    assert (done.exit_code, done.stdout) == (0, "reset first/key\n")
    gateway.pass_s(TEND_EVERY_S)
    assert ask(gateway).status_code == 200


def test_a_failing_site_is_left_alone_and_tried_again(start: Callable[..., Served], sites: Sites) -> None:
    gateway = start(
        {"first": {}}, breaker={"failures": 3, "open_s": 1}, retries={"enabled": False}, routing={"max_attempts": 1}
    )
    for _ in range(3):
        assert ask(gateway, f"f{next(_number)}\n!sandbox fault=500").status_code == 502
    before = len(sites.site("first").requests)
    refused = ask(gateway)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "provider_unavailable")
    assert len(sites.site("first").requests) == before
    gateway.pass_s(1)
    assert ask(gateway).status_code == 200
    assert ask(gateway).status_code == 200


# -- again, and others ------------------------------------------------------------------------------------------------
def test_a_passing_fault_is_tried_again_at_the_same_account(start: Callable[..., Served], sites: Sites) -> None:
    gateway = start({"first": {}}, retries={"base_s": 0.01})
    before = len(sites.site("first").requests)
    failed = ask(gateway, f"f{next(_number)}\n!sandbox fault=503")
    assert failed.status_code == 502
    assert failed.headers["x-glassgate-attempts"] == "3"
    assert len(sites.site("first").requests) == before + 3


def test_the_wait_a_site_names_is_kept(start: Callable[..., Served], sites: Sites) -> None:
    gateway = start({"first": {}}, routing={"max_attempts": 2})
    began = sites.loop.time()
    limited = ask(gateway, "w\n!sandbox fault=429 retry_after=1")
    assert limited.headers["x-glassgate-attempts"] == "2"
    assert 1 <= sites.loop.time() - began < 2


def test_a_fallback_model_answers_when_all_are_out(start: Callable[..., Served], sites: Sites) -> None:
    gateway = start(
        {"first": {"models": [MODEL]}, "second": {"models": [OTHER]}},
        routing={"fallbacks": {MODEL.upper(): ["nobody-serves-this", OTHER]}},
    )
    assert ask(gateway).headers["x-glassgate-model"] == MODEL
    sites.site("first").key = "sk-changed"
    answer = ask(gateway)
    assert (answer.headers["x-glassgate-model"], answer.json()["model"]) == (OTHER, OTHER)
    assert by(answer) == "second"
    again = ask(gateway)
    assert by(again) == "second", "the first rests, its fallback serves"


def test_a_request_at_fault_goes_to_nobody_else(start: Callable[..., Served], sites: Sites) -> None:
    gateway = start(routing={"fallbacks": {MODEL: [OTHER]}})
    before = {name: len(sites.site(name).requests) for name in NAMES}
    assert ask(gateway, "c\n!sandbox fault=context").status_code == 400
    assert {name: len(sites.site(name).requests) - before[name] for name in NAMES} == {
        "first": 1,
        "second": 0,
        "third": 0,
    }


def test_a_fallback_that_is_meant_for_it_takes_what_is_too_long(start: Callable[..., Served], sites: Sites) -> None:
    big = {"model": OTHER, "on": ["context"]}
    gateway = start(
        {"first": {"models": [MODEL]}, "second": {"models": [OTHER]}},
        routing={"fallbacks": {MODEL: ["nobody-serves-this", {"model": "nor-this", "on": ["content"]}, big]}},
    )
    before = {name: len(sites.site(name).requests) for name in ("first", "second")}
    answer = ask(gateway, f"c\n!sandbox fault=context only_model={MODEL}")
    assert (answer.status_code, answer.headers["x-glassgate-model"]) == (200, OTHER)
    assert answer.headers["x-glassgate-attempts"] == "2"
    assert [len(sites.site(name).requests) - before[name] for name in ("first", "second")] == [1, 1]
    assert ask(gateway).headers["x-glassgate-model"] == MODEL, "the first was not to blame"


def test_the_first_refusal_is_told_when_the_fallback_refuses_too(start: Callable[..., Served]) -> None:
    gateway = start(
        {"first": {"models": [MODEL]}, "second": {"models": [OTHER]}},
        routing={"fallbacks": {MODEL: [{"model": OTHER, "on": ["context", "unavailable"]}]}},
    )
    answer = ask(gateway, "c\n!sandbox fault=context")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "context_length_exceeded")
    assert "[first/" in answer.json()["error"]["message"]


def test_a_sick_model_leaves_the_others_of_its_account_alone(start: Callable[..., Served], sites: Sites) -> None:
    gateway = start({"first": {"models": [MODEL, OTHER]}}, breaker={"failures": 2}, retries={"enabled": False})
    for _ in range(2):
        assert ask(gateway, "s\n!sandbox fault=500").status_code == 502
    assert ask(gateway).json()["error"]["code"] == "provider_unavailable"
    assert ask(gateway, model=OTHER).status_code == 200


def test_a_model_may_be_named_with_its_provider_or_by_a_pattern(start: Callable[..., Served]) -> None:
    gateway = start(models={"aliases": {"claude-*": f"second/{MODEL}"}})
    assert by(ask(gateway, model=f"third/{MODEL}")) == "third"
    assert by(ask(gateway, model="claude-opus-4")) == "second"


def test_every_account_fails_differently(start: Callable[..., Served], sites: Sites) -> None:
    gateway = start(retries={"enabled": False})
    sites.site("first").key = "sk-changed"
    answer = ask(gateway, "d\n!sandbox fault=html")
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_auth"), "the first failure is told"
    assert answer.headers["x-glassgate-attempts"] == "3"
