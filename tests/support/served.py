"""A gateway in this process between httpx's clients (so the real SDK's too) and the sandbox's sites, without a socket.

It is the harness's (tests/support/harness.py), with the sites of tests/support/sites.py as its providers. It is used
like the one that is a process of its own (tests/support/processes.py), and time is virtual: nothing is waited for.
"""

import asyncio
import contextlib
import io
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from unittest.mock import patch

import httpx
import openai
from click.testing import CliRunner, Result
from mitmproxy import ctx as mitmctx
from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events

from addons.app import reload_requests
from addons.app.reload_requests import ReloadAnswer
from addons.cli.demo import provider_entries
from addons.cli.main import main
from addons.exchange.request_log import setup_logging
from addons.vault.keys import ENV_NAME, VaultKey
from addons.vault.store import Vault
from tests.support.drive import FakeLink
from tests.support.harness import VAULT_KEY, House
from tests.support.http1 import END, chunk
from tests.support.sites import AT_MOST_S, PIECE_BYTES, WAY_S, AnswerReader, Sites
from tests.support.virtual_time import settle
from tests.support.visit import KEY, Visit

NOTHING: Final[Any] = {"base_urls": {}, "sessions": {}}
"""A description of no sites: the providers are then the test's own."""
PORT: Final = 8080
QUIET_S: Final = 30.0
URL: Final = f"http://127.0.0.1:{PORT}"
_OF_AN_SDK: Final[Any] = {"api_key": KEY, "max_retries": 0}


class Caller(Visit):
    """A client's connection to a gateway whose providers are `Sites`."""

    def __init__(self, house: "Town") -> None:
        self._sites = house.sites
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()
        super().__init__(house.master, house.own_house)

    def writes(self, data: bytes) -> None:
        """The client sends, in pieces as they are read."""
        for at in range(0, len(data), PIECE_BYTES):
            if self.client.connected:
                self.client_sends(data[at : at + PIECE_BYTES])

    async def exchanges(self, data: bytes, *, ends: bool = True) -> bytes:
        """All that comes of `data` until the gateway hangs up, or says no more for QUIET_S; where it `ends`, the client
        says that no more comes of it."""
        self.writes(data)
        if ends and self.client.connected:
            self.client.state &= ~ConnectionState.CAN_READ
            self.feed(events.ConnectionClosed(self.client))
        pieces = []
        with contextlib.suppress(TimeoutError):
            while piece := await asyncio.wait_for(self.next(), QUIET_S):
                pieces.append(piece)
        await self.hangs_up()
        return b"".join(pieces)

    async def next(self) -> bytes:
        """What comes next for the client; b"" at the end."""
        return await self._arrived.get()

    # -- to the sites ----------------------------------------------------------------------------------------------
    def _opened(self, link: FakeLink) -> None:
        self.connect_error = None if self._sites.at(link.server.address) else "Connection refused"
        super()._opened(link)

    def _do(self, command: commands.Command) -> None:
        if isinstance(command, commands.SendData) and command.connection is self.client:
            self._arrived.put_nowait(command.data)
            return
        super()._do(command)
        if isinstance(command, commands.CloseConnection) and command.connection is self.client:
            self._arrived.put_nowait(b"")

    def provider_gets(self, link: FakeLink, data: bytes) -> None:
        super().provider_gets(link, data)
        if link.line is None:
            site = self._sites.at(link.server.address)
            assert site

            def told(data: bytes) -> None:
                if link.is_over:
                    return
                if data:
                    link.receiver.received(data)
                else:
                    link.ends()

            link.line = self._sites.connect(site, told)
        link.line.send(data)

    def provider_left(self, link: FakeLink) -> None:
        super().provider_left(link)
        if link.line is not None:
            link.line.close()

    async def hangs_up(self) -> None:
        """The client is gone, also if all has been said."""
        if self.client.connected:
            await self.leaves()
        await settle()


@dataclass
class Town(House):
    """The harness's gateway with `Sites` as its providers, a vault that is there and a file written already."""

    sites: Sites = field(default_factory=Sites)
    store: Vault | None = None
    out: io.StringIO = field(default_factory=io.StringIO)
    """Its log as it stands on the disk of a service, and the errors of mitmproxy."""

    def _enter(self) -> None:
        root, errors = logging.getLogger(), logging.StreamHandler(self.out)
        errors.setLevel(logging.ERROR)
        root.addHandler(errors)
        self._stack.callback(root.removeHandler, errors)
        self._stack.enter_context(patch("addons.app.process.setup_logging", self._logged))
        super()._enter()

    def _logged(self, *how: Any) -> logging.Handler:
        handler = setup_logging(*how)
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(self.out)
        return handler

    def write(self, **changed: str) -> None:
        """It is the test's."""

    def _store(self, now: Callable[[], float]) -> None:
        assert self.store
        self.vault = self.store

    async def carry(self, request: httpx.Request) -> httpx.Response:
        return await self.sites.carry(request)

    def visit(self) -> Caller:
        return Caller(self)


class _Body(httpx.AsyncByteStream):
    """The body of an answer as it comes; closed before its end, the client has left."""

    def __init__(self, caller: Caller, reader: AnswerReader) -> None:
        self._caller = caller
        self._reader = reader

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._reader.body():
            yield piece

    async def aclose(self) -> None:
        await self._caller.hangs_up()


class ToGateway(httpx.AsyncBaseTransport):
    """Carries requests to the gateway; each comes by a connection of its own, which ends with it."""

    def __init__(self, town: Callable[[], Town]) -> None:
        self._town = town

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self.ask(request, await request.aread())

    async def ask(self, request: httpx.Request, content: bytes) -> httpx.Response:
        caller = self._town().visit()
        lines = [b"%s: %s" % field for field in request.headers.raw]
        target = request.extensions.get("target", request.url.raw_path)
        head = b"%s %s HTTP/1.1" % (request.method.encode(), target)
        caller.writes(b"\r\n".join([head, *lines, b"", b""]))
        if request.headers.get("transfer-encoding") == "chunked":
            content = chunk(content) + END
        if content:
            await settle()  # a body comes behind its head
            caller.writes(content)
        reader = AnswerReader(request.method, caller.next)
        try:
            async with asyncio.timeout((request.extensions.get("timeout") or {}).get("read")):
                status, fields = await reader.head()
        except TimeoutError:
            raise httpx.ReadTimeout("") from None
        return httpx.Response(status, headers=fields, stream=_Body(caller, reader))


class _SyncBody(httpx.SyncByteStream):
    def __init__(self, gateway: "Served", body: httpx.AsyncByteStream) -> None:
        self._gateway = gateway
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        pieces = aiter(self._body)

        async def following() -> bytes | None:
            return await anext(pieces, None)

        while (piece := self._gateway.run(following())) is not None:
            yield piece

    def close(self) -> None:
        self._gateway.run(self._body.aclose())


class Desk(httpx.BaseTransport):
    """The same for clients that wait: the loop runs while they do."""

    def __init__(self, gateway: "Served") -> None:
        self._gateway = gateway

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        found = self._gateway.run(self._ask(request))
        assert isinstance(found.stream, httpx.AsyncByteStream)
        return httpx.Response(found.status_code, headers=found.headers, stream=_SyncBody(self._gateway, found.stream))

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(WAY_S)
        return await self._gateway.transport.ask(request, request.read())


class Served:
    """`with Served(folder, sites, …) as gateway:`. The keyword arguments are sections of config.yaml.

    It can be left and entered again, as a gateway that is started again; several may run side by side.
    """

    def __init__(self, folder: Path, sites: Sites, described: dict[str, Any] | None = None, **sections: Any) -> None:
        self.environ: dict[str, str] = {}
        """What stands in its environment beside; read at the start."""
        folder.chmod(0o700)
        self.folder, self.sites, self.url, self.port = folder, sites, URL, PORT
        described = described or sites.description()
        entries: dict[str, Any] = provider_entries(described["base_urls"])
        for name, entry in sections.pop("providers", {}).items():
            entries[name] = {**entries.get(name, {}), **entry}
        self.config: dict[str, Any] = {
            "auth": {"tokens": [KEY]},
            "vault": {"path": "s/vault.json", "rollback_guard": False},
            "usage": {"enabled": False},
            "providers": entries,
            **sections,
        }
        self.write_config()
        self._began, self._out = time.time(), io.StringIO()
        path, key = folder / "s" / "vault.json", VaultKey(raw=VAULT_KEY)
        self.vault = Vault.create(path, key, now=lambda: self._began + sites.loop.time(), sync=False)
        for name in entries:
            site = "openai" if name == "official" else name
            if site in described["sessions"]:
                self.vault.put(name, "demo", described["sessions"][site])
        self.headers = {"authorization": f"Bearer {KEY}"}
        self.transport = ToGateway(lambda: self.house)
        self.desk = Desk(self)

    @property
    def config_file(self) -> Path:
        return self.folder / "config.yaml"

    def write_config(self) -> None:
        self.config_file.write_text(json.dumps(self.config), encoding="utf-8")
        self.config_file.chmod(0o600)

    def __enter__(self) -> Self:
        self.house = Town(self.folder, "", began=self._began, sites=self.sites, store=self.vault)
        self.house.environ, self.house.out = self.environ, self._out
        self.sites.run(self.house.__aenter__())
        self.pass_s(0.1)  # the sites have answered what it asks at its start
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.house.__aexit__())

    def run[T](self, work: Coroutine[Any, Any, T], at_most_s: float = AT_MOST_S) -> T:
        """Runs it while mitmproxy takes this gateway's master for the one there is."""
        mitmctx.master, mitmctx.options = self.house.master, self.house.master.options
        return self.sites.run(work, at_most_s)

    @property
    def log(self) -> str:
        return self._out.getvalue()

    def pass_s(self, seconds: float) -> None:
        """Time passes."""
        self.run(asyncio.sleep(seconds), seconds + 1)

    def command(self, *arguments: str) -> Result:
        """What a command of `glassgate` comes to that looks at its files."""
        environ = {ENV_NAME: VAULT_KEY.hex()}
        return CliRunner().invoke(main, ["--config", str(self.config_file), *arguments], env=environ)

    def reload(self) -> ReloadAnswer:
        """Asks it to take its changed files up, as `glassgate reload` does."""
        question = secrets.token_hex(16)
        reload_requests.ask(self.folder / "s", self.config_file, question)
        self.pass_s(3)
        answer = reload_requests.answer_to(self.folder / "s", question)
        assert answer
        return answer

    # -- asking ----------------------------------------------------------------------------------------------------
    def http(self, **more: Any) -> httpx.Client:
        """A client that holds the key, unless other `headers` are given."""
        return httpx.Client(transport=self.desk, base_url=URL, **{"headers": self.headers, **more})

    def post(self, body: object, path: str = "/v1/chat/completions", timeout: float = 30) -> httpx.Response:
        """`timeout`: seconds of virtual time."""
        with self.http(timeout=timeout) as http:
            return http.post(path, json=body)

    @contextmanager
    def stream(self, body: object, path: str = "/v1/chat/completions") -> Iterator[httpx.Response]:
        """An answer under way, of which the client leaves at the end."""
        with self.http() as http, http.stream("POST", path, json=body) as answer:
            yield answer

    def begin(self, body: object, path: str = "/v1/chat/completions") -> Callable[[], httpx.Response]:
        """A request that is on its way while other things happen; gives what waits for its answer."""

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.transport, base_url=URL, headers=self.headers) as http:
                return await http.post(path, json=body)

        async def begun() -> asyncio.Task[httpx.Response]:
            return asyncio.create_task(ask())

        async def end(task: asyncio.Task[httpx.Response]) -> httpx.Response:
            return await task

        task = self.run(begun())
        return lambda: self.run(end(task))

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer to a request without a key, unless `headers` hold one."""
        with self.http(headers=None) as http:
            return http.request(method, f"{URL}{path}", **more)

    def get(self, path: str) -> httpx.Response:
        with self.http() as http:
            return http.get(path)

    def exchange(self, data: bytes, *, ends: bool = True) -> bytes:
        """All that comes of bytes until the gateway hangs up, or for long says no more."""

        async def exchange() -> bytes:
            return await self.house.visit().exchanges(data, ends=ends)

        return self.run(exchange())

    def at_once(self, bodies: Sequence[object], path: str = "/v1/chat/completions") -> list[httpx.Response]:
        """The answers to requests that are all there before the first is answered."""

        async def ask() -> list[httpx.Response]:
            async with httpx.AsyncClient(transport=self.transport, base_url=URL, headers=self.headers) as http:
                return await asyncio.gather(*(http.post(path, json=body) for body in bodies))

        return self.run(ask())

    def sdk(self, *, strict: bool = True, base_url: str = f"{URL}/v1") -> openai.OpenAI:
        """The real SDK, refusing anything that is not of the declared form; it does not repeat by itself."""
        client: Any = httpx.Client(transport=self.desk)  # the SDK is typed for another
        return openai.OpenAI(base_url=base_url, **_OF_AN_SDK, http_client=client, _strict_response_validation=strict)

    def async_sdk(self) -> openai.AsyncOpenAI:
        client: Any = httpx.AsyncClient(transport=self.transport)
        return openai.AsyncOpenAI(
            base_url=f"{URL}/v1", **_OF_AN_SDK, http_client=client, _strict_response_validation=True
        )
