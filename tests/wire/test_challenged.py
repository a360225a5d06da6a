"""The only account meets the site's check for humans: one attempt, then rest, until another session is stored."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from providers.sandbox.run import Sandbox
from providers.sandbox.zai.site import ZaiSite
from tests.support.processes import Gateway, SandboxThread


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Gateway, ZaiSite]]:
    tmp_path.chmod(0o700)
    with SandboxThread(Sandbox(("zai",))) as sites, Gateway(tmp_path, sites.description()) as gateway:
        yield gateway, sites.site("zai")


def asked(gateway: Gateway, words: str = "Hi", *, stream: bool = False) -> httpx.Response:
    body = {"model": "GLM-4.6", "stream": stream, "messages": [{"role": "user", "content": words}]}
    return httpx.post(f"{gateway.url}/v1/chat/completions", json=body, headers=gateway.headers, timeout=30)


def test_the_site_is_asked_once_and_again_with_a_new_session(own: tuple[Gateway, ZaiSite]) -> None:
    gateway, site = own
    first = asked(gateway, "Hi\n!sandbox fault=captcha")
    assert (first.status_code, first.json()["error"]["code"]) == (502, "provider_challenge")
    assert "store the session anew: ./run_proxy.sh capture zai demo" in first.json()["error"]["message"]
    assert "try again" not in first.json()["error"]["message"]
    before = len(site.requests)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: asked(gateway, stream=number % 2 == 0), range(16)))
    assert len(site.requests) == before, "the site was left alone"
    for answer in answers:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (502, "provider_challenge")
        assert 290 < int(answer.headers["retry-after"]) <= 300
        assert "./run_proxy.sh capture zai demo" in error["message"]
    gateway.vault.put("zai", "demo", site.session())
    assert asked(gateway).status_code == 200


def test_a_gateway_that_is_started_anew_lets_the_account_rest(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with SandboxThread(Sandbox(("zai",))) as sites:
        gateway, site = Gateway(tmp_path, sites.description()), sites.site("zai")
        with gateway:
            assert asked(gateway, "Hi\n!sandbox fault=captcha").status_code == 502
        before = len(site.requests)
        with gateway:
            answer = asked(gateway)
            health = httpx.get(f"{gateway.url}/healthz", headers=gateway.headers).json()
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_challenge")
        assert 200 < int(answer.headers["retry-after"]) <= 300
        assert len(site.requests) == before
        (line,) = health["accounts"]
        assert line["state"] == "challenged"
        assert line["until"]


def test_others_need_not_wait_for_the_end_of_the_answer_that_passes_the_check(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with SandboxThread(Sandbox(("zai",))) as sites:
        gateway = Gateway(tmp_path, sites.description())
        now = int(time.time())
        state = {"health": "challenged", "since": now, "until": now - 1, "reason": "a check"}
        book = {"version": 1, "accounts": {"zai/demo": {"state": state}}}
        file = gateway.vault_path.with_name("accounts.json")
        file.touch(mode=0o600)
        file.write_text(json.dumps(book))
        body = {
            "model": "GLM-4.6",
            "stream": True,
            "messages": [{"role": "user", "content": "Hi\n!sandbox stall_after=4"}],
        }
        url = f"{gateway.url}/v1/chat/completions"
        with gateway, httpx.stream("POST", url, json=body, headers=gateway.headers, timeout=30) as stalled:
            lines = stalled.iter_lines()
            assert any(line.startswith("data:") for line in lines)
            assert asked(gateway).status_code == 200
