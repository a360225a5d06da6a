"""A script beside the gateway, as somebody else's: writes down which hooks it is told of, and all flows' states.

Three addons hear of the same: one that awaits, one that raises where the prompt says so, one behind both. The first
also does to a flow what the prompt says: `edit` and `drop` hold it, `kill` ends it in the middle of its answer. What
was seen is written at the end into the file that the environment names.
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from mitmproxy import ctx, flow, http
from mitmproxy.connection import Client
from mitmproxy.proxy.server import ConnectionHandler
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

ENV_NAME = "GLASSGATE_TEST_WITNESS"
LATER_S = 0.2
"""When a held flow goes on, and a running one is killed: its first words are with the client then."""


def _kill(flow: http.HTTPFlow) -> None:
    """As mitmweb's button does."""
    flow.kill()
    ctx.master.view.update([flow])  # type: ignore[attr-defined]


def _text(value: bytes) -> str:
    return value.decode("latin-1")


class Witness:
    """Keeps what it was told, with the port of the client it was about."""

    seen: list[dict[str, Any]] = []  # noqa: RUF012 - shared by all

    def __init__(self, name: str) -> None:
        self.name = name

    def note(self, hook: str, client: Client, **facts: Any) -> None:
        self.seen.append({"port": client.peername[1], "by": self.name, "hook": hook, **facts})

    def note_flow(self, hook: str, found: http.HTTPFlow) -> None:
        response = found.response
        self.note(
            hook,
            found.client_conn,
            flow=found.id,
            live=found.live,
            intercepted=found.intercepted,
            method=found.request.method,
            path=found.request.path,
            request_bytes=len(found.request.raw_content or b""),
            status=response and response.status_code,
            answer_bytes=response and len(response.raw_content or b""),
            streams=bool(response and response.stream),
            error=found.error and found.error.msg,
        )


class Sync(Witness):
    def client_connected(self, client: Client) -> None:
        self.note("client_connected", client, state=int(client.state.value))

    def client_disconnected(self, client: Client) -> None:
        self.note("client_disconnected", client, state=int(client.state.value))

    def server_connect(self, data: ServerConnectionHookData) -> None:
        self.note("server_connect", data.client, address=data.server.address)

    def server_connected(self, data: ServerConnectionHookData) -> None:
        self.note("server_connected", data.client, address=data.server.address)

    def server_disconnected(self, data: ServerConnectionHookData) -> None:
        self.note("server_disconnected", data.client, address=data.server.address)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        self.note_flow("requestheaders", flow)

    def request(self, flow: http.HTTPFlow) -> None:
        self.note_flow("request", flow)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        self.note_flow("responseheaders", flow)

    def response(self, flow: http.HTTPFlow) -> None:
        self.note_flow("response", flow)

    def error(self, flow: http.HTTPFlow) -> None:
        self.note_flow("error", flow)


class Async(Witness):
    async def client_connected(self, client: Client) -> None:
        await asyncio.sleep(0)
        self.note("client_connected", client)

    async def client_disconnected(self, client: Client) -> None:
        await asyncio.sleep(0)
        self.note("client_disconnected", client)

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        await asyncio.sleep(0)
        self.note_flow("requestheaders", flow)

    async def request(self, flow: http.HTTPFlow) -> None:
        await asyncio.sleep(0)
        self.note_flow("request", flow)
        loop, content = asyncio.get_running_loop(), flow.request.get_content(strict=False) or b""
        if b"edit please" in content:
            flow.intercept()
            loop.call_later(LATER_S, self._goes_on, flow)
        elif b"drop please" in content:
            flow.intercept()
            loop.call_later(LATER_S, _kill, flow)

    def _goes_on(self, flow: http.HTTPFlow) -> None:
        flow.request.content = (flow.request.content or b"").replace(b"edit please", b"well edited")
        flow.resume()

    async def responseheaders(self, flow: http.HTTPFlow) -> None:
        await asyncio.sleep(0)
        self.note_flow("responseheaders", flow)
        if b"kill please" in (flow.request.content or b""):
            asyncio.get_running_loop().call_later(LATER_S, _kill, flow)

    async def response(self, flow: http.HTTPFlow) -> None:
        await asyncio.sleep(0)
        self.note_flow("response", flow)

    async def error(self, flow: http.HTTPFlow) -> None:
        await asyncio.sleep(0)
        self.note_flow("error", flow)


class Raising(Witness):
    def request(self, flow: http.HTTPFlow) -> None:
        self.note_flow("request", flow)
        self._raise(flow)

    def response(self, flow: http.HTTPFlow) -> None:
        self.note_flow("response", flow)
        self._raise(flow)

    def _raise(self, flow: http.HTTPFlow) -> None:
        if b"raise please" in (flow.request.get_content(strict=False) or b""):
            raise RuntimeError("an addon of somebody else is at fault")


class Writer:
    """Told of what nobody else changes any more."""

    def __init__(self) -> None:
        self.drivers: dict[int, str] = {}
        """Whose the connection of a client with that port was."""

    def update(self, flows: list[flow.Flow]) -> None:
        for found in flows:
            if isinstance(found, http.HTTPFlow) and found.live:
                Witness("update").note("update", found.client_conn, flow=found.id)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        handler = ctx.master.addons.get("proxyserver").connections.get(flow.client_conn.id)
        self.drivers[flow.client_conn.peername[1]] = "mitmproxy" if isinstance(handler, ConnectionHandler) else "auto"

    def done(self) -> None:
        flows = [found.get_state() for found in ctx.master.view._store.values()]  # type: ignore[attr-defined]
        told = {"hooks": Witness.seen, "flows": flows, "drivers": self.drivers}
        text = json.dumps(told, default=_text)
        Path(os.environ[ENV_NAME]).write_text(text, encoding="utf-8")


addons = [Async("async"), Raising("raising"), Sync("sync"), Writer()]
