"""Heads that only a hand-made HTTP/2 client sends, under the h2 that is locked."""

import socket
import ssl

import h2.config
import h2.connection
import h2.events
import pytest

from tests.support.processes import KEY, Gateway

type Field = tuple[str, str]


def refused(gateway: Gateway, *more: Field, host: Field | None = None) -> bool:
    """Whether GET /v1/models with these fields besides is refused: by a status, a reset, or the connection's end."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    config = h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
    client = h2.connection.H2Connection(config)
    head = [(":method", "GET"), (":scheme", "https"), (":path", "/v1/models")]
    head += [host or (":authority", f"127.0.0.1:{gateway.port}"), ("authorization", f"Bearer {KEY}"), *more]
    with (
        socket.create_connection(("127.0.0.1", gateway.port), 20) as tcp,
        context.wrap_socket(tcp, server_hostname="localhost") as tls,
    ):
        client.initiate_connection()
        client.send_headers(1, head, end_stream=True)
        tls.sendall(client.data_to_send())
        while data := tls.recv(65536):
            for event in client.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    return dict(event.headers)[b":status"] != b"200"
                if isinstance(event, h2.events.StreamReset | h2.events.ConnectionTerminated):
                    return True
            tls.sendall(client.data_to_send())
    return True


def test_a_proper_head_is_served(gateway: Gateway) -> None:
    assert not refused(gateway)


@pytest.mark.parametrize(
    "more",
    [
        [("host", "127.0.0.1"), ("host", "evil.example")],
        [("host", "evil.example")],
        [(":authority", "evil.example")],
    ],
)
def test_contradicting_hosts_are_refused(gateway: Gateway, more: list[Field]) -> None:
    """Two Host fields pass older versions of h2 (GHSA-6hr6-w5qg-qmwg)."""
    assert refused(gateway, *more)


def test_two_hosts_without_an_authority_are_refused(gateway: Gateway) -> None:
    here = f"127.0.0.1:{gateway.port}"
    assert refused(gateway, ("host", "evil.example"), host=("host", here))
    assert refused(gateway, ("host", here), host=("host", here))
