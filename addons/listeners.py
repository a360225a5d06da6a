"""Where the gateway listens: config.yaml's address, unless mitmproxy was given one."""

import asyncio
from collections.abc import Sequence

from mitmproxy import options
from mitmproxy.proxy.mode_specs import ProxyMode

from addons.core.config import Config
from addons.core.config_file import ConfigError, exposure_problems


def wanted_modes(config: Config, given: options.Options) -> list[str]:
    """The proxy modes as they should be: one without any address listens where config.yaml says.

    Raises ConfigError when a listener is too open for the client keys.
    """
    listen, modes = config.sections.listen, []
    for text in given.mode:
        mode = ProxyMode.parse(text)
        if not given.listen_host and mode.custom_listen_host is None:
            port = mode.custom_listen_port or given.listen_port or listen.port
            modes.append(f"{text.partition('@')[0]}@{listen.host}:{port}")
            continue
        modes.append(text)
        host = mode.listen_host(given.listen_host)
        if found := exposure_problems(host, config.keys, config.skip_auth):
            raise ConfigError([f"{'.'.join(map(str, path))}: {problem}" for path, problem in found])
    return modes


async def move_listeners(given: options.Options, modes: Sequence[str]) -> None:
    """mitmproxy has opened its listeners before it loads a script; until they have moved, requests get a 500."""
    await asyncio.sleep(0)  # mitmproxy heeds a changed mode only once every addon knows that it is running
    given.update(mode=list(modes))
