"""mitmproxy's own options that would open something past the gateway: which values are refused, and why.

Pure, but for the file of CAs, which is looked into.

mitmproxy is a proxy with many doors; this gateway is one door of it. An option is refused where it would let somebody
in without a client key, send a request or a secret elsewhere, or switch a check off. One that only shows or keeps more,
or restricts, is the person's own choice. docs/security.md has the list. mitmproxy itself takes names it does not know
in silence, for scripts that may define them later: those are said.
"""

import ipaddress
import os
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mitmproxy.proxy.mode_specs import ProxyMode, ReverseMode

from addons.words.near import hint
from providers.contract.provider import LOOPBACK_HOSTS

DEAD_END: Final = "reverse:http://127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class _Rule:
    bad: Callable[[Any], bool]
    why: str
    instead: str = "leave it out"


def _set(value: Any) -> bool:
    return bool(value)


def _off(value: Any) -> bool:
    return value is False


def _other_mode(modes: Any) -> bool:
    return any(not is_our_mode(mode) for mode in modes or ())


def _beyond_loopback(host: Any) -> bool:
    try:
        return str(host) not in LOOPBACK_HOSTS and not ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return True


def _weak_tls(version: Any) -> bool:
    return str(version) not in ("TLS1_2", "TLS1_3")


def _weak_ciphers(names: Any) -> bool:
    """Whether OpenSSL would offer a cipher that encrypts nothing or asks for no certificate, or knows none of them."""
    if not names:
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.set_ciphers(str(names))
    except (ssl.SSLError, ValueError):
        return True
    return any(found["strength_bits"] < _FEWEST_BITS or found["auth"] == "auth-null" for found in _ciphers(context))


def _ciphers(context: ssl.SSLContext) -> Iterable[Mapping[str, Any]]:
    return context.get_ciphers()


def _no_certificate(file: Any) -> bool:
    if not file:
        return False
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(str(file))
    except (OSError, ValueError):  # (ssl.SSLError is an OSError)
        return True
    return False


def _no_folder(folder: Any) -> bool:
    return bool(folder) and not os.path.isdir(str(folder))


_FEWEST_BITS: Final = 128
_CIPHERS: Final = "leave it out, or name ciphers such as HIGH:!aNULL"
REFUSED: Final[Mapping[str, _Rule]] = {
    "ssl_insecure": _Rule(
        _set,
        "the providers' certificates would not be checked, and whoever stands between would get their secrets",
        "for a CA of your own: --set ssl_verify_upstream_trusted_ca=FILE",
    ),
    "validate_inbound_headers": _Rule(
        _off, "requests could be smuggled: a second one could be hidden in a malformed one"
    ),
    "keep_host_header": _Rule(_off, "the Host header could not be checked, and any web page could use the gateway"),
    "connection_strategy": _Rule(
        lambda value: value != "lazy", "connections would be made before any request was checked"
    ),
    "mode": _Rule(
        _other_mode,
        "it would be a second proxy beside the gateway that asks for no client key",
        f"use --mode {DEAD_END} alone, and another mitmproxy for other things",
    ),
    "web_host": _Rule(
        _beyond_loopback,
        "the inspector could be reached from other machines; it shows all conversations and can write files",
        "leave it at 127.0.0.1 and reach it through SSH (ssh -L 8081:127.0.0.1:8081 HOST)",
    ),
    "web_debug": _Rule(_set, "the inspector would show the inside of the process"),
    "proxy_debug": _Rule(_set, "every byte of clients and providers, keys too, would be written to the log"),
    "ignore_hosts": _Rule(_set, "those hosts would be passed through without a client key"),
    "allow_hosts": _Rule(_set, "all other hosts would be passed through without a client key"),
    "tcp_hosts": _Rule(_set, "those hosts would be passed through without a client key"),
    "udp_hosts": _Rule(_set, "those hosts would be passed through without a client key"),
    "map_remote": _Rule(_set, "requests would be sent elsewhere than to the provider they were made for"),
    "map_local": _Rule(_set, "files of this machine would be answered in the place of the provider"),
    "server_replay": _Rule(
        _set, "requests would be answered from a file", "glassgate sandbox --replay serves recordings"
    ),
    "client_replay": _Rule(_set, "requests of a file would be sent", "send them again from the inspector, one by one"),
    "upstream_auth": _Rule(_set, "this password would be sent to every provider in the place of its own"),
    "proxyauth": _Rule(_set, "it stands in the way of the client keys and writes what clients show into flows"),
    "stickyauth": _Rule(_set, "what one client shows would be used for the requests of others"),
    "stickycookie": _Rule(_set, "cookies of one client would be used for the requests of others"),
    "stream_large_bodies": _Rule(_set, "bodies would pass the gateway's limits"),
    "tls_version_server_min": _Rule(_weak_tls, "providers could be reached over TLS that is broken"),
    "ciphers_server": _Rule(
        _weak_ciphers,
        "among these ciphers are some without encryption or certificates, or there is none of the kind: what is sent "
        "to providers could be read, or not be sent at all",
        _CIPHERS,
    ),
    "ssl_verify_upstream_trusted_ca": _Rule(
        _no_certificate,
        "no certificate can be read there, so no provider could be trusted, and none reached",
        "name a PEM file with the certificates of your CA, or leave it out",
    ),
    "ssl_verify_upstream_trusted_confdir": _Rule(
        _no_folder,
        "there is no such folder, so no provider could be trusted, and none reached",
        "name the folder of your CAs, or leave it out",
    ),
}

WARNED: Final[Mapping[str, _Rule]] = {
    "block_global": _Rule(_off, "the gateway answers to addresses of the whole Internet, as far as it listens there"),
    "modify_headers": _Rule(_set, "what is sent to providers and clients is changed past the gateway's checks"),
    "modify_body": _Rule(_set, "what is sent to providers and clients is changed past the gateway's checks"),
    "tls_version_client_min": _Rule(_weak_tls, "clients may use TLS that is broken"),
    "ciphers_client": _Rule(_weak_ciphers, "clients may use TLS without encryption, or none at all"),
}


def refused(options: Mapping[str, Any]) -> list[str]:
    """What keeps the gateway from running with these options: a sentence each, with what to do."""
    return [
        f"mitmproxy's option {name} ({_shown(name, options)}) cannot be here: {rule.why}; {rule.instead}"
        for name, rule in _broken(REFUSED, options)
    ]


def warned(options: Mapping[str, Any]) -> list[str]:
    """What should be known about these options; a sentence each."""
    return [f"mitmproxy's option {name} ({_shown(name, options)}): {r.why}" for name, r in _broken(WARNED, options)]


def misspelt(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Options that look like the gateway's and are none: what was meant would not be heeded. A sentence each."""
    ours = [name for name in known if name.startswith(_OURS)]
    return [
        f"the gateway has no option {name[:100]}{hint(name, ours)}"
        for name in names
        if name not in ours and name.startswith(_OURS[:-1])
    ]


def unknown(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Options that this mitmproxy does not have, and no other of its programs; a sentence each."""
    has = list(known)
    return [
        f"mitmproxy has no option {name[:100]}, so it changes nothing{hint(name, has)}"
        for name in names
        if name not in has and not name.startswith((_OURS[:-1], *_OF_OTHER_PROGRAMS))
    ]


_OURS: Final = "gateway_"
_OF_OTHER_PROGRAMS: Final = (
    "web_",
    "console_",
    "view_",
    "dumper_",
    "intercept",
    "keepserving",
    "flow_detail",
    "termlog_",
)
"""Beginnings of options that mitmdump, mitmweb or mitmproxy alone have; one file of options serves all three."""


def is_our_mode(text: str) -> bool:
    """Whether a proxy mode is the one the gateway works in: plain HTTP's reverse mode (its target is never used)."""
    try:
        mode = ProxyMode.parse(text)
    except ValueError:
        return False
    return isinstance(mode, ReverseMode) and mode.scheme == "http"


def _broken(rules: Mapping[str, _Rule], options: Mapping[str, Any]) -> list[tuple[str, _Rule]]:
    return [(name, rule) for name, rule in rules.items() if name in options and rule.bad(options[name])]


def _shown(name: str, options: Mapping[str, Any]) -> str:
    return "…" if name in ("upstream_auth", "proxyauth") else repr(options[name])[:100]  # no password into a log
