"""The whole gateway in this process, without a socket: the addon as mitmproxy loads it, on a real Master.

Clients and providers are bytes given to mitmproxy's own layers (tests/support/drive.py), the calls of steps go to
`Site`, and time is that of the event loop (tests/support/virtual_time.py).
"""

import asyncio
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, cast
from unittest.mock import Mock, patch

import h11
import httpx
from mitmproxy import flow as mflow
from mitmproxy import http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.view import View
from mitmproxy.connection import Server
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.layers.modes import ReverseProxy
from mitmproxy.proxy.server_hooks import ServerConnectHook, ServerConnectionHookData

from addons.app.hooks import Glassgate
from addons.app.outside import Outside
from addons.app.runtime import Running
from addons.exchange.outcome import Outcome
from addons.inspect.annotation import Annotation, annotation_of
from addons.stream.layer import GatewayLayer
from addons.vault.keys import ENV_NAME, VaultKey
from addons.vault.store import Vault
from providers.sandbox.tokens import jwt
from providers.sandbox.zai.frames import data_frame
from tests.support.drive import Drive
from tests.support.http1 import END, chunk

KEY: Final = "sk-harness-0123456789abcdef0123456789abcdef"
VAULT_KEY: Final = b"h" * 32
STREAM: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
BOOT_S: Final = 5000.0
"""What the monotonic clock says at the start; it never begins at nothing."""
_OF_A_PROCESS: Final = {
    "harden": "start",
    "raise_file_limit": "start",
    "install_signal_handlers": "process",
    "collect_in_small_steps": "process",
}
"""What the start does to its whole process, which here is the tests', and which module of addons/app does it."""

API: Final = """
  api: {type: openai_compatible, base_url: 'http://127.0.0.1:1002/v1', models: [m, n], accounts: [a, b]}
"""
API_KEYS: Final = {("api", name): {"api_key": f"key-of-{name}-0123456789abcdef"} for name in "ab"}
ZAI: Final = "\n  zai: {type: zai, base_url: 'http://127.0.0.1:1001', accounts: [a, b]}\n"

type Said = httpx.Response | tuple[int, object]
type Reply = Said | Callable[[httpx.Request], Said | Awaitable[Said]]


def frame(value: object) -> bytes:
    """A server-sent event, as a chunk of a body."""
    return chunk(b"data: " + (value if isinstance(value, bytes) else json.dumps(value).encode()) + b"\n\n")


def whole(status: int, body: object, **headers: str) -> bytes:
    """An answer in one piece: JSON, or the bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-type": "application/json", "content-length": str(len(content)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + content


def zai_token(person: str = "ada") -> str:
    return jwt({"id": person, "email": f"{person}@example.com"})


def zai_sessions() -> dict[tuple[str, str], dict[str, Any]]:
    return {("zai", name): {"token": zai_token(name)} for name in "ab"}


def word(text: str) -> bytes:
    """A word of a streamed answer of an official API."""
    return frame({"id": "up-1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})


FINISH: Final = frame({"id": "up-1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
DONE: Final = frame(b"[DONE]") + END
"""What follows FINISH."""


def answer(text: str) -> bytes:
    """A whole answer of an official API."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return whole(200, {"id": "up-1", "object": "chat.completion", "choices": [choice], "usage": usage})


def said(text: str) -> bytes:
    """A word of Z.AI's answer."""
    return chunk(data_frame({"delta_content": text, "phase": "answer"}))


ALL_SAID: Final = chunk(data_frame({"phase": "done", "done": True})) + END
"""The end of Z.AI's."""


async def _in_one_piece(content: bytes) -> AsyncIterator[bytes]:
    """httpx reads bytes when it is given them, and a body but once."""
    yield content


class Site:
    """Answers the gateway's own calls: `replies` by method and path; what is not in it is not there."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.asked: list[httpx.Request] = []
        self.chats = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        reply = self.replies.get(f"{request.method} {request.url.path}", (404, {"detail": "Not Found"}))
        said = reply(request) if callable(reply) else reply
        found = said if isinstance(said, httpx.Response | tuple) else await said
        if isinstance(found, httpx.Response):
            return found
        content = found[1] if isinstance(found[1], bytes) else json.dumps(found[1]).encode()
        return httpx.Response(found[0], content=_in_one_piece(content))

    def makes_chats(self) -> Self:
        """As Z.AI does."""

        def made(request: httpx.Request) -> Said:
            self.chats += 1
            return 200, {"id": f"chat-{self.chats}"}

        self.replies["POST /api/v1/chats/new"] = made
        return self

    def count(self, call: str) -> int:
        """How often it was asked; `GET /path`."""
        return [f"{request.method} {request.url.path}" for request in self.asked].count(call)


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
    """One client connection of the harness. Its hooks are run by the addons, as mitmproxy does."""

    def __init__(self, house: "House") -> None:
        self.house = house
        self.transports: dict[object, object] = {}
        """As a ConnectionHandler has it: nothing ever waits to be sent."""
        self.requests: list[httpx.Request] = []
        """What providers were sent, in order."""
        self._unread: dict[Server, bytes] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        super().__init__([])

    def _outermost(self, context: Context) -> Any:
        context.options = self.house.master.options
        connections = cast(Any, self.house.master.addons.get("proxyserver")).connections
        connections[self.client.id] = self
        return ReverseProxy(context)

    # -- as mitmproxy's ConnectionHandler -------------------------------------------------------------------------
    async def server_event(self, event: events.Event) -> None:
        self.feed(event)

    def _run_hook(self, command: commands.StartHook) -> None:
        self._later(self._hooked(command))

    async def _hooked(self, command: commands.StartHook) -> None:
        (data,) = command.args()
        if isinstance(data, http.HTTPFlow) and data not in self.flows:
            self.flows.append(data)
        await self.house.master.addons.handle_lifecycle(command)
        if isinstance(data, NextLayer) and isinstance(data.layer, GatewayLayer):
            self.deps = data.layer.deps
        if isinstance(data, mflow.Flow):
            await data.wait_for_resume()
        if command.name in self.hold:
            self.pending.append(command)
        else:
            self.feed(events.HookCompleted(command))

    def _complete(self, command: commands.Command) -> None:
        if isinstance(command, commands.OpenConnection):
            self._later(self._connected(command))
        else:
            super()._complete(command)

    async def _connected(self, command: commands.OpenConnection) -> None:
        assert isinstance(command.connection, Server)
        data = ServerConnectionHookData(client=self.client, server=command.connection)
        await self.house.master.addons.handle_lifecycle(ServerConnectHook(data))
        super()._complete(command)

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
        await self.house.settle()
        return self

    async def chats(self, model: str, *, stream: bool = True, **more: object) -> Self:
        """Asks a model something."""
        return await self.asks(
            {"model": model, "messages": [{"role": "user", "content": "Hello"}], **more}
            | ({"stream": True} if stream else {})
        )

    async def leaves(self) -> None:
        self.client_leaves()
        await self.house.settle()

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
        await self.house.settle()

    async def breaks(self, server: int = -1) -> None:
        """The provider closes the connection."""
        self.server_closes(server)
        await self.house.settle()

    def _do(self, command: commands.Command) -> None:
        super()._do(command)
        if isinstance(command, commands.SendData) and isinstance(command.connection, Server):
            unread = self._unread.get(command.connection, b"") + command.data
            head, end, rest = unread.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            fields = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
            length = next((int(value) for name, value in fields if name.lower() == "content-length"), 0)
            whole = bool(end) and len(rest) >= length
            if whole:
                method, target, _ = first.split(" ")
                host, port = cast(tuple[str, int], command.connection.address)
                self.requests.append(
                    httpx.Request(method, f"http://{host}:{port}{target}", headers=fields, content=rest)
                )
            self._unread[command.connection] = b"" if whole else unread

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


@dataclass
class _Listener(logging.Filter):
    """Sees every record of a logger, whatever becomes of it."""

    seen: Callable[[logging.LogRecord], object]

    def filter(self, record: logging.LogRecord) -> bool:
        self.seen(record)
        return True


@dataclass
class House:
    """A gateway that runs: `async with House(folder, providers=…) as house`. `sessions` are put into a real vault."""

    folder: Path
    providers: str
    sessions: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    more: str = ""
    """More of config.yaml."""
    tokens: str = f"[{KEY}]"
    environ: dict[str, str] = field(default_factory=dict)
    """What stands in the environment beside."""
    ahead_s: float = 0.0
    """How far its wall clock is ahead of that with which sessions are stored."""
    starts: bool = True
    """False: mitmproxy has loaded the addon, and says later that it runs (`gate.running`)."""
    site: Site = field(default_factory=Site)
    lines: list[Outcome] = field(default_factory=list)
    """The log's line of each request."""
    said: list[str] = field(default_factory=list)
    """What else the log has."""
    heeded: dict[str, Mock] = field(default_factory=dict)
    """Of what the start does to its process: what it was given."""
    began: float = field(default_factory=time.time)
    """The wall clock's time at the loop's zero."""
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def file(self) -> Path:
        return self.folder / "config.yaml"

    def write(self, **changed: str) -> None:
        """Writes config.yaml; `tokens`, `more` and `providers` may be others from now on."""
        for name, value in changed.items():
            setattr(self, name, value)
        text = f"auth: {{tokens: {self.tokens}}}\nvault: {{path: s/vault.json, rollback_guard: false}}\n"
        self.file.write_text(f"{text}{self.more}\nproviders:\n{self.providers}")
        self.file.chmod(0o600)

    async def __aenter__(self) -> Self:
        self.folder.chmod(0o700)
        self.write()
        loop = asyncio.get_running_loop()
        self._store(lambda: self.began + loop.time())
        try:
            self._enter()
            if self.starts:
                self.gate.running()
        except BaseException:
            self._stack.close()
            raise
        await self.settle()
        return self

    def _store(self, now: Callable[[], float]) -> None:
        self.vault = Vault.create(self.folder / "s" / "vault.json", VaultKey(raw=VAULT_KEY), now=now, sync=False)
        for (provider, account), material in self.sessions.items():
            self.vault.put(provider, account, material)

    async def carry(self, request: httpx.Request) -> httpx.Response:
        """What comes of a call of the gateway's own."""
        return await self.site(request)

    def _enter(self) -> None:
        stack, loop = self._stack, asyncio.get_running_loop()
        gone = ("AUTH_TOKEN", "AUTH_TOKENS_FILE", "SKIP_AUTH_TOKEN", "LONGCAT_PASSPORT_TOKEN", "LONGCAT_TOKENS_FILE")
        environ = {name: value for name, value in os.environ.items() if name not in gone} | self.environ
        stack.enter_context(patch.dict(os.environ, environ | {ENV_NAME: VAULT_KEY.hex()}, clear=True))
        for name, module in _OF_A_PROCESS.items():
            self.heeded[name] = stack.enter_context(patch(f"addons.app.{module}.{name}", return_value=4096))
        stack.callback(os.umask, os.umask(0o077))
        stack.enter_context(patch.object(http.MessageData, "__post_init__", http.MessageData.__post_init__))
        self._listen()
        options = Options()
        self.master = Master(options)
        stack.callback(self.master._legacy_log_events.uninstall)
        options.add_option("scripts", Sequence[str], [], "")
        self.master.addons.add(View(), Proxyserver())
        transport = httpx.MockTransport(self.carry)
        clock, now = lambda: BOOT_S + loop.time(), lambda: self.began + self.ahead_s + loop.time()
        self.gate = Glassgate(Outside(transport, clock, now))
        self.master.addons.add(self.gate)
        options.update(mode=["reverse:http://127.0.0.1:1"], gateway_config=str(self.file))

    def _listen(self) -> None:
        logger, request = logging.getLogger("glassgate"), logging.getLogger("glassgate.request")
        handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate

        def restore() -> None:
            logger.handlers[:], logger.level, logger.propagate = handlers, level, propagate

        self._stack.callback(restore)
        for one, seen in (
            (request, lambda record: self.lines.append(record.request)),
            (logger, lambda record: self.said.append(record.getMessage())),
            (logging.getLogger("glassgate.accounts"), lambda record: self.said.append(record.getMessage())),
        ):
            listener = _Listener(seen)
            one.addFilter(listener)
            self._stack.callback(one.removeFilter, listener)

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.gate.done()
        finally:
            self._stack.close()

    # -- what happens in it ---------------------------------------------------------------------------------------
    def visit(self) -> Visit:
        """A new client connection."""
        return Visit(self)

    @staticmethod
    async def settle() -> None:
        """All that can happen without time passing has happened."""
        await asyncio.sleep(1e-6)

    @staticmethod
    async def pass_s(seconds: float) -> None:
        """Time passes."""
        await asyncio.sleep(seconds)

    @property
    def parts(self) -> Running:
        assert self.gate.running_parts
        return self.gate.running_parts

    @property
    def line(self) -> Outcome:
        """The newest request's."""
        return self.lines[-1]

    def flows(self) -> Iterator[http.HTTPFlow]:
        """What stands in the inspector's list."""
        yield from (found for found in cast(Any, self.master.addons.get("view")) if isinstance(found, http.HTTPFlow))


def api(folder: Path, more: str = "") -> House:
    """A gateway with two accounts of an official API that serves the models m and n."""
    return House(folder, API, API_KEYS, more)


def zai(folder: Path, more: str = "", **options: str) -> House:
    """A gateway with two persons' sessions at Z.AI, which makes chats. `options` are the provider's keys."""
    own = "".join(f"{name}: {value}, " for name, value in options.items())
    house = House(folder, ZAI.replace("accounts:", f"{own}accounts:"), zai_sessions(), more)
    house.site.makes_chats()
    return house


def is_quiet(house: House) -> bool:
    """Nothing of a request is left behind: no place taken, nothing counted."""
    context = house.parts.context
    taken = [account.limiter.load for account in house.parts.pool.all()]
    counted = (context.budget.active, context.budget.retrying, context.inflated.total)
    return not house.gate.exchanges and not any(taken) and not any(counted)
