"""The provider's Call as the request on the wire, and its target. Fails closed."""

import time
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import urlsplit

from mitmproxy import http
from mitmproxy.net.http import url

from addons.framing.fields import headers_of
from addons.upstream.port import Target
from providers.contract.call import Call, origin_of, site_of
from providers.contract.errors import ErrorKind, ProviderError
from providers.contract.provider import Provider, ProviderOptions

_MEAN_CONTENT: Final = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests say a length of nothing too (RFC 9110, 8.6)."""
_name_bytes = lru_cache(maxsize=256)(str.encode)
"""A header's name, once for all requests that run."""


def request_of(call: Call) -> http.Request:
    """The Call as the flow's request, its secrets shown as placeholders (places.py says where they go).

    A new object: mitmproxy's client side still holds the client's own.
    """
    address, body, now = call.shown_url, call.shown_body, time.time()
    site = site_of(address)
    scheme, host, port = _parsed_site(site)
    path = address[len(site) :]
    fields = [
        (_name_bytes(name), (value if isinstance(value, str) else value.shown).encode("utf-8", "surrogateescape"))
        for name, value in call.headers
    ]
    named = {name.lower() for name, _ in fields}
    if b"host" not in named:
        fields.insert(0, (b"Host", site.partition("://")[2].encode()))
    if b"content-length" not in named and (body or call.method in _MEAN_CONTENT):
        fields.append((b"content-length", b"%d" % len(body)))
    if b"accept-encoding" not in named:
        fields.append((b"Accept-Encoding", b"identity"))  # what is not packed need not be unpacked
    return http.Request(
        host=host,
        port=port,
        method=call.method.encode(),
        scheme=scheme,
        authority=b"",
        path=(path if path.startswith("/") else f"/{path}").encode(),
        http_version=b"HTTP/1.1",
        headers=headers_of(fields),
        content=body,
        trailers=None,
        timestamp_start=now,
        timestamp_end=now,
    )


def goes_on(request: http.Request, more: int | None) -> None:
    """Says in the head that behind the content so many bytes `more` follow, or that nobody knows how many (None)."""
    request.headers.pop("content-length", None)
    if more is None:
        request.headers["transfer-encoding"] = "chunked"
    else:
        request.headers["content-length"] = str(len(request.raw_content or b"") + more)


@lru_cache(maxsize=256)
def _parsed_site(site: str) -> tuple[bytes, str, int]:
    """Scheme, host and port; there are few, and mitmproxy takes its time to check them. Raises ValueError."""
    scheme, host, port, _ = url.parse(site)
    return scheme, host.decode("idna"), port


def target_of(call: Call, provider: Provider[ProviderOptions], proxy: str | None, account: str) -> Target:
    """The address of the account's call. Raises ProviderError when it is not the provider's own: fail closed.

    A place for uploads is one of those too, but for calls without a secret of the session.
    """
    address = call.shown_url
    origin = origin_of(address)
    if origin not in provider.origins() and (origin not in provider.upload_origins() or call.secrets):
        raise ProviderError(ErrorKind.PROVIDER_DOWN, f"{provider.name}: a call to a foreign address was stopped")
    host, port, tls = _place_of(site_of(address))
    shared_by = f"{provider.name}/{account}" if provider.web_session else ""
    return Target(host, port, tls, _proxy_of(proxy) if proxy else None, shared_by)


@lru_cache(maxsize=256)
def _place_of(site: str) -> tuple[str, int, bool]:
    """Host, port and whether TLS is spoken there."""
    parts = urlsplit(site)
    tls = parts.scheme == "https"
    return parts.hostname or "", parts.port or (443 if tls else 80), tls


@lru_cache(maxsize=256)
def _proxy_of(proxy: str) -> tuple[Literal["http", "https"], tuple[str, int]]:
    """As Target.via."""
    front = urlsplit(proxy)
    scheme: Literal["http", "https"] = "https" if front.scheme == "https" else "http"
    return scheme, (front.hostname or "", front.port or {"http": 80, "https": 443}[scheme])
