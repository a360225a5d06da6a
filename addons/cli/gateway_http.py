"""A running gateway as commands ask it over HTTP: no proxy, a patience, and a proof that it is ours before it is shown
a key. Another program could listen where the gateway is thought to be."""

import http.client
import ipaddress
import json
import secrets
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from addons.ingress.key_proof import NONCE, PROOF, proves

PATIENCE_S: Final = 5.0
LIMIT_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Got:
    """An answer: status, the JSON object in it, and the proof in its head."""

    status: int
    value: dict[str, Any]
    proof: str | None = None


class NoObject(ValueError):
    """What answers there says no JSON object."""


def connect(base: str) -> http.client.HTTPConnection:
    """A connection to `base`, not made yet. Raises ValueError for what is no http or https address."""
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(base)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, parts.port, timeout=PATIENCE_S)


def get(connection: http.client.HTTPConnection, base: str, path: str, headers: dict[str, str]) -> Got:
    """The answer to a GET at `path` below `base`. Raises OSError, HTTPException, ValueError."""
    connection.request("GET", f"{urlsplit(base).path}{path}", headers=headers)
    answer = connection.getresponse()
    found = json.loads(answer.read(LIMIT_BYTES))
    if not isinstance(found, dict):
        raise NoObject(base)
    return Got(answer.status, found, answer.getheader(PROOF))


def is_ours(connection: http.client.HTTPConnection, proof: str | None, key: str, nonce: str) -> bool:
    """Whether what is at the other end of this loopback connection knows the key already."""
    if connection.sock is None:
        return False
    host, port = connection.sock.getpeername()[:2]
    return ipaddress.ip_address(host).is_loopback and proves(proof, key, nonce, (host, port))


def proves_to_know(base: str, key: str) -> bool:
    """Whether a gateway listens at `base` that knows the key; it is not shown to anybody. Raises nothing."""
    nonce = secrets.token_hex(32)
    try:
        connection = connect(base)
        try:
            return is_ours(connection, get(connection, base, "/healthz", {NONCE: nonce}).proof, key, nonce)
        finally:
            connection.close()
    except (http.client.HTTPException, OSError, ValueError):
        return False
