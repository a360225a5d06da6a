"""What the stream layer of every connection works with: the connections, their timers, their limits."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.master import Master
from mitmproxy.proxy import layer

from addons.app.in_force import InForce
from addons.app.outside import Outside
from addons.app.rules import client_limits, connection_limits
from addons.config.schema import Driver
from addons.config.tls_files import server_context
from addons.dialects import registry
from addons.driver import internals
from addons.driver.acceptor import Acceptor
from addons.driver.client_life import LifeDeps
from addons.driver.connection import OwnHouse
from addons.driver.port import PlainHttpDriver
from addons.ingress.request_head import client_of
from addons.layers.connections import ClientConnections
from addons.layers.deps import LayerDeps
from addons.layers.layer import choose_layer
from addons.layers.server_tls import ServerTls
from addons.stream.body_budget import BodyBudget
from addons.stream.connection_limits import ConnectionLimiter
from addons.stream.credentials import HeldCredentials
from addons.stream.deps import RefusedHead
from addons.stream.port import RequestPort
from addons.stream.sweeper import Sweeper
from addons.tasks import Background
from addons.upstream.dialer import CONNECTION_OPTIONS, Dialer, run_hook
from addons.upstream.pool import MOST_IDLE, UpstreamPool

log = logging.getLogger("glassgate")

HOOKS_S: Final = 1.0
"""So long the end of the process waits for addons that are told of connections' ends."""


class StreamSide:
    """Makes the LayerDeps of new connections. `in_force` has the running parts, `outside` network and clock; what the
    `driver` does not take is served by mitmproxy's layers."""

    def __init__(
        self, master: Master, in_force: InForce, outside: Outside, driver: PlainHttpDriver | None = None
    ) -> None:
        self._in_force = in_force
        self._options = master.options
        self._clock = clock = outside.clock
        self._dialer = Dialer(master.options, partial(run_hook, master))
        self.upstream = UpstreamPool(outside.connect or self._dialer, clock)
        self._clients = ClientConnections(master, registry.refusal)
        self.sweeper = Sweeper(clock, self._clients.deliver, self._clients.drop)
        self._tasks = Background()
        life = LifeDeps(master, self._clients.adapt_handler, self._tasks)
        self._driver = driver or PlainHttpDriver(
            OwnHouse(lambda: self._deps, partial(run_hook, master), life, master.options)
        )
        self.credentials = HeldCredentials()
        """Credentials that were taken off requests' heads."""
        self.body_budget = BodyBudget()
        self.heads_are_heard: Callable[[], bool] = lambda: True
        """Whether any addon wants to know that the head of a provider's answer has come."""
        self.tls = ServerTls()
        self._serves = False
        self.acceptor = Acceptor(
            master,
            ConnectionLimiter(),
            lambda: self._deps.limits.head_s,
            registry.refusal,
            self._driver,
            lambda: self._deps.limits.stall_s,
        )
        self._deps = LayerDeps(lambda flow: None, self.sweeper, registry.refusal)

    def take_up(
        self,
        files: int,
        find: Callable[[http.HTTPFlow], RequestPort | None],
        refused: Callable[[RefusedHead], None],
    ) -> None:
        """New connections keep to the parts in force, in a process that may have so many open files.

        `find` gives a flow's exchange; `refused` is told of heads that are no request.
        """
        config = self._in_force.parts().config
        if config.tls is not None and (self.tls.is_on or not self._serves):  # whether TLS is spoken, the start decides
            self.tls.take_up(server_context(config.tls))
        self._serves = True
        self._choose_driver(config.sections.listen.driver)
        self.acceptor.limiter.rules = connection_limits(config, files)
        self.upstream.most_idle = min(MOST_IDLE, files // 8)
        self._deps = LayerDeps(
            find,
            self.sweeper,
            registry.refusal,
            client_limits(config),
            self.upstream,
            self._clock,
            transport=self._clients,
            refused=refused,
            tracker=self.acceptor,
            body_budget=self.body_budget,
            credentials=self.credentials,
            extra_headers=self._in_force.extra_headers,
            heads_are_heard=self.heads_are_heard,
            wants_tls=self.tls.is_on,
        )

    async def close(self) -> None:
        """Ends the connections to providers, and gives addons a moment that are told of it."""
        self.upstream.close()
        await asyncio.sleep(0)  # each end is told in the loop's next turn
        await self._dialer.tasks.settle(HOOKS_S)

    def options_changed(self, updated: set[str]) -> None:
        """Options of mitmproxy's have changed: new connections to providers are made by the new ones."""
        if not updated.isdisjoint(CONNECTION_OPTIONS):
            self._dialer.sessions.clear()
            self.upstream.close_idle()
        if "gateway_driver" in updated and self._in_force.found is not None:
            self._choose_driver(self._in_force.found.config.sections.listen.driver)

    def _choose_driver(self, configured: Driver) -> None:
        """New connections are the own driver's or not; mitmproxy's option goes before the configuration."""
        driver = self._driver
        driver.is_wanted = (self._options.gateway_driver or configured) == "auto"
        if driver.is_wanted and driver.is_there and driver.lacks is None and (lacks := internals.check()):
            driver.lacks = lacks
            log.warning(
                "mitmproxy's layers serve all clients, slower than the gateway's own driver, which misses %s in this "
                "mitmproxy: install the locked version (./run_proxy.sh does it), or set listen.driver: mitmproxy in "
                "config.yaml, and this is not said again",
                lacks,
            )

    def choose_layer(self, nextlayer: layer.NextLayer) -> None:
        choose_layer(nextlayer, self._deps)

    def connected(self, client: Client) -> None:
        self._clients.adapt_handler(client)

    def client_of(self, flow: http.HTTPFlow) -> str:
        """The client's address in words."""
        return client_of(flow, self.acceptor.limiter.rules)
