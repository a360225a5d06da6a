"""What mitmproxy lacks is said by its name, and found before a connection needs it."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.mode_servers import AsyncioServerInstance, ProxyConnectionHandler, ServerInstance
from mitmproxy.proxy.server import ConnectionHandler

from addons.driver import internals


def test_the_locked_version_has_all() -> None:
    assert internals.check() is None


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (ProxyConnectionHandler, "handle_hook"),
        (ConnectionHandler, "handle_client"),
        (ServerInstance, "make_top_layer"),
        (ServerInstance, "make"),
        (Proxyserver, "register_connection"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_name_that_is_gone(kind: type, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(kind, name)
    assert internals.check() == f"{kind.__name__}.{name}"


def test_other_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConnectionHandler, "__init__", lambda self, context, options: None)
    assert internals.check() == "ConnectionHandler.__init__(context)"


def test_a_list_of_servers_under_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AsyncioServerInstance, "__init__", ServerInstance.__init__)
    assert internals.check() == "ReverseInstance._servers"
    without = cast(Any, SimpleNamespace())
    assert list(internals.listening_sockets(without)) == []


def test_whatever_another_version_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: object) -> None:
        raise TypeError

    monkeypatch.setattr(Proxyserver, "__init__", fails)
    assert internals.check() == "TypeError while its parts were looked at"


def test_the_sockets_of_a_listener() -> None:
    async def work() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        instance = cast(Any, SimpleNamespace(_servers=[server, object()]))
        (found,) = internals.listening_sockets(instance)
        assert found.fileno() == server.sockets[0].fileno()
        server.close()
        assert list(internals.listening_sockets(instance)) == []

    asyncio.run(work())
