"""Floods of what asks for nothing, at a real gateway: the connection ends, and others are served meanwhile."""

import contextlib
import socket
import ssl

import h2.config
import h2.connection
import h2.events
import httpx
import pytest
from hyperframe.frame import (
    DataFrame,
    Frame,
    PingFrame,
    PriorityFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from addons.stream.frames import BURST
from tests.support.processes import KEY, Gateway

TLS = ssl.create_default_context()
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
TLS.set_alpn_protocols(["h2"])


def frames() -> dict[str, bytes]:
    """One frame of each kind."""
    known: dict[str, Frame] = {
        "ping": PingFrame(0, b"12345678"),
        "settings": SettingsFrame(0, {4: 65535}),
        "priority": PriorityFrame(1, stream_weight=3),
        "window": WindowUpdateFrame(0, 1),
        "data": DataFrame(1),
    }
    return {name: frame.serialize() for name, frame in known.items()} | {"unknown": b"\0\0\0\xee" + bytes(5)}


def asked(client: h2.connection.H2Connection, gateway: Gateway, stream: int, **more: str) -> None:
    head = [(":method", "POST"), (":scheme", "https"), (":path", "/v1/chat/completions")]
    head += [(":authority", f"127.0.0.1:{gateway.port}"), ("authorization", f"Bearer {KEY}"), *more.items()]
    client.send_headers(stream, head)


def ended(gateway: Gateway, client: h2.connection.H2Connection, more: bytes) -> int | None:
    """The error code the connection is ended with, when `more` is sent after what `client` has to say."""
    with (
        socket.create_connection(("127.0.0.1", gateway.port), 20) as tcp,
        TLS.wrap_socket(tcp, server_hostname="localhost") as tls,
    ):
        with contextlib.suppress(OSError):
            tls.sendall(client.data_to_send() + more)
        with contextlib.suppress(OSError):
            while data := tls.recv(65536):
                for event in client.receive_data(data):
                    if isinstance(event, h2.events.ConnectionTerminated):
                        return int(event.error_code or 0)
    return None


def new_client() -> h2.connection.H2Connection:
    client = h2.connection.H2Connection(h2.config.H2Configuration(validate_outbound_headers=False))
    client.initiate_connection()
    return client


@pytest.mark.parametrize("kind", frames())
def test_frames_that_ask_for_nothing_end_their_connection(gateway: Gateway, kind: str) -> None:
    client = new_client()
    asked(client, gateway, 1)
    assert ended(gateway, client, frames()[kind] * (BURST + 500)) == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM
    assert httpx.get(f"{gateway.url}/healthz").status_code == 200


def test_streams_that_are_opened_to_be_reset_end_their_connection(gateway: Gateway) -> None:
    client = new_client()
    for stream in range(1, 1001, 2):
        asked(client, gateway, stream)
        client.reset_stream(stream)
    assert ended(gateway, client, b"") == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


def test_heads_that_are_large_when_they_are_unpacked_end_their_connection(gateway: Gateway) -> None:
    client = new_client()
    for stream in range(1, 121, 2):
        head = [(":method", "GET"), (":scheme", "https"), (":path", "/v1/models"), (":authority", "127.0.0.1")]
        client.send_headers(stream, [*head, *[("x-long", "v" * 500)] * 90], end_stream=True)
    data = client.data_to_send()
    assert len(data) < 16_000
    fresh = new_client()
    fresh.data_to_send()
    assert ended(gateway, fresh, data) == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


def test_many_requests_that_are_answered_end_nothing(gateway: Gateway) -> None:
    """Its cookies alone are more than the budget: what is answered pays for what is asked."""
    client = new_client()
    statuses: list[bytes] = []
    with (
        socket.create_connection(("127.0.0.1", gateway.port), 20) as tcp,
        TLS.wrap_socket(tcp, server_hostname="localhost") as tls,
    ):
        for stream in range(1, 1201, 2):
            asked(client, gateway, stream, cookie="c" * 2000)
            client.send_data(stream, b"{}", end_stream=True)
            tls.sendall(client.data_to_send())
            while len(statuses) <= stream // 2:
                for event in client.receive_data(tls.recv(65536)):
                    assert not isinstance(event, h2.events.ConnectionTerminated)
                    if isinstance(event, h2.events.ResponseReceived):
                        statuses.append(dict(event.headers)[b":status"])
    assert set(statuses) == {b"400"}


def test_a_client_hello_that_does_not_end_is_not_collected(gateway: Gateway) -> None:
    """mitmproxy reads it again from its beginning with every packet: two megabytes held all others for 18 s."""
    one_byte = b"\x16\x03\x01\x00\x01"
    with socket.create_connection(("127.0.0.1", gateway.port), 20) as client:
        client.sendall(b"".join(one_byte + bytes([byte]) for byte in b"\x01\x00\x30\x00" + b"h" * 100))
        with contextlib.suppress(ConnectionResetError):
            while client.recv(4096):
                pass


def test_a_client_hello_in_three_packets_is_read(gateway: Gateway) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = TLS.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    with socket.create_connection(("127.0.0.1", gateway.port), 20) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (hello[:10], hello[10:200], hello[200:]):
            client.sendall(piece)
        assert client.recv(1) == b"\x16"
