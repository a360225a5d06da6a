"""Who comes by another of mitmproxy's modes finds a closed door: its listeners open before the gateway can refuse."""

import pytest
from mitmproxy import options
from mitmproxy.connection import Client, ConnectionState
from mitmproxy.proxy import commands, context, events, layer
from mitmproxy.proxy.layers import modes

from addons.stream.layer import ClosedDoor, close_other_modes


def came_by(mode: type[layer.Layer]) -> layer.NextLayer:
    client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), state=ConnectionState.OPEN, timestamp_start=0)
    found = context.Context(client, options.Options())
    mode(found)
    return layer.NextLayer(found)


@pytest.mark.parametrize("mode", [modes.HttpProxy, modes.HttpUpstreamProxy, modes.Socks5Proxy, modes.TransparentProxy])
def test_other_modes_find_a_closed_door(mode: type[layer.Layer]) -> None:
    nextlayer = came_by(mode)
    close_other_modes(nextlayer)
    door = nextlayer.layer
    assert isinstance(door, ClosedDoor)
    (close,) = door.handle_event(events.Start())
    assert isinstance(close, commands.CloseConnection)
    assert close.connection is nextlayer.context.client
    assert not list(door.handle_event(events.DataReceived(nextlayer.context.client, b"GET / HTTP/1.1\r\n\r\n")))


def test_the_gateways_own_mode_does_not() -> None:
    nextlayer = came_by(modes.ReverseProxy)
    close_other_modes(nextlayer)
    assert nextlayer.layer is None
