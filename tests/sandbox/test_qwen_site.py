"""The Qwen stand-in is strict: driven with hand-made requests, as the protocol describes them."""

import hashlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from providers.sandbox.qwen_site import QwenSite
from providers.sandbox.run import Sandbox

pytestmark = pytest.mark.anyio


class Page:
    """The page's calls; every part can be put wrong."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient) -> None:
        self.site: QwenSite = sandbox.site("qwen")
        self.base, self.auth = sandbox.base_url("qwen"), sandbox.base_url("qwen-auth")
        self.client = client
        self.headers = {"authorization": f"Bearer {self.site.people.new_access()}"}

    async def new_chat(self, **wrong: Any) -> dict[str, Any]:
        body = {"chatId": "", "models": ["qwen3.7-plus"], "project_id": "", "timestamp": int(time.time() * 1000)}
        body |= {"chat_type": "t2t", "chat_mode": "normal", **wrong}
        answer = await self.client.post(f"{self.base}/api/v2/chats/new", json=body, headers=self.headers)
        found: dict[str, Any] = answer.json()
        return found

    async def complete(self, prompt: str = "Hi", *, chat: str | None = None, **wrong: Any) -> httpx.Response:
        chat_id = chat or (await self.new_chat())["data"]["id"]
        features = {"thinking_enabled": False, "output_schema": "phase", **wrong.pop("features", {})}
        message = {"role": "user", "content": prompt, "models": ["qwen3.7-plus"], "chat_type": "t2t"}
        message |= {"feature_config": features, **wrong.pop("message", {})}
        body = {"stream": True, "chat_id": chat_id, "parent_id": None, "model": "qwen3.7-plus", "messages": [message]}
        url = f"{self.base}/api/v2/chat/completions?chat_id={chat_id}"
        return await self.client.post(url, json={**body, **wrong}, headers=self.headers)

    async def renew(self, cookie: str, **headers: str) -> httpx.Response:
        named = {"x-request-id": "1", "timezone": "now", "x-request-origin": "https://chat.qwen.ai", **headers}
        named = {name: value for name, value in named.items() if value}
        return await self.client.get(
            f"{self.auth}/api/v2/auths/refresh", headers={**named, "cookie": f"refresh_token={cookie}"}
        )


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with Sandbox(("qwen",)) as sandbox, httpx.AsyncClient() as client:
        yield Page(sandbox, client)


def code(answer: httpx.Response) -> str:
    body = answer.json()
    found: str = body["data"]["code"]
    assert body["success"] is False
    return found


async def test_a_right_request_is_answered_in_frames(page: Page) -> None:
    answer = await page.complete()
    assert answer.headers["content-type"].startswith("text/event-stream")
    frames = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert "response.created" in frames[0]
    last = frames[-1]["choices"][0]["delta"]
    assert (last["phase"], last["status"]) == ("answer", "finished")
    assert "[DONE]" not in answer.text


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        pytest.param({"messages": []}, "Bad_Request", id="no message"),
        pytest.param({"messages": [{"role": "user"}, {"role": "user"}]}, "Bad_Request", id="two messages"),
        pytest.param({"message": {"role": "system"}}, "Bad_Request", id="a system message"),
        pytest.param({"features": {"output_schema": None}}, "RequestValidationError", id="no output_schema"),
        pytest.param({"chat": "somewhere-else"}, "CHAT_NOT_FOUND", id="no such chat"),
        pytest.param({"stream": False}, "RequestValidationError", id="no stream"),
        pytest.param({"model": "gpt-4"}, "Bad_Request", id="unknown model"),
        pytest.param({"parent_id": "x"}, "RequestValidationError", id="a parent on the first turn"),
        pytest.param({"message": {"chat_type": "karaoke"}}, "RequestValidationError", id="unknown chat type"),
        pytest.param(
            {"model": "qwen3.8-max", "message": {"models": ["qwen3.8-max"]}},
            "invalid_input",
            id="a model that must think",
        ),
    ],
)
async def test_wrong_requests_are_refused_with_status_200(page: Page, wrong: dict[str, Any], expected: str) -> None:
    answer = await page.complete(**wrong)
    assert (answer.status_code, code(answer)) == (200, expected)


async def test_a_chat_that_is_answering_is_busy(page: Page) -> None:
    chat = (await page.new_chat())["data"]["id"]
    page.site.chats[chat] = True
    assert "in progress" in (await page.complete(chat=chat)).json()["data"]["details"]


async def test_tokens_that_are_none_or_have_ended(page: Page) -> None:
    for token in ("none", "x", page.site.people.new_access(-1)):
        page.headers = {"authorization": f"Bearer {token}", "cookie": "token=anything"}
        assert (await page.new_chat())["data"]["code"] == "Unauthorized"


async def test_a_refresh_cookie_serves_once(page: Page) -> None:
    first = page.site.people.new_refresh()
    answer = await page.renew(first)
    data = answer.json()["data"]
    assert page.site.people.knows(data["access_token"])
    assert f"refresh_token={data['refresh_token']}" in answer.headers["set-cookie"]
    assert (await page.renew(first)).status_code == 401
    assert (await page.renew(data["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"x-request-id": ""}, {"timezone": ""}, {"x-request-origin": ""}, {"authorization": "Bearer x"}]
)
async def test_a_renewal_needs_the_pages_headers(page: Page, wrong: dict[str, str]) -> None:
    assert code(await page.renew(page.site.people.new_refresh(), **wrong)) == "Bad_Request"


@pytest.mark.parametrize(("newest", "path"), [(True, "/api/v2/auths/signin"), (False, "/api/v1/auths/signin")])
async def test_both_ages_sign_in(page: Page, newest: bool, path: str) -> None:
    people = page.site.people
    people.newest = newest
    right = {"email": people.email, "password": hashlib.sha256(people.password.encode()).hexdigest()}
    answer = await page.client.post(page.base + path, json=right)
    body = answer.json()
    assert people.knows(body.get("token") or body["data"]["token"])
    assert ("refresh_token" in answer.headers["set-cookie"]) is newest
    wrong = await page.client.post(page.base + path, json={**right, "password": people.password})
    assert code(wrong) == "InvalidPassword"
    people.challenge_sign_in = True
    assert "ret" in (await page.client.post(page.base + path, json=right)).json()


async def test_who_am_i_on_both_hosts(page: Page) -> None:
    for url in (f"{page.base}/api/v1/auths/", f"{page.auth}/api/v2/auths/"):
        body = (await page.client.get(url, headers=page.headers)).json()
        assert (body.get("data") or body)["email"] == page.site.people.email
        assert code(await page.client.get(url, headers={"authorization": "Bearer x"})).lower() == "unauthorized"
