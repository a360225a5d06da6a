"""Whether a port can be listened on, looked at before anything is started, and what is told when it cannot."""

import errno
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

from addons.config.schema import url_of

ASK_S: Final = 1.0
_SAID_BYTES: Final = 1024 * 1024
"""More than this no gateway says of its health."""
GATEWAY: Final = "--port N, or listen.port in config.yaml"
DEMO: Final = "--port N"
INSPECTOR: Final = "--web-port N"
"""Where another port is chosen: for the gateway, for the demo's (which reads no config.yaml), for mitmweb's own."""
_WHY: Final = {
    errno.EACCES: "this user may not listen there (ports below 1024 are the system's)",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


def port_problem(host: str, port: int, choices: str, ask: Callable[[str], bool]) -> str | None:
    """Why nobody can listen there, and what to do; None when the port is free.

    `choices` are the places to choose another port (`GATEWAY`, `DEMO`, `INSPECTOR`); `ask` tells whether a gateway
    answers at an address.
    """
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if not 1 <= port <= 65535:
        return f"a port is a number from 1 to 65535, not {port}"
    try:
        _bind(host, port)
    except socket.gaierror as e:
        return f"{place} cannot be listened on: {e.strerror}; check listen.host in config.yaml, or --host"
    except OSError as e:
        if e.errno != errno.EADDRINUSE:
            why = _WHY.get(e.errno or 0, e.strerror or str(e))
            return f"{place} cannot be listened on: {why}; choose another address: --host, {choices}"
        who = "another Glassgate serves there already" if ask(url_of(host, port)) else "another program has this port"
        return f"{place} is in use: {who}. End it, or choose another port: {choices}"
    return None


def _bind(host: str, port: int) -> None:
    """Raises OSError when nobody can listen on one of the addresses."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, kind, protocol, _, address in found:
        with socket.socket(family, kind, protocol) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(address)
            sock.listen(1)


def is_gateway(url: str) -> bool:
    """Whether a gateway answers at the address."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ASK_S)) as connection:
        try:
            with asked(connection, "/healthz", {}, ASK_S) as answer:
                said = json.loads(answer.read(_SAID_BYTES))
        except (OSError, http.client.HTTPException, ValueError, RecursionError):
            return False
    return answer.status in (200, 503) and isinstance(said, dict) and "status" in said


@contextmanager
def asked(
    connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str], patience_s: float
) -> Iterator[http.client.HTTPResponse]:
    """The answer to a GET, whose head and body come within so many seconds: whoever listens there may send a byte now
    and then. Raises OSError, HTTPException; reading it raises them too."""
    connection.request("GET", path, headers=dict(headers))
    sock = connection.sock

    def end() -> None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(patience_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield connection.getresponse()
    finally:
        timer.cancel()
