"""Who comes by another of mitmproxy's modes is turned away: its listeners open before the gateway can refuse one."""

import pytest
from mitmproxy.proxy import commands, events

from addons.dialects.registry import refusal
from addons.layers.connections import refuse_proxying
from addons.layers.proxy_refusal import ProxyRefusal
from tests.layers.handlers import handler


@pytest.mark.parametrize("mode", ["regular", "socks5", "upstream:http://127.0.0.1:1", "reverse:dns://1.1.1.1"])
@pytest.mark.parametrize(
    "raw", [b"CONNECT a:1 HTTP/1.1\r\nproxy-authorization: Basic k\r\n\r\n", b"\x05\x01\x00", b"SSH"]
)
def test_a_proxy_beside_the_gateway_serves_nobody(mode: str, raw: bytes) -> None:
    one = handler(mode)
    refuse_proxying(one, refusal)
    layer = one.layer
    assert isinstance(layer, ProxyRefusal)
    assert not list(layer.handle_event(events.Start()))
    said, *end = layer.handle_event(events.DataReceived(one.client, raw))
    assert isinstance(said, commands.SendData)
    assert said.data.startswith(b"HTTP/1.1 403 ")
    assert b"not_a_proxy" in said.data
    assert [type(command) for command in end] in ([commands.CloseTcpConnection], [commands.CloseConnection])
    assert not list(layer.handle_event(events.DataReceived(one.client, raw))), "what follows is dropped"
    flood = list(layer.handle_event(events.DataReceived(one.client, b"x" * 300_000)))
    assert isinstance(flood[-1], commands.CloseConnection)


def test_the_gateways_own_mode_is_let_in() -> None:
    one = handler("reverse:http://127.0.0.1:1")
    before = one.layer
    refuse_proxying(one, refusal)
    assert one.layer is before
