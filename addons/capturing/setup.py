"""The mitmproxy options of a capture: loopback, the provider's hosts alone, nothing that shows or keeps flows."""

import re
from typing import Final
from urllib.parse import urlsplit

from mitmproxy.addonmanager import Loader
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.master import Master
from mitmproxy.options import Options

from addons.capturing import page as capture_page
from addons.cli.base import Problem
from providers.contract.provider import LOOPBACK_HOSTS, AnyProvider

TIMEOUT_S: Final = 600
_NOTHING: Final = "^$"
_WRITERS: Final = ("save_stream_file", "hardump", "client_replay", "server_replay", "rfile")


def add_options(loader: Loader) -> None:
    loader.add_option("capture_config", str, "config.yaml", "Glassgate's configuration file.")
    loader.add_option("capture_provider", str, "", "The provider of the configuration whose sign-in is captured.")
    loader.add_option("capture_account", str, "", "Its account; may be left out where there is one.")
    loader.add_option("capture_timeout_s", int, TIMEOUT_S, "How long to wait for the sign-in, in seconds.")


def decrypt_nothing(options: Options) -> None:
    """Has no connection decrypted until the provider is known, and nothing printed of a flow: URLs hold tokens."""
    wanted = {
        "allow_hosts": [_NOTHING],
        "connection_strategy": "lazy",  # our own page's host does not exist
        "upstream_cert": False,
        "onboarding": False,
        "flow_detail": 0,
    }
    options.update(**{name: value for name, value in wanted.items() if name in options})


def check(master: Master) -> None:
    """Raises Problem when this mitmproxy would show or keep flows, or listens to others."""
    options = master.options
    if type(master).__name__ in ("WebMaster", "ConsoleMaster"):
        raise Problem("a capture runs under mitmdump only: mitmproxy and mitmweb would show the session")
    for name in _WRITERS:
        if name in options and getattr(options, name):
            raise Problem(f"a capture writes nothing but the vault: leave out the option {name}")
    if options.listen_host not in LOOPBACK_HOSTS:
        raise Problem("a capture listens on loopback only: add --listen-host 127.0.0.1")
    for mode in options.mode:
        kind, _, address = mode.partition("@")
        if kind.partition(":")[0] not in ("regular", "upstream") or ":" in address:
            raise Problem("a capture is an ordinary local proxy: use --mode regular, and --listen-port for the port")


def host_patterns(provider: AnyProvider) -> list[str]:
    """The `allow_hosts` patterns of the provider's origins and our own page: whole `host:port`, nothing else."""
    places = [urlsplit(origin) for origin in sorted(provider.origins())]
    hosts = [f"{place.hostname}:{place.port}" for place in places]
    hosts += [f"{capture_page.HOST}:{port}" for port in (80, 443)]
    return [f"^{re.escape(host)}$" for host in hosts]


def port_of(server: Proxyserver | None) -> int:
    """The port the proxy listens on. Raises Problem when it does not."""
    addresses = server.listen_addrs() if server is not None else []
    if not addresses:
        raise Problem("the proxy could not listen; is its port in use?")
    port: int = addresses[0][1]
    return port
