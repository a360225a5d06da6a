"""The Z.AI stand-in is strict: what an adapter gets wrong fails there. Driven with hand-made requests."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from providers.sandbox.run import Sandbox
from providers.sandbox.script import greeting

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


class Page:
    """The Z.AI page as the protocol describes it, made by hand; every part can be put wrong."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.site = sandbox.site("zai")
        self.base = sandbox.base_url("zai")
        self.token = self.site.session()["token"]

    async def new_chat(self, client: httpx.AsyncClient) -> str:
        chat = {"chat": {"models": ["glm-5"], "history": {"messages": {}}}}
        answer = await client.post(f"{self.base}/api/v1/chats/new", json=chat, headers=self.headers())
        chat_id: str = answer.json()["id"]
        return chat_id

    def headers(self, **more: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", "x-fe-version": self.site.client_version, **more}

    async def complete(self, client: httpx.AsyncClient, prompt: str = "Hi", **wrong: Any) -> httpx.Response:
        stamp = str(wrong.get("stamp", int(time.time() * 1000)))
        query = {
            "timestamp": stamp,
            "requestId": str(uuid.uuid4()),
            "user_id": self.site.user_id,
            "version": "0.0.1",
            "platform": "web",
            "token": self.token,
            "signature_timestamp": stamp,
        }
        body = {
            "stream": True,
            "model": "glm-5",
            "messages": [{"role": "user", "content": prompt}],
            "signature_prompt": prompt,
            "features": {},
            "chat_id": wrong.get("chat_id") or await self.new_chat(client),
            **wrong.get("body", {}),
        }
        text = f"requestId,{query['requestId']},timestamp,{stamp},user_id,{query['user_id']}"
        signed = f"{text}|{base64.b64encode(prompt.encode()).decode()}|{stamp}"
        bucket = hmac.new(b"key-@@@@)))()((9))-xxxx&&&%%%%%", str(int(stamp) // 300000).encode(), hashlib.sha256)
        signature = hmac.new(bucket.hexdigest().encode(), signed.encode(), hashlib.sha256).hexdigest()
        headers = self.headers(**{"x-signature": wrong.get("signature", signature), **wrong.get("headers", {})})
        for name in wrong.get("without", ()):
            query.pop(name)
        return await client.post(f"{self.base}/api/v2/chat/completions", params=query, json=body, headers=headers)


def frames(answer: httpx.Response) -> list[Any]:
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]


async def test_zai_answers_a_right_request(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient() as client:
        found = frames(await Page(sandbox).complete(client))
    text = "".join(f["data"].get("delta_content", "") for f in found if f["type"] == "chat:completion")
    assert text == greeting("Hi")
    assert found[0]["type"] == "heartbeat"
    assert found[-1]["data"] == {"phase": "done", "done": True}


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        pytest.param({"signature": "0" * 64}, 400, id="signature"),
        pytest.param({"stamp": 1_700_000_000_000}, 400, id="old timestamp"),
        pytest.param({"without": ("requestId",)}, 400, id="missing parameter"),
        pytest.param({"body": {"signature_prompt": "other"}}, 400, id="other words signed"),
        pytest.param({"headers": {"x-fe-version": "prod-fe-1.0.0"}}, 426, id="old client"),
        pytest.param({"headers": {"authorization": "Bearer dead"}, "chat_id": "x"}, 401, id="dead token"),
    ],
)
async def test_zai_refuses_at_the_door(sandbox: Sandbox, wrong: dict[str, Any], status: int) -> None:
    async with httpx.AsyncClient() as client:
        assert (await Page(sandbox).complete(client, **wrong)).status_code == status


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"model": "glm-0"}, "MODEL_NOT_FOUND"),
        ({"messages": [{"role": "system", "content": "Hi"}]}, "INTERNAL_ERROR"),
        ({"stream": False}, "INTERNAL_ERROR"),
        ({"captcha_verify_param": ""}, "FRONTEND_CAPTCHA_REQUIRED"),
    ],
)
async def test_zai_refuses_inside_the_stream(sandbox: Sandbox, body: dict[str, Any], code: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await Page(sandbox).complete(client, body=body)
    assert answer.status_code == 200
    assert frames(answer)[0]["data"]["error"]["code"] == code


async def test_zai_complains_on_the_last_frame_about_a_chat_nobody_made(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient() as client:
        found = frames(await Page(sandbox).complete(client, chat_id=str(uuid.uuid4())))
    assert found[-1]["data"]["error"]["code"] == "INTERNAL_ERROR"
    assert any("delta_content" in f.get("data", {}) for f in found)


async def test_zai_answers_a_dead_token_as_a_guest(sandbox: Sandbox) -> None:
    page = Page(sandbox)
    async with httpx.AsyncClient() as client:
        alive = (await client.get(f"{page.base}/api/v1/auths/", headers=page.headers())).json()
        page.site.revoke(page.token)
        dead = (await client.get(f"{page.base}/api/v1/auths/", headers=page.headers())).json()
    assert (alive["id"], alive["token"] != page.token) == (page.site.user_id, True)
    assert dead["email"].startswith("guest-")
