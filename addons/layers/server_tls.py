"""TLS with clients by the gateway's own certificate: which one new handshakes are given."""

from collections.abc import Sequence
from typing import Final

from mitmproxy.tls import TlsData
from OpenSSL import SSL

PROTOCOLS: Final = (b"h2", b"http/1.1")
"""Of ALPN (RFC 7301), in the order of our liking."""


class ServerTls:
    """The certificate of new handshakes; those under way and connections keep what they began with."""

    def __init__(self) -> None:
        self._context: SSL.Context | None = None

    @property
    def is_on(self) -> bool:
        """Whether clients are to speak TLS."""
        return self._context is not None

    def take_up(self, context: SSL.Context) -> None:
        """Another certificate is in force."""
        context.set_alpn_select_callback(chosen_protocol)
        self._context = context

    def begin(self, handshake: TlsData) -> None:
        """Gives a client's handshake our certificate; without one of ours, mitmproxy makes one of its own CA."""
        if self._context is not None and handshake.ssl_conn is None and not handshake.is_dtls:
            handshake.ssl_conn = SSL.Connection(self._context)
            handshake.ssl_conn.set_accept_state()


def chosen_protocol(_connection: SSL.Connection, offered: Sequence[bytes]) -> bytes | SSL._NoOverlappingProtocols:
    """The protocol of a client's list that is spoken, as the callback of OpenSSL for ALPN."""
    return next((name for name in PROTOCOLS if name in offered), SSL.NO_OVERLAPPING_PROTOCOLS)
