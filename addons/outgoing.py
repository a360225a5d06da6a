"""From a provider's Call to the request on the wire and where it goes. Fails closed."""

from urllib.parse import urlsplit

from mitmproxy import http

from addons.context import AnyProvider
from addons.relay import Target
from providers.contract import Call, origin_of
from providers.errors import ErrorKind, ProviderError
from providers.sealed import shown


def request_of(call: Call) -> http.Request:
    """The Call as the flow's request, its secrets shown as placeholders (places.py says where they go).

    A new object: mitmproxy's client side still holds the client's own.
    """
    headers = [(name.encode(), shown(value).encode("utf-8", "surrogateescape")) for name, value in call.headers]
    request = http.Request.make(call.method, call.shown_url, call.shown_body, headers)
    request.headers.setdefault("Accept-Encoding", "identity")  # what is not packed need not be unpacked
    if "host" not in request.headers:
        request.headers.insert(0, "Host", urlsplit(call.shown_url).netloc)
    return request


def target_of(call: Call, provider: AnyProvider, proxy: str | None) -> Target:
    """Where the call goes. Raises ProviderError when it is not the provider's own origin: fail closed."""
    if origin_of(call.shown_url) not in provider.origins():
        raise ProviderError(ErrorKind.PROVIDER_DOWN, f"{provider.name}: a call to a foreign address was stopped")
    parts = urlsplit(call.shown_url)
    tls = parts.scheme == "https"
    via = None
    if proxy:
        front = urlsplit(proxy)
        scheme = "https" if front.scheme == "https" else "http"
        via = (scheme, (front.hostname or "", front.port or {"http": 80, "https": 443}[scheme]))
    return Target(parts.hostname or "", parts.port or (443 if tls else 80), tls, via)  # type: ignore[arg-type]
