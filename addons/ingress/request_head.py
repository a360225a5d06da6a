"""A request's head as the gate reads it, and what is told of it elsewhere: its path, the client's address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mitmproxy import http

from addons.cleaning.fields import by_name
from addons.stream.connection_limits import ConnectionLimits, Peer, host_of
from addons.stream.request_head import PATH_LIMIT


@dataclass(frozen=True, slots=True)
class RequestHead:
    """What the gate looks at. `headers` by lower-case name; `local_address` is where the connection arrived."""

    method: str
    target: str
    """The request target as sent: path and query."""
    headers: Mapping[str, str]
    absolute_form: bool
    host: str
    local_address: tuple[str, int]
    tls: bool = False
    peer: str = ""
    """The address of the other end of the connection."""


def request_head_of(flow: http.HTTPFlow, shown: Mapping[str, str]) -> RequestHead:
    """The request as the gate reads it. `shown` are the credentials, which were taken off it (addons/stream)."""
    request = flow.request
    sockname: Any = flow.client_conn.sockname
    peername: Any = flow.client_conn.peername
    is_h2 = flow.client_conn.alpn == b"h2"
    return RequestHead(
        method=request.method,
        target=request.path,
        headers={**by_name(request.headers.fields), **shown},
        absolute_form=bool(request.authority) and not is_h2,
        host=(request.authority if is_h2 else request.host_header) or "",
        local_address=(str(sockname[0]), int(sockname[1])),
        tls=flow.client_conn.tls,
        peer=str(peername[0]) if peername else "",
    )


def path_of(flow: http.HTTPFlow) -> str:
    """The path the client asked for, without its query, where keys have been seen."""
    return flow.request.path.partition("?")[0][:PATH_LIMIT]


def client_of(flow: http.HTTPFlow, rules: ConnectionLimits) -> str:
    """The client's address in words: of its end of the connection, or as a trusted proxy in front tells it."""
    peer = flow.client_conn.peername
    return address_of((rules.client_address(peer, flow.request.headers.fields),)) if peer else "-"


def address_of(peer: Peer | None) -> str:
    """A peer's address in words."""
    return host_of(peer).removeprefix("::ffff:") or "-" if peer else "-"
