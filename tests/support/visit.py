"""A client of the harness: what it sends and gets, what a provider was sent for it, and its connection's hooks."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final, Self, cast

import h11
import httpx
from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.connection import Client, Server
from mitmproxy.master import Master
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.layers.modes import ReverseProxy

from addons.driver.connection import OwnHouse
from addons.inspect.annotation import Annotation, annotation_of
from addons.layers.layer import GatewayLayer
from addons.upstream.port import Cancel, Receiver, Target
from tests.support.drive import Drive, FakeLink, Side
from tests.support.http1 import END
from tests.support.own_entry import OwnEntry
from tests.support.virtual_time import settle

KEY: Final = "sk-harness-0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Got:
    """What a client has of its answer."""

    status: int
    headers: dict[str, str]
    body: bytes
    complete: bool

    @property
    def value(self) -> Any:
        return json.loads(self.body)

    @property
    def frames(self) -> list[Any]:
        """The values of a stream's events; its end mark as text."""
        texts = [line[6:] for line in self.body.decode().splitlines() if line.startswith("data: ")]
        return [text if text == "[DONE]" else json.loads(text) for text in texts]

    @property
    def text(self) -> str:
        """The words of a streamed chat."""
        choices = [choice for value in self.frames if isinstance(value, dict) for choice in value.get("choices", ())]
        return "".join(choice["delta"].get("content") or "" for choice in choices)

    @property
    def error(self) -> Any:
        """The error that the client was told, be it as an answer or in a stream."""
        found = self.frames[-1] if self.headers["content-type"].startswith("text/event-stream") else self.value
        return found["error"]


class Visit(Drive):
    """One client connection of the harness. Its hooks are run by the addons, as mitmproxy does.

    Over mitmproxy's layers, or where there is an `own_house` over its own connection.
    """

    def __init__(self, master: Master, own_house: OwnHouse | None = None) -> None:
        self.master = master
        self._own_house = own_house
        self.transports: dict[object, object] = {}
        """As a ConnectionHandler has it: nothing ever waits to be sent."""
        self.requests: list[httpx.Request] = []
        """What providers were sent, in order."""
        self._unread: dict[Server, bytearray] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        super().__init__([])

    def _outermost(self, context: Context) -> Any:
        if self._own_house is not None:
            entry = OwnEntry(self, self._own_house)
            self.deps = cast(Any, self._own_house.deps())  # all but what layers need
            entry.begin()
            return entry
        context.options = self.master.options
        self.register(self)
        return ReverseProxy(context)

    def register(self, handler: "Visit | OwnEntry") -> None:
        cast(Any, self.master.addons.get("proxyserver")).connections[self.client.id] = handler

    # -- as mitmproxy's ConnectionHandler -------------------------------------------------------------------------
    async def server_event(self, event: events.Event) -> None:
        self.feed(event)

    def _run_hook(self, command: commands.StartHook) -> None:
        self._later(self._hooked(command))

    async def _hooked(self, command: commands.StartHook) -> None:
        if not await self.hooked(command):
            self.feed(events.HookCompleted(command))

    async def hooked(self, command: commands.StartHook) -> bool:
        """Runs the hook; whether the test holds it up then, until `complete`."""
        (data,) = command.args()
        if isinstance(data, http.HTTPFlow) and data not in self.flows:
            self.flows.append(data)
        await self.master.addons.handle_lifecycle(command)
        if isinstance(data, NextLayer) and isinstance(data.layer, GatewayLayer):
            self.deps = data.layer.deps
        if isinstance(data, mflow.Flow):
            await data.wait_for_resume()
        if command.name in self.hold:
            self.pending.append(command)
            return True
        return False

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- the client ------------------------------------------------------------------------------------------------
    async def asks(
        self, body: object = None, path: str = "/v1/chat/completions", method: str = "POST", **fields: str
    ) -> Self:
        """Sends a request and lets happen what comes of it. `fields` are of its head; an empty one is left out."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        head = {"host": "127.0.0.1:8080", "authorization": f"Bearer {KEY}"}
        if content:
            head |= {"content-type": "application/json", "content-length": str(len(content))}
        head |= {name.replace("_", "-"): value for name, value in fields.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
        self.sent.pop(self.client, None)
        self.client_sends(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + content)
        await settle()
        return self

    async def chats(self, model: str, *, stream: bool = True, **more: object) -> Self:
        """Asks a model something."""
        return await self.asks(
            {"model": model, "messages": [{"role": "user", "content": "Hello"}], **more}
            | ({"stream": True} if stream else {})
        )

    async def leaves(self) -> None:
        self.client_leaves()
        await settle()

    @property
    def got(self) -> Got:
        """What has come of the answer, read by another's HTTP."""
        reader = h11.Connection(h11.CLIENT)
        reader.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
        reader.send(h11.EndOfMessage())
        reader.receive_data(self.to_client)
        head, body, complete = None, b"", False
        while (event := reader.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                complete = True
                break
        assert head is not None, "nothing has come"
        return Got(head.status_code, {n.decode(): v.decode() for n, v in head.headers}, body, complete)

    # -- the provider it was led to -------------------------------------------------------------------------------
    async def says(self, *data: bytes, server: int = -1) -> None:
        """The provider sends."""
        self.server_sends(b"".join(data), server)
        await settle()

    async def breaks(self, server: int = -1) -> None:
        """The provider closes the connection."""
        self.server_closes(server)
        await settle()

    def connect(self, target: Target, client: Client, receiver: Receiver) -> Cancel:
        if self._own_house is not None:  # there is no event of layers behind which it comes
            asyncio.get_running_loop().call_soon(self.run)
        return super().connect(target, client, receiver)

    def of_client(self, client: Client) -> Side:
        found: Side = cast(Any, self.master.addons.get("proxyserver")).connections[client.id]
        return found

    def provider_gets(self, link: FakeLink, data: bytes) -> None:
        super().provider_gets(link, data)
        unread = self._unread.setdefault(link.server, bytearray())
        unread += data
        if (end := unread.find(b"\r\n\r\n")) < 0:
            return
        first, *lines = unread[:end].decode().split("\r\n")
        fields = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        named = {name.lower(): value for name, value in fields}
        chunked = "chunked" in named.get("transfer-encoding", "")
        if unread.endswith(END) if chunked else len(unread) >= end + 4 + int(named.get("content-length", "0")):
            method, target, _ = first.split(" ")
            host, port = cast(tuple[str, int], link.server.address)
            content = bytes(unread[end + 4 :])
            self.requests.append(
                httpx.Request(method, f"http://{host}:{port}{target}", headers=fields, content=content)
            )
            unread.clear()

    def asked(self) -> httpx.Request:
        """What a provider was sent last."""
        return self.requests[-1]

    # -- what is told of it ---------------------------------------------------------------------------------------
    @property
    def note(self) -> Annotation:
        """The annotation of its newest flow."""
        found = annotation_of(self.flows[-1])
        assert found
        return found
