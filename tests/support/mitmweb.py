"""The gateway in mitmweb, driven through mitmweb's own API."""

import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import argon2
import httpx
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from addons.inspect.summary import short_id
from tests.support.ports import free_port
from tests.support.processes import Gateway
from tests.support.waiting import until as until

MODEL = "sandbox-large"


class Web(Gateway):
    """The gateway in mitmweb."""

    web_port = 0
    password = ""

    def command(self) -> list[str]:
        self.cwd = self.folder
        self.web_port, self.password = free_port(), secrets.token_urlsafe(12)
        hashed = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(self.password)
        tool = str(Path(sys.executable).with_name("mitmweb"))
        mine = ["--no-web-open-browser", "--web-host", "127.0.0.1", "--web-port", str(self.web_port)]
        return [tool, *mine, "--set", f"web_password={hashed}", *super().command()[1:]]


def asked(web: Web, prompt: str, model: str = MODEL) -> str:
    """Asks, and gives the request's id."""
    fields = {"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}]}
    answer = httpx.post(f"{web.url}/v1/chat/completions", json=fields, headers=web.headers, timeout=60)
    found: str = answer.headers["x-request-id"]
    return found


def flows_of(api: httpx.Client, request_id: str) -> list[dict[str, Any]]:
    return [flow for flow in api.get("/flows").json() if short_id(request_id) in flow["comment"]]


def shown(api: httpx.Client, flow: dict[str, Any], side: str, view: str) -> str:
    found: str = api.get(f"/flows/{flow['id']}/{side}/content/{view}.json").json()["text"]
    return found


def mitmweb_api(web: Web) -> httpx.Client:
    """A client signed in to mitmweb's API."""
    mark = "ab" * 16
    headers = {"authorization": f"Bearer {web.password}", "X-XSRFToken": mark, "cookie": f"_mitmproxy_xsrf={mark}"}
    return httpx.Client(base_url=f"http://127.0.0.1:{web.web_port}", headers=headers, timeout=60)


@asynccontextmanager
async def open_page(web: Web, **headers: str) -> AsyncIterator[WebSocketClientConnection]:
    """What an open page of mitmweb holds: its websocket. Closed for certain behind the block."""
    url = f"ws://127.0.0.1:{web.web_port}/updates"
    page = await websocket_connect(HTTPRequest(url, headers=headers or {"authorization": f"Bearer {web.password}"}))
    try:
        yield page
    finally:
        page.close()
        while await page.read_message() is not None:
            pass


def commanded(api: httpx.Client, name: str, *arguments: str) -> Any:
    """What the command bar shows: the command's value, or its error in words."""
    found = api.post(f"/commands/{name}", json={"arguments": list(arguments)}).json()
    return found.get("value", found.get("error"))
