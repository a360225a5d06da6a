"""Where the gateway listens: config.yaml's address, unless mitmproxy was given one."""

import asyncio
from collections.abc import Sequence

from mitmproxy import options
from mitmproxy.proxy.mode_specs import ProxyMode

from addons.config.configuration import Config


def wanted_modes(config: Config, given: options.Options) -> list[str]:
    """The proxy modes as they should be: one without any address listens where config.yaml says."""
    listen, modes = config.sections.listen, []
    for text in given.mode:
        mode = ProxyMode.parse(text)
        if not given.listen_host and mode.custom_listen_host is None:
            port = mode.custom_listen_port or given.listen_port or listen.port
            modes.append(f"{text.partition('@')[0]}@{listen.host}:{port}")
        else:
            modes.append(text)
    return modes


def hosts_of(modes: Sequence[str], given: options.Options) -> list[str]:
    """The addresses on which these modes listen; empty for all of the machine's."""
    return [ProxyMode.parse(text).listen_host(given.listen_host) for text in modes]


async def move_listeners(given: options.Options, modes: Sequence[str]) -> None:
    """mitmproxy has opened its listeners before it loads a script; until they have moved, requests get a 500."""
    await asyncio.sleep(0)  # mitmproxy heeds a changed mode only once every addon knows that it is running
    given.update(mode=list(modes))
