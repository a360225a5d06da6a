"""Who may read GET /metrics: who shows its token, or where none is set programs of this machine. Pure."""

import hmac
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from addons.config.client_keys import digest_of
from addons.errors import GatewayError
from addons.ingress.request_head import RequestHead

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_PASSED_ON: Final = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"})
_PASSED_ON_PREFIX: Final = "x-forwarded"
"""What proxies add: behind one on this machine every client seems to be of this machine."""


@dataclass(frozen=True, slots=True)
class MetricsAccess:
    """`digest` is that of metrics.token (`digest_of`); None where none is set."""

    digest: bytes | None = field(default=None, repr=False)

    def check(self, head: RequestHead) -> None:
        """Raises GatewayError (401, 403) where the request may not read them. A client key opens nothing here."""
        if "origin" in head.headers:
            raise GatewayError(403, "web pages may not read the metrics", code="forbidden_origin")
        if self.digest is not None:
            self._check_token(head, self.digest)
        elif not (_is_of_this_machine(head.peer) and _is_loopback_name(head.host)) or _is_passed_on(head):
            raise GatewayError(
                403,
                "the metrics are for programs of this machine alone, asked by its loopback address and through no "
                "proxy. Set metrics.token in config.yaml (16 letters at least), and send it in the Authorization "
                "header, as 'Bearer …', to read them from elsewhere.",
                code="metrics_token_needed",
                should_retry=False,
            )

    @staticmethod
    def _check_token(head: RequestHead, digest: bytes) -> None:
        scheme, _, shown = head.headers.get("authorization", "").strip().partition(" ")
        right = hmac.compare_digest(digest_of(shown.strip()), digest)
        if scheme.lower() != "bearer" or not right:
            error = GatewayError(
                401,
                "the metrics want metrics.token of config.yaml in the Authorization header, as 'Bearer …'; a client "
                "key does not open them",
                code="invalid_metrics_token",
                should_retry=False,
            )
            error.extra_headers = (("www-authenticate", 'Bearer realm="metrics"'),)
            raise error


def _is_of_this_machine(peer: str) -> bool:
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _is_loopback_name(host: str) -> bool:
    lowered = host.strip().lower()
    name = lowered.partition("]")[0] + "]" if lowered.startswith("[") else lowered.partition(":")[0]
    return name in LOOPBACK_NAMES


def _is_passed_on(head: RequestHead) -> bool:
    return any(name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIX) for name in head.headers)
