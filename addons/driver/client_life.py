"""The life of one client connection that the own driver has: what mitmproxy's addons, log and lists know of it.

As in mitmproxy's handler: `client_connected` when it is accepted, `client_disconnected` at its end, each once and with
the same Client; an addon that sets the client's error at the beginning (block_global) has it closed, and nothing is
read of it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, cast

from mitmproxy.connection import Client, ConnectionState
from mitmproxy.master import Master
from mitmproxy.proxy.server_hooks import ClientConnectedHook, ClientDisconnectedHook

from addons.driver.port import Accepted
from addons.layers.handed_off import hand_off
from addons.layers.own_client import OwnClient
from addons.tasks import Background

SERVER_LOG: Final = logging.getLogger("mitmproxy.proxy.server")
"""Where mitmproxy says what becomes of connections."""


@dataclass(frozen=True, slots=True)
class LifeDeps:
    """What the lives of all connections have in common."""

    master: Master
    adapt: Callable[[Client], None]
    """Makes a handler of mitmproxy's what the gateway's layers need; called before it begins."""
    tasks: Background
    now: Callable[[], float] = time.time
    """In Unix seconds, for the times of a Client."""


class ClientLife:
    """The life of one connection. `begin` in the protocol's connection_made, `lost` in its connection_lost, and `end`
    once its requests are told of too. `hand_off`, of a connection of which nothing was served, takes all that over."""

    __slots__ = (
        "_accepted",
        "_deps",
        "_is_connected",
        "_is_handed_off",
        "_is_lost",
        "_is_over",
        "_transport",
        "client",
    )

    def __init__(self, deps: LifeDeps, accepted: Accepted) -> None:
        self._deps = deps
        self._accepted = accepted
        self._transport: asyncio.Transport | None = None
        self._is_connected = False
        """The addons know of the client."""
        self._is_lost = False
        self._is_over = False
        self._is_handed_off = False
        self.client: Client

    def begin(self, transport: asyncio.Transport, own: OwnClient, opened: Callable[[], None]) -> None:
        """Tells the addons of the client; `opened` when they have let it in. Until then nothing is read."""
        self._transport, accepted, deps = transport, self._accepted, self._deps
        client = self.client = own.client = Client(
            peername=cast(Any, accepted.peer),
            sockname=transport.get_extra_info("sockname"),
            timestamp_start=deps.now(),
            proxy_mode=accepted.instance.mode,
            state=ConnectionState.OPEN,
        )
        accepted.instance.manager.connections[client.id] = cast(Any, own)
        self._log("client connect")
        deps.tasks.spawn(self._connect(opened), "telling of a client that has connected")
        if not self._is_connected:
            transport.pause_reading()

    async def _connect(self, opened: Callable[[], None]) -> None:
        transport, goes_on = self._transport, False
        assert transport is not None
        try:
            await self._deps.master.addons.handle_lifecycle(ClientConnectedHook(self.client))
            self._is_connected = True
            if self._is_over:
                await self._disconnect()
            elif self.client.error:
                self._log("client kill connection")
            elif not self._is_lost:
                transport.resume_reading()
                opened()
                goes_on = True
        except BaseException:
            self._forget()
            raise
        finally:
            if not goes_on:
                transport.close()  # not aborted: an addon may have written to it

    def hand_off(self, first: bytes, *, ended: bool = False) -> None:
        """mitmproxy's own handler serves the connection from here on. `first` is what came already; `ended`: and
        nothing follows."""
        if self._is_lost or self._is_over or self._is_handed_off:
            return
        assert self._is_connected and self._transport is not None  # noqa: PT018  (one rule of the caller's)
        self._is_handed_off = True
        accepted, deps = self._accepted, self._deps
        serving = hand_off(self._transport, accepted.instance, self.client, first, deps.master, deps.adapt, ended=ended)
        deps.tasks.spawn(_then(serving, accepted.over), "a client's connection")

    def closes(self) -> None:
        """The connection is closed, but for what waits until the client reads."""
        self._accepted.over()

    def lost(self) -> None:
        """The connection is gone."""
        if not self._is_lost:
            self._is_lost = True
            self.client.state = ConnectionState.CLOSED
            self._accepted.over()

    def end(self) -> None:
        """Nothing more is told of the connection but that it has ended."""
        if self._is_handed_off:
            return
        self.lost()
        if not self._is_over:
            self._is_over = True
            if self._is_connected:
                self._deps.tasks.spawn(self._disconnect(), "telling of a client that has left")

    async def _disconnect(self) -> None:
        self._log("client disconnect")
        self.client.timestamp_end = self._deps.now()
        try:
            await self._deps.master.addons.handle_lifecycle(ClientDisconnectedHook(self.client))
        finally:
            self._forget()

    def _forget(self) -> None:
        self._accepted.instance.manager.connections.pop(self.client.id, None)

    def _log(self, message: str) -> None:
        SERVER_LOG.info(message, extra={"client": self.client.peername})


async def _then(work: Coroutine[Any, Any, None], last: Callable[[], None]) -> None:
    try:
        await work
    finally:
        last()
