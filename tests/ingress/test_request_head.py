"""What is told of a request's head: its path without the query, and the client's address."""

import ipaddress

import pytest
from mitmproxy.test import tflow

from addons.ingress.request_head import address_of, client_of, path_of, request_head_of
from addons.stream.connection_limits import ConnectionLimits

BEHIND = ConnectionLimits(trusted=(ipaddress.ip_network("127.0.0.1"),))


def test_the_gate_reads_names_in_lower_case_and_the_credentials_that_were_taken_off() -> None:
    flow = tflow.tflow()
    flow.request.headers["X-Odd"] = "1"
    flow.request.authority = ""
    flow.client_conn.sockname = ("127.0.0.1", 8080)
    head = request_head_of(flow, {"authorization": "Bearer k"})
    assert (head.headers["x-odd"], head.headers["authorization"]) == ("1", "Bearer k")
    assert (head.method, head.target, head.local_address) == ("GET", "/path", ("127.0.0.1", 8080))
    assert not head.absolute_form
    flow.request.authority = "evil.example"
    assert request_head_of(flow, {}).absolute_form
    flow.client_conn.alpn = b"h2"
    assert (request_head_of(flow, {}).absolute_form, request_head_of(flow, {}).host) == (False, "evil.example")


@pytest.mark.parametrize(
    ("peer", "forwarded", "told"),
    [
        (("203.0.113.9", 1), "198.51.100.7", "203.0.113.9"),
        (("127.0.0.1", 1), "198.51.100.7", "198.51.100.7"),
        (("::ffff:203.0.113.9", 1, 0, 0), "", "203.0.113.9"),
        (None, "198.51.100.7", "-"),
    ],
)
def test_the_clients_address_is_told_by_a_trusted_proxy_alone(
    peer: tuple[object, ...] | None, forwarded: str, told: str
) -> None:
    flow = tflow.tflow()
    flow.client_conn.peername = peer  # type: ignore[assignment]
    flow.request.headers["x-forwarded-for"] = forwarded
    assert client_of(flow, BEHIND) == told


def test_a_path_is_told_without_its_query_and_in_bounds() -> None:
    flow = tflow.tflow()
    flow.request.path = "/v1/" + "a" * 500 + "?key=secret"
    assert path_of(flow) == "/v1/" + "a" * 96
    assert address_of(None) == "-"
