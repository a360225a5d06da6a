"""A client key that is taken away while requests run: through the whole gateway."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.served import Served
from tests.support.sites import Sites
from tests.support.visit import KEY

MODEL = "sandbox-large"
STALLS = "Hi\n!sandbox stall_after=3"
STRONG = "sk-strong-0123456789abcdef0123456789abcdef"


def body(prompt: str = "Hi", *, stream: bool = True) -> dict[str, Any]:
    return {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": prompt}]}


def with_key(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def error_of(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != 200:
        refused: dict[str, Any] = answer.json()["error"]
        return refused
    assert "[DONE]" not in answer.text
    found: dict[str, Any] = json.loads(answer.text.rstrip().splitlines()[-1].removeprefix("data: "))["error"]
    return found


@pytest.fixture
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One account with three places, and KEY alone."""
    providers = {"official": {"accounts": [{"name": "demo", "max_concurrent": 3}]}}
    with Sites(("openai",)) as sites, Served(tmp_path_factory.mktemp("keys"), sites, providers=providers) as running:
        yield running


def with_keys(gateway: Served, *keys: str) -> None:
    gateway.config["auth"] = {"tokens": list(keys)}
    gateway.write_config()
    assert gateway.reload().done


def models_status(gateway: Served, key: str) -> int:
    return gateway.request("GET", "/v1/models", headers=with_key(key)).status_code


def test_requests_of_a_removed_key_end(gateway: Served) -> None:
    silence = "Hi\n!sandbox fault=silence"
    site = gateway.sites.site("openai")
    asked = [body(STALLS), body(silence), body(silence, stream=False)]
    answers = [gateway.begin(fields) for fields in asked]
    gateway.pass_s(1)
    before = len(site.requests)
    answers.append(gateway.begin(body("queued")))
    gateway.pass_s(1)
    assert len(site.requests) == before, "it waits for a place"
    with_keys(gateway, STRONG)
    ended = [answer() for answer in answers]
    assert [answer.status_code for answer in ended] == [200, 401, 401, 401]
    assert {error_of(answer)["code"] for answer in ended} == {"invalid_api_key"}
    assert models_status(gateway, KEY) == 401
    served = gateway.request("POST", "/v1/chat/completions", json=body(), headers=with_key(STRONG))
    assert served.text.rstrip().endswith("[DONE]")
    assert "4 requests of client keys that were removed are ended" in gateway.log
    health = gateway.request("GET", "/healthz", headers=with_key(STRONG)).json()
    assert health["accounts"][-1]["state"] == "ok", "the account did nothing wrong"


def test_a_key_that_stays_keeps_its_streams(gateway: Served) -> None:
    """Another place in the list, another way of giving it: what counts is the key."""
    answer = gateway.begin(body("Hi\n!sandbox count=40 pace_ms=1000"))
    gateway.pass_s(1)
    with_keys(gateway, STRONG, KEY)
    assert models_status(gateway, STRONG) == 200
    assert "ended" not in gateway.log
    assert answer().text.rstrip().endswith("[DONE]")


def test_who_came_without_a_key_goes_when_keys_are_wanted(gateway: Served) -> None:
    gateway.config["auth"] = {"skip": True}
    gateway.write_config()
    assert gateway.reload().done
    with gateway.http(headers=None) as http, http.stream("POST", "/v1/chat/completions", json=body(STALLS)) as answer:
        lines = answer.iter_lines()
        next(lines)
        with_keys(gateway, STRONG)
        assert "invalid_api_key" in [line for line in lines if line][-1]


def test_all_answers_to_a_request_of_a_removed_key_end(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Those that are asked for beside the first hold places at the account too."""
    providers = {"zai": {"accounts": [{"name": "demo", "max_concurrent": 3}]}}
    folder = tmp_path_factory.mktemp("keys")
    with Sites(("zai",)) as sites, Served(folder, sites, providers=providers) as gateway:
        several = body(STALLS) | {"model": "GLM-4.6", "n": 3}
        answer = gateway.begin(several)
        gateway.pass_s(2)
        with_keys(gateway, STRONG)
        assert error_of(answer())["code"] == "invalid_api_key"
        again = body("Hi\n!sandbox pace_ms=0") | {"model": "GLM-4.6", "n": 3}
        served = gateway.request("POST", "/v1/chat/completions", json=again, headers=with_key(STRONG))
        assert served.text.rstrip().endswith("[DONE]")
        assert "Traceback" not in gateway.log
