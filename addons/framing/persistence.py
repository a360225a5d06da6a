"""Whether a connection of HTTP/1 goes on behind a message (RFC 9112, 9.3)."""

from mitmproxy import http

from addons.framing.fields import value_of


def is_last(version: str, headers: http.Headers) -> bool:
    """Whether the connection ends with the message of this head. Options of `Connection` are known in any case of
    their letters (RFC 9110, 7.6.1), where mitmproxy knows the small ones alone."""
    said = value_of(headers.fields, b"connection")
    if said is not None:
        options = {option.strip() for option in said.lower().split(b",")}
        if b"close" in options:
            return True
        if b"keep-alive" in options:
            return False
    return version != "HTTP/1.1"
