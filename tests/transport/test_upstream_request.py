"""A call as the flow's request: the same that mitmproxy itself would make of it, without its price."""

from typing import Any

import pytest
from mitmproxy import http

from addons.transport.upstream_request import request_of
from providers.contract.call import Call

ADDRESSES = (
    "https://chat.example/api/v1/chats?a=1&b=%20x#part",
    "http://127.0.0.1:8080/v1/chat/completions",
    "https://[::1]:8443/x;y=z?q",
    "https://API.Example:443/",
    "http://chat.example",
    "http://chat.example?only=query",
)


def made(request: http.Request) -> Any:
    state = request.get_state()
    return {
        name: value for name, value in state.items() if name not in ("timestamp_start", "timestamp_end", "headers")
    } | {"headers": sorted((name.lower(), value) for name, value in request.headers.fields)}


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("body", [b"", b'{"a": 1}'])
def test_it_is_what_mitmproxy_would_make(address: str, body: bytes) -> None:
    found = request_of(Call("POST", address, (("Accept", "x"), ("X-A", "1"), ("X-A", "2")), body))
    plain = http.Request.make("POST", address, body, [(b"Accept", b"x"), (b"X-A", b"1"), (b"X-A", b"2")])
    netloc = address.partition("://")[2].replace("?", "/").partition("/")[0]
    plain.headers["Host"] = netloc
    plain.headers["accept-encoding"] = "identity"
    assert made(found) == made(plain)
    assert found.headers.fields[0] == (b"Host", netloc.encode())


def test_what_the_provider_says_itself_is_kept() -> None:
    headers = (("host", "other.example"), ("ACCEPT-ENCODING", "gzip"), ("Content-Length", "2"))
    found = request_of(Call("POST", "https://chat.example/x", headers, b"{}"))
    assert found.headers.fields == tuple((name.encode(), value.encode()) for name, value in headers)


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [("GET", b"", None), ("DELETE", b"", None), ("POST", b"", "0"), ("PUT", b"", "0"), ("DELETE", b"{}", "2")],
)
def test_a_length_stands_where_there_is_or_may_be_a_body(method: str, body: bytes, length: str | None) -> None:
    found = request_of(Call(method, "https://chat.example/x", (), body))
    assert found.headers.get("content-length") == length
