"""The only account meets the site's check for humans: one attempt, then rest, until another session is stored."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.sandbox.zai.site import ZaiSite
from tests.support.served import Served
from tests.support.sites import Sites


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Served, ZaiSite]]:
    with Sites(("zai",)) as sites, Served(tmp_path, sites) as gateway:
        yield gateway, sites.site("zai")


def body(words: str = "Hi", *, stream: bool = False) -> dict[str, Any]:
    return {"model": "GLM-4.6", "stream": stream, "messages": [{"role": "user", "content": words}]}


def asked(gateway: Served, words: str = "Hi") -> httpx.Response:
    return gateway.post(body(words))


def test_the_site_is_asked_once_and_again_with_a_new_session(own: tuple[Served, ZaiSite]) -> None:
    gateway, site = own
    first = asked(gateway, "Hi\n!sandbox fault=captcha")
    assert (first.status_code, first.json()["error"]["code"]) == (502, "provider_challenge")
    assert "store the session anew: ./run_proxy.sh capture zai demo" in first.json()["error"]["message"]
    assert "try again" not in first.json()["error"]["message"]
    before = len(site.requests)
    answers = gateway.at_once([body(stream=number % 2 == 0) for number in range(16)])
    assert len(site.requests) == before, "the site was left alone"
    for answer in answers:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (502, "provider_challenge")
        assert 290 < int(answer.headers["retry-after"]) <= 300
        assert "./run_proxy.sh capture zai demo" in error["message"]
    gateway.vault.put("zai", "demo", site.session())
    assert asked(gateway).status_code == 200


def test_a_gateway_that_is_started_anew_lets_the_account_rest(tmp_path: Path) -> None:
    with Sites(("zai",)) as sites:
        gateway, site = Served(tmp_path, sites), sites.site("zai")
        with gateway:
            assert asked(gateway, "Hi\n!sandbox fault=captcha").status_code == 502
        before = len(site.requests)
        with gateway:
            answer = asked(gateway)
            health = gateway.get("/healthz").json()
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "provider_challenge")
        assert 200 < int(answer.headers["retry-after"]) <= 300
        assert len(site.requests) == before
        (line,) = health["accounts"]
        assert line["state"] == "challenged"
        assert line["until"]


def test_others_need_not_wait_for_the_end_of_the_answer_that_passes_the_check(tmp_path: Path) -> None:
    with Sites(("zai",)) as sites:
        gateway = Served(tmp_path, sites)
        now = int(time.time())
        state = {"health": "challenged", "since": now, "until": now - 1, "reason": "a check"}
        book = {"version": 1, "accounts": {"zai/demo": {"state": state}}}
        file = tmp_path / "s" / "accounts.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(book))
        with gateway, gateway.stream(body("Hi\n!sandbox stall_after=4", stream=True)) as stalled:
            lines = stalled.iter_lines()
            assert any(line.startswith("data:") for line in lines)
            assert asked(gateway).status_code == 200
