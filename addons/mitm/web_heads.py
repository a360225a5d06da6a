"""Reading the head of a request to mitmweb's server: whose Host it names, and what body is to come."""

import ipaddress
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from tornado.httputil import HTTPHeaders

FIELDS: Final = 100
"""Most header fields of a request, and most fields of a query or form that is looked into."""
_FORM: Final = "application/x-www-form-urlencoded"


class Refused(Exception):
    """The request is refused: an HTTP status, and why, in words for a person."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def known_host(host: str, web_host: str, local_address: str) -> bool:
    """Whether a Host header names us: a loopback name or address, `web_host`, or the address the client came to.

    A page that has its own name point to us (DNS rebinding) shows that name here.
    """
    name = _name_of(host)
    if name in ("localhost", web_host.lower()):
        return bool(name)
    try:
        address = ipaddress.ip_address(name)
        return address.is_loopback or address == ipaddress.ip_address(local_address)
    except ValueError:
        return False


def _name_of(host: str) -> str:
    """The name in a Host header, without port and brackets; empty for what is none."""
    lowered = host.strip().lower()
    if lowered.startswith("["):
        name, bracket, port = lowered[1:].partition("]")
        return name if bracket and (not port or port.startswith(":")) else ""
    return lowered.partition(":")[0]


def body_length(headers: HTTPHeaders) -> int | None:
    """The body's length as the head tells it, 0 without one; None when it is chunked. Raises Refused."""
    if "Transfer-Encoding" in headers:
        return None
    told = headers.get("Content-Length", "0")
    if not (told.isascii() and told.isdigit() and len(told) < 16):
        raise Refused(HTTPStatus.BAD_REQUEST, "a Content-Length that is no number")
    return int(told)


def is_form(headers: HTTPHeaders) -> bool:
    return headers.get("Content-Type", "").lower().startswith(_FORM)


def token_of(fields: str) -> str:
    """The `token` of a query or form; tornado, too, takes the last of several."""
    try:
        return parse_qs(fields, max_num_fields=FIELDS).get("token", [""])[-1].strip()
    except ValueError:
        raise Refused(HTTPStatus.BAD_REQUEST, f"more than {FIELDS} fields") from None
