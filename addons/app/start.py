"""The start: what is checked and opened before the first request is let in, and what is said once all runs."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mitmproxy.options import Options

from addons.app import address_file
from addons.app.configured_vault import open_vault, vault_path
from addons.app.hardening import give_back_memory, harden, raise_file_limit
from addons.app.listener_tls import shown_host, with_certificate
from addons.app.option_guard import OptionGuard
from addons.app.outside import Outside
from addons.app.runtime import Running
from addons.app.startup_hints import expected_checks
from addons.app.welcome import QUIET_START, welcome
from addons.config.loader import load_config
from addons.config.schema import url_of
from addons.config.version import version
from addons.ingress.endpoints import Inside
from addons.mitm.compat import check_mitmproxy
from addons.mitm.web_link import address_to_print, print_link
from addons.transport.pool_carrier import PoolCarrier
from addons.transport.step_runner import CallRecord
from addons.upstream.pool import UpstreamPool
from addons.words.commands import serves

log = logging.getLogger("glassgate")


@dataclass(frozen=True, slots=True)
class Started:
    """What a start has made."""

    parts: Running
    guard: OptionGuard
    modes: list[str]
    """The proxy modes to run in."""
    files: int
    """How many files may be open."""

    @property
    def url(self) -> str:
        """Where it listens, without a slash at its end."""
        return self.guard.address(self.modes, self.parts.config.sections.listen.scheme)


def started(options: Options, upstream: UpstreamPool, seen: Callable[[CallRecord], None], outside: Outside) -> Started:
    """Makes the process safe, then reads the configuration and opens the vault.

    `upstream` is the way to providers, and `seen` is told of preparing calls.

    Raises ConfigError, VaultError, UnfitMitmproxy.
    """
    os.umask(0o077)
    harden()  # before the first secret is read
    give_back_memory()
    files = raise_file_limit()
    check_mitmproxy()
    serves(file := Path(options.gateway_config))
    config = with_certificate(load_config(file), outside.now())
    guard = OptionGuard(options)
    modes = guard.checked_modes(config)
    parts = Running(config, open_vault(config), PoolCarrier(upstream), seen=seen, outside=outside, upstream=upstream)
    return Started(parts, guard, modes, files)


def announce(start: Started, inside: Inside, options: Options, resting: int) -> None:
    """Says that it runs: to people in the log, to commands of this machine in a file.

    `resting`: how many addons of mitmproxy's are not called.
    """
    config = start.parts.config
    start.guard.report(config)
    for words in (words for provider in start.parts.providers.values() for words in provider.doubts()):
        log.warning("%s", words)
    address_file.leave(vault_path(config).parent, config.file, start.url)
    text = _welcome(start, inside, options, resting)
    log.info(text.partition("\n")[0] if os.environ.pop(QUIET_START, "") else text)
    print_link()
    if words := expected_checks(start.parts.providers):
        log.info("%s", words)


def _base_url(start: Started) -> str:
    """As people are told it: with a certificate, by a name that it is for."""
    parts = urlsplit(start.url)
    if (pair := start.parts.config.tls) is None:
        return start.url
    return url_of(shown_host(pair, parts.hostname or ""), parts.port, parts.scheme)


def _welcome(start: Started, inside: Inside, options: Any, resting: int) -> str:
    config = start.parts.config
    aliases = config.sections.models.aliases
    own = {model.id for model in inside.index.models()}  # a model goes before an alias of its name
    listed = [name for name, _ in inside.listed(everything=False)]
    env_file = config.file.parent / ".env"
    return welcome(
        version(),
        f"{_base_url(start)}/v1",
        config.file,
        start.parts.report(),
        [name for name in listed if name in own or name not in aliases],
        aliases,
        inspector=address_to_print(options.web_port if "web_port" in options else None),
        resting=resting,
        here=f"{start.guard.address(start.modes)}/v1",
        keyless=config.skip_auth,
        has_usual_key=any(
            key.source == "AUTH_TOKEN" or key.token == os.environ.get("AUTH_TOKEN") for key in config.keys
        ),
        key_file=env_file if "AUTH_TOKEN" not in os.environ and env_file.is_file() else None,
    )
