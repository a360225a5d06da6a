"""The message when no connection comes about: which host and port, which proxy in front, and whether it was TLS. Pure.

mitmproxy dials for the gateway, httpx for commands and captures; `detail` is what one of them says. Its words are
looked through for the few that tell the cases apart, and quoted.
"""

import re
from typing import Final

from addons.upstream.port import OUT_OF_FILES, Target
from providers.contract.errors import ErrorKind
from providers.contract.provider import LOOPBACK_HOSTS

DETAIL_LIMIT: Final = 200
_NO_NAME: Final = ("name or service not known", "nodename nor servname", "no address associated", "name resolution",
                   "getaddrinfo", "not known")  # fmt: skip
_REFUSED: Final = ("connect call failed", "connection refused", "all connection attempts failed")
_CERTIFICATE: Final = ("certificate",)
_NO_TLS: Final = ("does not speak tls", "wrong version number", "record layer failure", "unknown protocol",
                  "http request")  # fmt: skip
_ENDED: Final = ("connection closed", "eof occurred", "connection reset", "disconnected", "unexpected eof")
_ERRNO: Final = re.compile(r"\[Errno -?\d{1,5}\] |\[SSL: \w{1,60}\] | ?\(_ssl\.c:\d{1,6}\)")


def is_fault_of_tls(detail: str) -> bool:
    """Whether a server was reached and its TLS is wrong: no waiting mends that."""
    return _any((*_CERTIFICATE, *_NO_TLS), detail.lower())


def kind_of(detail: str) -> ErrorKind:
    """Whose fault it is that no connection came about."""
    return ErrorKind.GATEWAY_FULL if detail == OUT_OF_FILES else ErrorKind.PROVIDER_DOWN


def proxy_shown(target: Target) -> str:
    """The proxy's address; config.yaml allows none with a password in it."""
    assert target.via
    scheme, (host, port) = target.via
    return f"{scheme}://{_place(host, port)}"


def no_connection(name: str, target: Target, detail: str, *, in_time: bool = True) -> str:
    """The reason why provider `name` could not be connected to; full sentences. `in_time`: it was no time limit."""
    if detail == OUT_OF_FILES:
        return f"{name} was not asked: {detail}, and a connection is one (ulimit -n; LimitNOFILE of a service)."
    said, place = detail.lower(), _place(target.host, target.port)
    words = _ERRNO.sub("", detail[:DETAIL_LIMIT]).strip().rstrip(".")
    through = f" through the proxy {proxy_shown(target)}" if target.via else ""
    if not in_time:
        what = "TLS connection" if target.tls else "connection"
        return f"{name} cannot be reached in time at {place}{through}: no {what} came about."
    if _any(_CERTIFICATE, said):
        return f"{name} has no valid TLS certificate at {place}{through}; nothing was sent ({words})."
    if _any(_NO_TLS, said):
        return f"What answers at {place}{through} does not speak TLS; nothing was sent to {name}. {_plain(target)}"
    if target.via:
        return _by_proxy(name, target, said, words)
    if _any(_NO_NAME, said):
        return f"{name} cannot be reached at {place}: this host name cannot be looked up (DNS: {words})."
    if _any(_REFUSED, said):
        return f"{name} cannot be reached at {place}: the connection was refused, nothing listens there."
    if target.tls and _any(_ENDED, said):
        return f"{name} cannot be reached at {place}: it ended the TLS handshake ({words}). {_plain(target)}"
    return f"{name} cannot be reached at {place} ({words})."


def _by_proxy(name: str, target: Target, said: str, words: str) -> str:
    place, proxy = _place(target.host, target.port), proxy_shown(target)
    if "refused http connect" in said or words[:3].isdecimal():
        why = words.rpartition(": ")[2]
        return f"{name} cannot be reached at {place}: the proxy {proxy} refuses to connect to it ({why})."
    if _any(_ENDED, said):
        tls = ", or the TLS handshake behind it was ended" if target.tls else ""
        return f"{name} cannot be reached at {place}: the proxy {proxy} closed the connection before it led there{tls}."
    why = "its name cannot be looked up" if _any(_NO_NAME, said) else "it refused the connection"
    known = _any(_NO_NAME, said) or _any(_REFUSED, said)
    told = why if known else words
    return (
        f"{name} cannot be reached at {place}: the proxy {proxy} in front of it does not answer ({told}). "
        f"Start the proxy, or change providers.{name}.proxy in config.yaml."
    )


def _plain(target: Target) -> str:
    if target.host in LOOPBACK_HOSTS:
        return "Where plain HTTP is spoken, its address in config.yaml begins with http://."
    return "Check the port in its address in config.yaml: https:// is the other kind of port."


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _any(marks: tuple[str, ...], words: str) -> bool:
    return any(mark in words for mark in marks)
