"""Drives an own connection without a socket, on a loop in virtual time: bytes, hooks and providers are the test's."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from mitmproxy.options import Options
from mitmproxy.proxy import commands
from mitmproxy.proxy.context import Context

from addons.driver.client_life import LifeDeps
from addons.driver.connection import OwnConnection, OwnHouse
from addons.tasks import Background
from addons.upstream.port import Cancel, Receiver, Target
from tests.support.drive import Drive, FakeAttempt
from tests.support.own_entry import FakeTransport, OwnEntry
from tests.support.virtual_time import settle

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class OwnDrive(Drive):
    """One client connection. `hold` names hooks that stay pending until `complete`; client hooks are in `told`."""

    def __init__(self, *attempts: FakeAttempt, **given: Any) -> None:
        self.told: list[str] = []
        self.at_hook: Callable[[commands.StartHook], object] = lambda hook: None
        super().__init__(list(attempts), **given)

    def _outermost(self, context: Context) -> Any:
        super()._outermost(context)
        master: Any = SimpleNamespace(addons=SimpleNamespace(handle_lifecycle=self._life_hook))
        life = LifeDeps(master, lambda client: None, Background())
        house = OwnHouse(lambda: self.deps, cast(Any, None), life, Options())
        self.entry = OwnEntry(self, house)
        self.entry.begin()
        return self.entry

    async def _life_hook(self, hook: commands.StartHook) -> None:
        self.told.append(hook.name)

    async def hooked(self, hook: commands.StartHook) -> bool:
        self.log.append(hook.name)
        self._hook(hook)
        self.at_hook(hook)
        if hook.name in self.hold:
            self.pending.append(hook)
            return True
        return False

    def register(self, handler: OwnEntry) -> None:
        pass

    def connect(self, target: Target, client: Any, receiver: Receiver) -> Cancel:
        self.connection._loop.call_soon(self.run)
        return super().connect(target, client, receiver)

    @property
    def connection(self) -> OwnConnection:
        return self.entry.connection

    @property
    def transport(self) -> FakeTransport:
        return self.entry.transport

    async def says(self, data: bytes) -> None:
        """The provider asked last."""
        self.server_sends(data)
        await settle()

    async def asked(self) -> None:
        """A request has come, and a provider has been asked."""
        await settle()
        self.post()
        await settle()

    def is_gone(self) -> bool:
        """Nothing is left of the connection, and its addons were told of it."""
        once = self.told == ["client_connected", "client_disconnected"]
        nothing = not self.watch and not self.entry.is_listed and self.connection._request is None
        return once and nothing and self.transport.is_over
