"""LongCat's page, made by hand for the tests of its stand-in."""

import json
from typing import Any

import httpx

from providers.sandbox.longcat.site import LongCatSite

CHAT, OLD_CHAT = "/api/v1/chat-completion-V2", "/api/v1/chat-completion"
THOUGHT, WORDS = "I think. And so on, five words.", "The answer has these words."
HAND_OVER = f"!sandbox pace_ms=0 reasoning='{THOUGHT}' text='{WORDS}'"
URLS = ["https://example.com/times", "https://example.com/daily?a=1&b=2"]


_JSON = {"content-type": "application/json"}


class Page:
    """The page as the protocol describes it, made by hand; every part can be put wrong."""

    def __init__(self, site: LongCatSite, client: httpx.AsyncClient) -> None:
        self.site = site
        self.client = client
        self.token = site.new_token()

    @property
    def headers(self) -> dict[str, str]:
        return {"cookie": f"_lxsdk_cuid=x; passport_token_key={self.token}"}

    async def create(self, **wrong: Any) -> httpx.Response:
        body = {"model": "", "agentId": "1", **wrong}
        return await self.client.post("/api/v1/session-create", json=body, headers=self.headers)

    async def chat(self, prompt: str = "Hi", path: str = CHAT, **wrong: Any) -> httpx.Response:
        chat_id = wrong.pop("conversationId", None)
        if chat_id is None:
            chat_id = (await self.create()).json()["data"]["conversationId"]
        headers = {**self.headers, **wrong.pop("headers", {})}
        body = {"content": prompt, "conversationId": chat_id, "agentId": "1", "reasonEnabled": 0, "searchEnabled": 0}
        body |= {"regenerate": 0, "parentMessageId": 0, "files": [], **wrong}
        return await self.client.post(path, content=json.dumps(body), headers={**_JSON, **headers})

    async def get(self, path: str, **query: str) -> Any:
        return (await self.client.get(f"/api/v1/{path}", params=query, headers=self.headers)).json()


def frames(answer: httpx.Response) -> list[dict[str, Any]]:
    """The JSON of every `data:` line."""
    lines = [line.removeprefix("data:").strip() for line in answer.text.splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def events(answer: httpx.Response, *kinds: str) -> list[dict[str, Any]]:
    found = [frame["event"] for frame in frames(answer)]
    return [event for event in found if not kinds or event["type"] in kinds]


def said(answer: httpx.Response, kind: str = "content") -> list[str]:
    return [event["content"] for event in events(answer, kind)]
