"""A call as the flow's request: the same that mitmproxy itself would make of it, without its price."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from mitmproxy import http

from addons.transport.upstream_request import request_of, target_of
from addons.upstream.port import Target
from providers.contract.call import Call
from providers.contract.errors import ProviderError
from providers.contract.provider import Model, Provider, ProviderOptions
from providers.contract.sealed import HandedSecret, Sealed, Value
from providers.contract.session import Credentials, Session

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


class _Site(Provider[ProviderOptions]):
    """A site with a store of its own for files."""

    type_name: ClassVar[str] = "site"

    def models(self) -> Mapping[str, Model]:
        return {}

    def read_session(self, account: str, credentials: Credentials) -> Session:
        raise AssertionError

    def upload_origins(self) -> frozenset[str]:
        return frozenset({"https://store.example:443"})


SESSION = Session("site", "a", ("token", "cookie:sid"))
SITE = _Site("site", ProviderOptions(base_url="https://site.example"))


def target(url: str, *headers: tuple[str, Value]) -> Target:
    return target_of(Call("PUT", url, headers), SITE, None, "a")


def test_files_go_to_the_sites_own_store_without_a_secret_of_the_session() -> None:
    assert target("https://store.example/a").host == "store.example"
    handed = Sealed((HandedSecret("t", "x"),))
    assert target("https://store.example/a", ("x-oss-security-token", handed)).tls
    assert target("https://site.example/a", ("cookie", SESSION.cookie_header())).host == "site.example"


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://store.example/a", [("authorization", "Bearer " + SESSION.seal("token"))]),
        ("https://store.example/a", [("cookie", SESSION.cookie_header())]),
        ("http://store.example/a", []),
        ("https://store.example:8443/a", []),
        ("https://store.example.evil.example/a", []),
        ("https://store.example@evil.example/a", []),
        ("https://other.example/a", []),
        ("https://127.0.0.1/a", []),
    ],
)
def test_nothing_goes_anywhere_else(url: str, headers: list[tuple[str, Value]]) -> None:
    with pytest.raises(ProviderError, match="foreign address"):
        target(url, *headers)
