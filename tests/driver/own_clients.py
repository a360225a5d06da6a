"""A real listener with the acceptor before it, addons behind it, and a small driver of the tests' own."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Self, cast

from mitmproxy import http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy import layer
from mitmproxy.proxy.mode_servers import AsyncioServerInstance, ServerInstance
from mitmproxy.tls import TlsData

from addons.config.tls_files import TlsPair, server_context
from addons.dialects.registry import refusal
from addons.driver.acceptor import Acceptor
from addons.driver.client_life import ClientLife, LifeDeps
from addons.driver.port import Accepted, PlainHttpDriver
from addons.layers.connections import ClientConnections
from addons.layers.deps import LayerDeps
from addons.layers.handed_off import begins_with_tls
from addons.layers.layer import choose_layer
from addons.layers.own_client import OwnClient
from addons.layers.server_tls import ServerTls
from addons.stream.connection_limits import ConnectionLimiter
from addons.stream.deps import Timed
from addons.stream.sweeper import Sweeper
from addons.tasks import Background
from tests.support.certificates import Issued
from tests.support.ports import free_port

MODE = "reverse:http://127.0.0.1:1"


def eagerly(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs it on a loop as mitmproxy's, within a bound."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_task_factory(asyncio.eager_task_factory)
        runner.run(asyncio.wait_for(work(), 60))


class Parrot(asyncio.Protocol, OwnClient):
    """A connection of the test's driver: says `own:` and what it heard, and hands TLS off."""

    def __init__(self, life: ClientLife, house: "House") -> None:
        self.life, self.house = life, house
        self.heard = b""
        self.opened = False
        self.ticked: list[Timed] = []
        house.made.append(self)

    def connection_made(self, transport: Any) -> None:
        self.transport: asyncio.Transport = transport
        self.life.begin(transport, self, self._open)

    def _open(self) -> None:
        self.opened = True

    def data_received(self, data: bytes) -> None:
        self.heard += data
        if (tls := begins_with_tls(self.heard)) is not None:
            if tls:
                self.life.hand_off(self.heard)
            else:
                self.transport.write(b"own:" + data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.life.lost()
        self.life.end()

    def tick(self, watched: Timed) -> None:
        self.ticked.append(watched)

    def abort(self) -> None:
        self.transport.abort()


class Watching:
    """An addon that writes down which hooks of connections were called, for whom, and answers every request."""

    def __init__(self, house: "House") -> None:
        self.house = house
        self.told: list[tuple[str, str]] = []
        self.clients: list[Client] = []
        self.at_connect: Callable[[Client], Awaitable[None] | None] = lambda client: None

    def _tell(self, what: str, client: Client) -> None:
        self.told.append((what, client.id))

    async def client_connected(self, client: Client) -> None:
        self._tell("connected", client)
        self.clients.append(client)
        self.house.connections.adapt_handler(client)
        if (waiting := self.at_connect(client)) is not None:
            await waiting

    def client_disconnected(self, client: Client) -> None:
        self._tell("disconnected", client)

    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        choose_layer(nextlayer, self.house.deps)

    def tls_start_client(self, tls_start: TlsData) -> None:
        self.house.tls.begin(tls_start)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        assert flow.client_conn in self.clients
        flow.response = http.Response.make(200, b"by mitmproxy")


class House:
    """The parts of a gateway that connections meet. `async with House() as house`."""

    def __init__(self, *addons: object) -> None:
        self.made: list[Parrot] = []
        self._dialled: list[asyncio.StreamWriter] = []
        self.more = addons

    async def __aenter__(self) -> Self:
        self.master = Master(Options())
        self.watching = Watching(self)
        self.proxyserver: Any = Proxyserver()
        self.master.addons.add(self.proxyserver, *self.more, self.watching)
        self.master.options.update(connection_strategy="lazy")
        self.connections = ClientConnections(self.master, refusal)
        self.ahead_s = 0.0
        self.sweeper = Sweeper(self.clock, self.connections.deliver, self.connections.drop)
        self.deps = LayerDeps(lambda flow: None, self.sweeper, refusal, clock=self.clock)
        self.tls = ServerTls()
        root = Issued("root")
        own = Issued("own", root, hosts=["127.0.0.1"])
        self.tls.take_up(server_context(TlsPair((own.certificate,), own.key)))
        self.tasks = Background()
        self.life_deps = LifeDeps(self.master, self.connections.adapt_handler, self.tasks, lambda: 1234.5)
        self.driver = PlainHttpDriver(self.protocol)
        self.driver.is_wanted = True
        self.limiter = ConnectionLimiter()
        self.acceptor = Acceptor(self.master, self.limiter, lambda: 30.0, refusal, self.driver)
        self.port = free_port()
        instance: ServerInstance[Any] = ServerInstance.make(f"{MODE}@127.0.0.1:{self.port}", self.proxyserver)
        self.instance = cast(AsyncioServerInstance[Any], instance)
        self.proxyserver.servers._instances = {self.instance.mode: self.instance}
        await self.instance.start()
        self.acceptor.take_over()
        return self

    def clock(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead_s

    def protocol(self, accepted: Accepted) -> Parrot:
        return Parrot(ClientLife(self.life_deps, accepted), self)

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return  # what is left is the failure's
        for name in list(self.proxyserver.connections):
            self.connections.drop(str(name))
        await self.until(lambda: not self.proxyserver.connections and not len(self.limiter))
        for writer in self._dialled:
            writer.transport.abort()
        await asyncio.sleep(0)
        await self.instance.stop()
        self.master._legacy_log_events.uninstall()
        assert not self.acceptor._silence_timers

    async def until(self, check: Callable[[], bool]) -> None:
        """Until it holds; what happens is looked at in every turn of the loop."""
        while not check():  # noqa: ASYNC110  (nothing that is looked at tells of a change)
            await asyncio.sleep(0)

    async def dial(self, *, tls: bool = False) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context: ssl.SSLContext | None = None
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        self._dialled.append(writer)
        return reader, writer


class Lines(logging.Handler):
    """The lines of mitmproxy's server about connections, with whom they are about."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, object]] = []
        self.log = logging.getLogger("mitmproxy.proxy.server")

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append((record.getMessage(), getattr(record, "client", None)))

    def __enter__(self) -> Self:
        self.log.addHandler(self)
        self._level = self.log.level
        self.log.setLevel(logging.INFO)
        return self

    def __exit__(self, *_: object) -> None:
        self.log.removeHandler(self)
        self.log.setLevel(self._level)
