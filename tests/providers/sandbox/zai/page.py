"""The Z.AI page's calls, made by hand from its protocol; every part can be put wrong."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

import httpx

from providers.sandbox.run import Sandbox
from providers.sandbox.zai.site import ZaiSite


class Page:
    """The Z.AI page as the protocol describes it, made by hand; every part can be put wrong."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient) -> None:
        self.site: ZaiSite = sandbox.site("zai")
        self.client = client
        self.base = sandbox.base_url("zai")
        self.token = self.site.session()["token"]

    async def new_chat(self, **more: Any) -> str:
        chat = {"chat": {"models": ["glm-5"], "history": {"messages": {}}, **more}}
        chat_id: str = (await self.call("POST", "/api/v1/chats/new", chat)).json()["id"]
        return chat_id

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.client.request(method, f"{self.base}{path}", json=body, headers=self.headers())

    def headers(self, **more: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", "x-fe-version": self.site.client_version, **more}

    async def complete(self, prompt: str = "Hi", **wrong: Any) -> httpx.Response:
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
            "chat_id": wrong.get("chat_id") or await self.new_chat(),
            **wrong.get("body", {}),
        }
        text = f"requestId,{query['requestId']},timestamp,{stamp},user_id,{query['user_id']}"
        signed = f"{text}|{base64.b64encode(prompt.encode()).decode()}|{stamp}"
        bucket = hmac.new(b"key-@@@@)))()((9))-xxxx&&&%%%%%", str(int(stamp) // 300000).encode(), hashlib.sha256)
        signature = hmac.new(bucket.hexdigest().encode(), signed.encode(), hashlib.sha256).hexdigest()
        headers = self.headers(**{"x-signature": wrong.get("signature", signature), **wrong.get("headers", {})})
        for name in wrong.get("without", ()):
            query.pop(name)
        return await self.client.post(f"{self.base}/api/v2/chat/completions", params=query, json=body, headers=headers)


def frames(answer: httpx.Response) -> list[Any]:
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
