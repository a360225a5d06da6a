"""A running gateway as commands ask it over HTTP: no proxy, a patience, and a proof that it is ours before it is shown
a key. Another program could listen where the gateway is thought to be."""

import hmac
import http.client
import ipaddress
import json
import secrets
import ssl
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from addons.app.port import asked
from addons.ingress.key_proof import NONCE, PROOF, proves
from providers.contract.provider import LOOPBACK_HOSTS

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


class OtherCertificate(Exception):
    """What answers there does not show the certificate that listen.tls names."""


class _PinnedConnection(http.client.HTTPSConnection):
    """HTTPS with whoever has this very certificate, whoever signed it and whatever names it is for."""

    def __init__(self, host: str, port: int | None, certificate: bytes) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # compared below, which is stricter
        super().__init__(host, port, timeout=PATIENCE_S, context=context)
        self._certificate = certificate

    def connect(self) -> None:
        super().connect()
        shown = self.sock.getpeercert(binary_form=True)
        if shown is None or not hmac.compare_digest(shown, self._certificate):
            self.close()
            raise OtherCertificate


def connect(base: str, certificate: bytes | None = None) -> http.client.HTTPConnection:
    """A connection to `base`, not made yet. `certificate`: the gateway's own (DER), for addresses of this machine.

    Raises ValueError for what is no http or https address; using it may raise OtherCertificate.
    """
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(base)
    if parts.scheme == "https" and certificate is not None and parts.hostname in LOOPBACK_HOSTS:
        return _PinnedConnection(parts.hostname, parts.port, certificate)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, parts.port, timeout=PATIENCE_S)


def get(connection: http.client.HTTPConnection, base: str, path: str, headers: dict[str, str]) -> Got:
    """The answer to a GET at `path` below `base`. Raises OSError, HTTPException, ValueError."""
    with asked(connection, f"{urlsplit(base).path}{path}", headers, PATIENCE_S) as answer:
        data = answer.read(LIMIT_BYTES)
    try:
        found = json.loads(data)
    except RecursionError:
        found = None
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
