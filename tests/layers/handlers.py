"""What mitmproxy's server has for a client connection, as far as the stream layer looks at it."""

from types import SimpleNamespace
from typing import Any

from mitmproxy import options
from mitmproxy.connection import Client, ConnectionState
from mitmproxy.proxy import context
from mitmproxy.proxy.layers import modes
from mitmproxy.proxy.mode_specs import ProxyMode


def handler(mode: str) -> Any:
    client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), state=ConnectionState.OPEN, timestamp_start=0)
    client.proxy_mode = ProxyMode.parse(mode)
    found = context.Context(client, options.Options())
    return SimpleNamespace(client=client, layer=modes.HttpProxy(found))
