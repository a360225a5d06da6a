"""The Qwen page's calls, made by hand from its protocol; every part can be put wrong."""

import json
import time
import uuid
from typing import Any

import httpx

from providers.sandbox.qwen.auth import People
from providers.sandbox.qwen.site import QwenSite
from providers.sandbox.run import Sandbox

PLUS, MAX = "qwen3.7-plus", "qwen3.8-max"


class Page:
    """The page's calls; every part can be put wrong."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient) -> None:
        self.site: QwenSite = sandbox.site("qwen")
        self.people: People = self.site.people
        self.base, self.auth = sandbox.base_url("qwen"), sandbox.base_url("qwen-auth")
        self.client = client
        self.headers: dict[str, str] = {"version": "0.3.12"}
        self.use(self.site.session())

    def use(self, material: dict[str, Any]) -> None:
        jar = "; ".join(f"{name}={value}" for name, value in material["cookies"].items())
        self.headers = {"version": "0.3.12", "authorization": f"Bearer {material['token']}", "cookie": jar}

    async def new_chat(self, **wrong: Any) -> dict[str, Any]:
        body = {"chatId": "", "models": [PLUS], "project_id": "", "timestamp": int(time.time() * 1000)}
        body |= {"chat_type": "t2t", "chat_mode": "normal", **wrong}
        answer = await self.client.post(f"{self.base}/api/v2/chats/new", json=body, headers=self.headers)
        found: dict[str, Any] = answer.json()
        return found

    async def complete(self, prompt: str = "Hi", *, chat: str | None = None, **wrong: Any) -> httpx.Response:
        return await self.client.send(await self.turn(prompt, chat=chat, **wrong))

    async def turn(self, prompt: str = "Hi", *, chat: str | None = None, **wrong: Any) -> httpx.Request:
        kind = wrong.pop("kind", "t2t")
        made = {"chat_type": kind} if kind in ("t2t", "search", "t2i") else {}
        chat_id = (await self.new_chat(**made))["data"]["id"] if chat is None else chat
        features = {"thinking_enabled": False, "output_schema": "phase", "auto_search": False, "thinking_mode": "Fast"}
        features = {name: value for name, value in {**features, **wrong.pop("features", {})}.items() if value != "-"}
        model, now = wrong.get("model", PLUS), int(time.time())
        message: dict[str, Any] = {"fid": str(uuid.uuid4()), "parentId": None, "childrenIds": [str(uuid.uuid4())]}
        message |= {"role": "user", "content": prompt, "user_action": "chat", "files": [], "timestamp": now}
        message |= {"models": [model]}
        message |= {"chat_type": kind, "sub_chat_type": kind, "extra": {"meta": {"subChatType": kind}}}
        message |= {"feature_config": features, **wrong.pop("message", {})}
        body: dict[str, Any] = {"stream": True, "version": "2.1", "incremental_output": True}
        body |= {
            "chat_id": chat_id,
            "parent_id": None,
            "chat_mode": "normal",
            "model": model,
            "timestamp": now,
            "messages": [message],
            **wrong,
        }
        url = f"{self.base}/api/v2/chat/completions"
        return self.client.build_request("POST", url, params={"chat_id": chat_id}, json=body, headers=self.headers)

    async def renew(self, cookie: str, name: str = "refresh_token", **headers: str) -> httpx.Response:
        named = {"x-request-id": "1", "timezone": "now", "x-request-origin": "https://chat.qwen.ai", **headers}
        named = {key: value for key, value in named.items() if value}
        return await self.client.get(
            f"{self.auth}/api/v2/auths/refresh", headers={**named, "cookie": f"{name}={cookie}"}
        )

    async def who(self, host: str, **headers: str) -> dict[str, Any]:
        url = f"{self.base}/api/v1/auths/" if host == "chat" else f"{self.auth}/api/v2/auths/"
        found: dict[str, Any] = (await self.client.get(url, headers=headers)).json()
        return found


def code(answer: httpx.Response | dict[str, Any]) -> str:
    body = answer if isinstance(answer, dict) else answer.json()
    found: str = body["data"]["code"]
    assert body["success"] is False
    return found


def frames(answer: httpx.Response) -> list[Any]:
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]


def response_id(answer: httpx.Response) -> str:
    found: str = frames(answer)[0]["response.created"]["response_id"]
    return found
