"""mitmweb over the gateway: the views, the story of a fail-over, and its replay button, through its own API."""

import secrets
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import argon2
import httpx
import pytest

from tests.support.processes import ROOT, Gateway, SandboxThread, free_port

MODEL = "sandbox-large"


class Web(Gateway):
    """The gateway in mitmweb."""

    web_port = 0
    password = ""

    def command(self) -> list[str]:
        self.web_port, self.password = free_port(), secrets.token_urlsafe(12)
        hashed = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(self.password)
        tool = str(Path(sys.executable).with_name("mitmweb"))
        mine = ["--no-web-open-browser", "--web-host", "127.0.0.1", "--web-port", str(self.web_port)]
        return [tool, *mine, "--set", f"web_password={hashed}", *super().command()[1:]]


@pytest.fixture(scope="module")
def web(sites: SandboxThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    assert ROOT.is_dir()
    folder = tmp_path_factory.mktemp("mitmweb")
    folder.chmod(0o700)
    with Web(folder, sites.description(), retries={"base_s": 0.01}) as running:
        yield running


@pytest.fixture
def api(web: Web) -> Iterator[httpx.Client]:
    mark = "ab" * 16
    headers = {"authorization": f"Bearer {web.password}", "X-XSRFToken": mark, "cookie": f"_mitmproxy_xsrf={mark}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{web.web_port}", headers=headers, timeout=30) as client:
        yield client


def asked(web: Web, prompt: str, model: str = MODEL) -> str:
    """Asks, and gives the request's id."""
    fields = {"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}]}
    answer = httpx.post(f"{web.url}/v1/chat/completions", json=fields, headers=web.headers, timeout=30)
    found: str = answer.headers["x-request-id"]
    return found


def flows_of(api: httpx.Client, request_id: str) -> list[dict[str, Any]]:
    return [flow for flow in api.get("/flows").json() if request_id in flow["comment"]]


def until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not check():
        assert time.monotonic() < deadline


def shown(api: httpx.Client, flow: dict[str, Any], side: str, view: str) -> str:
    found: str = api.get(f"/flows/{flow['id']}/{side}/content/{view}.json").json()["text"]
    return found


def test_the_views_show_the_exchange(web: Web, api: httpx.Client) -> None:
    (flow,) = flows_of(api, asked(web, "Good morning, views"))
    assert "Good morning, views" in shown(api, flow, "request", "auto")
    events = shown(api, flow, "response", "auto")
    assert "what we read in it" in events
    assert "END stop" in events
    assert "data: [DONE]" in shown(api, flow, "response", "OpenAI%20stream")


def test_each_attempt_and_step_is_a_flow_of_its_own(web: Web, api: httpx.Client, sites: SandboxThread) -> None:
    request_id = asked(web, "oops\n!sandbox fault=503")
    until(lambda: len(flows_of(api, request_id)) == 3)
    assert sum("attempt" in flow["comment"] and "failed" in flow["comment"] for flow in flows_of(api, request_id)) == 3
    request_id = asked(web, "Hi", "GLM-4.6")
    until(lambda: len(flows_of(api, request_id)) == 2)
    assert any("preparing zai/demo: POST /api/v1/chats/new" in flow["comment"] for flow in flows_of(api, request_id))
    everything = api.get("/flows").text
    for secret in (sites.site("openai").key, *sites.site("zai").tokens, web.vault_key):
        assert secret not in everything


def test_a_flow_is_sent_again_with_the_real_secret(web: Web, api: httpx.Client, sites: SandboxThread) -> None:
    (flow,) = flows_of(api, asked(web, "once more"))
    site = sites.site("openai")
    before = len(site.requests)
    api.post(f"/flows/{flow['id']}/replay").raise_for_status()
    until(lambda: any("replayed" in f["comment"] for f in api.get("/flows").json() if f["id"] == flow["id"]))
    assert len(site.requests) == before + 1
    assert site.requests[-1].bearer == site.key
    again = next(f for f in api.get("/flows").json() if f["id"] == flow["id"])
    assert again["response"]["status_code"] == 200
    assert site.key not in api.get("/flows").text + shown(api, again, "response", "raw")


def test_what_is_not_ours_is_not_sent_again(web: Web, api: httpx.Client) -> None:
    httpx.get(f"{web.url}/v1/models", headers=web.headers)
    flow = next(f for f in api.get("/flows").json() if f["request"]["path"] == "/v1/models")
    api.post(f"/flows/{flow['id']}/replay").raise_for_status()
    until(lambda: next(f for f in api.get("/flows").json() if f["id"] == flow["id"])["response"]["status_code"] == 400)
