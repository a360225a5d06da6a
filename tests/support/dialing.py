"""Connections that a Dialer makes in a test: who hears of them, mitmproxy's addons for them, a server that echoes."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.addons.upstream_auth import UpstreamAuth
from mitmproxy.http import HTTPFlow
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tls import TlsData

from addons.upstream.dialer import DialedLink, Dialer, run_hook
from addons.upstream.port import Link, Target
from tests.support.upstream import CLIENT

type Test = Callable[..., Coroutine[Any, Any, None]]


def in_loop(test: Test) -> Callable[..., None]:
    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner() as runner:
            runner.get_loop().set_task_factory(asyncio.eager_task_factory)  # as mitmproxy does
            runner.run(asyncio.wait_for(test(*args, **kwargs), 30))

    return run


class Told:
    """A Receiver."""

    def __init__(self) -> None:
        self.link: Link | None = None
        self.why = ""
        self.data = b""
        self.is_closed = False
        self.order: list[str] = []
        self.changed = asyncio.Event()

    def opened(self, link: Link) -> None:
        self.order.append("opened")
        self.link = link
        self.changed.set()

    def failed(self, why: str) -> None:
        self.order.append("failed")
        self.why = why
        self.changed.set()

    def received(self, data: bytes) -> None:
        self.order.append("received")
        self.data += data
        self.changed.set()

    def taken(self) -> None:
        self.order.append("taken")
        self.changed.set()

    def closed(self) -> None:
        self.order.append("closed")
        self.is_closed = True
        self.changed.set()

    async def until(self, check: Callable[[], bool]) -> None:
        while not check():
            self.changed.clear()
            await self.changed.wait()


class Hooks:
    """An addon of somebody's that looks at connections."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.kills = False
        self.breaks = False
        self.waits: asyncio.Event | None = None
        """What `server_connected` waits for."""
        self.gone = asyncio.Event()

    def server_connect(self, data: ServerConnectionHookData) -> None:
        self.seen.append("connect")
        if self.kills:
            data.server.error = "not today"
        if self.breaks:
            data.server.address = None

    async def server_connected(self, data: ServerConnectionHookData) -> None:
        self.seen.append("connected")
        if self.waits is not None:
            await self.waits.wait()

    def server_connect_error(self, data: ServerConnectionHookData) -> None:
        self.seen.append("error")

    def server_disconnected(self, data: ServerConnectionHookData) -> None:
        self.seen.append("disconnected")
        self.gone.set()

    def tls_start_server(self, data: TlsData) -> None:
        self.seen.append("tls start")

    def tls_established_server(self, data: TlsData) -> None:
        self.seen.append("tls")

    def tls_failed_server(self, data: TlsData) -> None:
        self.seen.append("tls failed")

    def http_connect_upstream(self, flow: HTTPFlow) -> None:
        self.seen.append("tunnel")


class House:
    """mitmproxy's addons for connections, and a server that says what it hears."""

    def __init__(self, folder: Path) -> None:
        self.hooks = Hooks()
        self.master = Master(Options(confdir=str(folder)))
        self.master.addons.add(Proxyserver(), TlsConfig(), UpstreamAuth(), self.hooks)
        self.dialer = Dialer(self.master.options, lambda hook: run_hook(self.master, hook))
        self.resumed: list[bool] = []

    @asynccontextmanager
    async def server(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if found := writer.get_extra_info("ssl_object"):
                self.resumed.append(found.session_reused)
            while data := await reader.read(65536):
                writer.write(data)
                if data == b"bye":
                    break
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=tls)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def opened(self, target: Target) -> tuple[Told, DialedLink]:
        told = Told()
        self.dialer(target, CLIENT, told)
        await told.until(lambda: told.link is not None or bool(told.why))
        assert isinstance(told.link, DialedLink), told.why
        return told, told.link
